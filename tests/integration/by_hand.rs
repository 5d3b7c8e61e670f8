//! Decisions of persons about refunds: closing a refund in progress on the channel's word, noting the review of a
//! flagged one, and booking money.

use std::collections::HashMap;

use crate::support::{Core, assert_balances_are_sums, new_refund};
use hmac::{Hmac, KeyInit, Mac};
use refundry::domain::error::Refusal;
use refundry::domain::event::{Actor, EventKind};
use refundry::domain::filter::{Place, ReviewQueueFilter};
use refundry::domain::money::Fen;
use refundry::domain::movement::{MovementEvidence, MovementKind};
use refundry::domain::order::{Channel, Order, OrderKey};
use refundry::domain::refund::{
    Booking, OutcomeKind, Refund, RefundKey, RefundStatus, ReviewReason,
};
use refundry::domain::time::{HOUR_MS, Timestamp};
use refundry::server::channels::sandbox::faults::Faults;
use refundry::server::clock::Clock;
use refundry::server::error::{Error, Result};
use refundry::server::refunds::records;
use refundry::server::refunds::{BookingRequest, OnRepeat};
use refundry::server::{notices, orders, refunds, store};

async fn start() -> Core {
    Core::start(Clock::manual(Timestamp(1_700_000_000_000))).await
}

fn person() -> Actor {
    Actor::Operator("li.na".to_owned())
}

/// Makes a refund of 1.00 of an order of 10.00, with notices to the merchant.
async fn issued(core: &Core, behaviour: &str) -> Refund {
    let order = core.order(behaviour, behaviour, Fen(1_000)).await;
    let mut new = new_refund(&order, behaviour, Fen(100));
    new.notify_url = Some("https://merchant.example/notice".to_owned());
    let refund = refunds::issue(
        &core.ctx,
        &core.merchant,
        new,
        OnRepeat::Retry,
        Actor::Merchant,
    )
    .await;
    let refund = refund.expect("a refund");
    assert_eq!(refund.status, RefundStatus::Progress);
    refund
}

async fn close(core: &Core, refund: &Refund) -> Result<Refund> {
    refunds::close(&core.ctx, &core.merchant, &refund.refund_no, person()).await
}

async fn order_of(core: &Core, refund: &Refund) -> Order {
    let key = OrderKey::OrderNo(refund.order_no.clone());
    orders::find(&core.ctx, &core.merchant, &key)
        .await
        .expect("its order")
}

async fn told(core: &Core, refund: &Refund) -> Vec<RefundStatus> {
    let notices = notices::of_refund(&core.ctx, "DEMO", &refund.refund_no).await;
    notices
        .expect("notices")
        .iter()
        .map(|notice| notice.status)
        .collect()
}

#[tokio::test]
async fn what_the_channel_does_not_know_is_closed_and_its_amount_given_back() {
    let core = start().await;
    let refund = issued(&core, "LOST").await;
    core.ctx.clock.advance_ms(HOUR_MS);
    let closed = close(&core, &refund).await.expect("a close");
    assert_eq!(closed.status, RefundStatus::Close);
    let order = order_of(&core, &refund).await;
    assert_eq!((order.held, order.refundable()), (Fen::ZERO, Fen(1_000)));
    assert_eq!(told(&core, &refund).await, [RefundStatus::Close]);

    // The channel's words are recorded, and it was queried, not sent a submission.
    let events = refunds::timeline(&core.ctx, "DEMO", &refund.refund_no)
        .await
        .expect("events");
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds[..2], [EventKind::Closed, EventKind::Sync]);
    assert!(!kinds.contains(&EventKind::Resubmitted), "{kinds:?}");
    assert_eq!(events[0].outcome, Some(OutcomeKind::NotFound));
    assert!(events[0].said.as_ref().is_some_and(|said| !said.is_empty()));

    let again = close(&core, &refund).await;
    assert!(
        matches!(again, Err(Error::Refused(Refusal::WrongState { .. }))),
        "{again:?}"
    );
    assert_eq!(told(&core, &refund).await.len(), 1);
    assert_eq!(order_of(&core, &refund).await.held, Fen::ZERO);
}

#[tokio::test]
async fn two_presses_at_once_close_once() {
    let core = start().await;
    let refund = issued(&core, "LOST").await;
    core.ctx.clock.advance_ms(HOUR_MS);
    let (one, other) = tokio::join!(close(&core, &refund), close(&core, &refund));
    // The later request is refused because work is under way, or, if it comes after that, gets the present state.
    for done in [one, other] {
        match done {
            Ok(closed) => assert_eq!(closed.status, RefundStatus::Close),
            Err(error) => assert_eq!(error.refusal(), Some(&Refusal::SyncUnderWay)),
        }
    }
    let events = refunds::timeline(&core.ctx, "DEMO", &refund.refund_no)
        .await
        .expect("events");
    let closed = events
        .iter()
        .filter(|event| event.kind == EventKind::Closed);
    assert_eq!(closed.count(), 1);
    let order = order_of(&core, &refund).await;
    assert_eq!((order.held, order.refundable()), (Fen::ZERO, Fen(1_000)));
    assert_eq!(told(&core, &refund).await, [RefundStatus::Close]);
}

#[tokio::test]
async fn what_the_channel_is_at_or_does_not_tell_stays_open() {
    let core = start().await;
    // Accepted, and not settled before the sandbox's delay.
    let refund = issued(&core, "ASYNC-NOCB").await;
    stays_open(&core, &refund, "accepted").await;
    // No answer comes in time, although the channel has the refund.
    let refund = issued(&core, "LOST").await;
    let sandbox = core.ctx.channels.sandbox().expect("the sandbox");
    sandbox
        .change_faults("DEMO-sandbox", Faults::Silent, Actor::System)
        .await
        .expect("faults");
    stays_open(&core, &refund, "unknown").await;
}

async fn stays_open(core: &Core, refund: &Refund, said: &str) {
    let refused = close(core, refund).await;
    let Err(Error::Refused(Refusal::NotClosable { outcome })) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(outcome, said);
    let order = order_of(core, refund).await;
    assert_eq!((order.held, order.refundable()), (Fen(100), Fen(900)));
    assert!(told(core, refund).await.is_empty());
}

#[tokio::test]
async fn what_the_channel_has_paid_out_is_settled_instead() {
    let core = start().await;
    let refund = issued(&core, "TIMEOUT").await;
    core.ctx.clock.advance_ms(HOUR_MS);
    let settled = close(&core, &refund).await.expect("how it stands");
    assert_eq!(settled.status, RefundStatus::Success);
    let order = order_of(&core, &refund).await;
    assert_eq!((order.held, order.refunded), (Fen::ZERO, Fen(100)));
    assert_eq!(told(&core, &refund).await, [RefundStatus::Success]);
}

/// Makes the refund as if its channel had contradicted itself.
async fn contradicted(core: &Core, refund: &Refund) -> Refund {
    let raised = Refund {
        status: RefundStatus::Success,
        review_reason: Some(ReviewReason::Contradicted),
        version: refund.version + 1,
        ..refund.clone()
    };
    core.ctx
        .db
        .write(raised.clone(), |conn, row| {
            Box::pin(async move { Ok(store::run(conn, vec![store::refund::update(&row)]).await?) })
        })
        .await
        .expect("a write");
    raised
}

#[tokio::test]
async fn what_was_raised_is_noted_as_looked_at_once_and_as_it_was_seen() {
    let core = start().await;
    let refund = issued(&core, "ASYNC-NOCB").await;
    let review = async |seen: i64, remark: &'static str| {
        let (ctx, merchant) = (&core.ctx, &core.merchant);
        refunds::review(ctx, merchant, &refund.refund_no, seen, remark, person()).await
    };
    let raised = async || {
        let count = records::count_review_queue(&core.ctx, "DEMO", ReviewQueueFilter::Raised).await;
        count.expect("a count").rows
    };
    // Nothing is flagged yet.
    assert!(review(refund.version, "").await.is_err());
    let seen = contradicted(&core, &refund).await;
    assert_eq!(raised().await, 1);
    // The refund has changed since that version.
    assert!(review(seen.version - 1, "").await.is_err());
    let reviewed = review(seen.version, "银行流水已核对")
        .await
        .expect("a review");
    assert!(reviewed.reviewed && reviewed.status == RefundStatus::Success);
    assert_eq!(raised().await, 0);
    let events = refunds::timeline(&core.ctx, "DEMO", &refund.refund_no)
        .await
        .expect("events");
    assert_eq!(events[0].kind, EventKind::Reviewed);
    assert_eq!(events[0].actor, person());
    assert_eq!(events[0].said.as_deref(), Some("银行流水已核对"));
    assert!(review(reviewed.version, "").await.is_err());
}

#[tokio::test]
async fn the_inbox_shows_the_oldest_first_with_what_was_heard_last() {
    let core = start().await;
    let first = issued(&core, "LOST").await;
    core.ctx.clock.advance_ms(HOUR_MS);
    let order = core.order("ASYNC-NOCB", "2", Fen(1_000)).await;
    let new = new_refund(&order, "R2", Fen(100));
    refunds::issue(
        &core.ctx,
        &core.merchant,
        new,
        OnRepeat::Retry,
        Actor::Merchant,
    )
    .await
    .expect("a refund");
    let page = records::review_queue(&core.ctx, "DEMO", ReviewQueueFilter::Open, &Place::First)
        .await
        .expect("a page");
    let heard: Vec<_> = page
        .rows
        .iter()
        .map(|row| row.heard.map(|(outcome, _)| outcome))
        .collect();
    assert_eq!(page.rows[0].refund.refund_no, first.refund_no);
    assert_eq!(
        heard,
        [Some(OutcomeKind::Unknown), Some(OutcomeKind::Accepted)]
    );
    assert_eq!((page.count.rows, page.after), (2, None));
}

/// Requests a refund of an order, with notices to the merchant.
async fn ask(core: &Core, order: &Order, number: &str, amount: Fen) -> Result<Refund> {
    let mut new = new_refund(order, number, amount);
    new.notify_url = Some("https://merchant.example/notice".to_owned());
    let (ctx, merchant) = (&core.ctx, &core.merchant);
    refunds::issue(ctx, merchant, new, OnRepeat::Retry, Actor::Merchant).await
}

async fn sync(core: &Core, refund: &Refund) -> Refund {
    let key = RefundKey::RefundNo(refund.refund_no.clone());
    let synced = refunds::sync(&core.ctx, &core.merchant, &key, Actor::System).await;
    synced.expect("a sync").refund
}

/// Makes the sandbox call back that it has paid the refund out.
async fn call_back_success(core: &Core, refund: &Refund) -> Refund {
    let body = format!(
        r#"{{"refundNo":"{}","amount":{},"status":"success","outRefundNo":"X"}}"#,
        refund.channel_no(),
        refund.amount.0
    );
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"123456").unwrap();
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let headers = HashMap::from([("sandbox-signature".to_owned(), signature)]);
    refunds::callback(
        &core.ctx,
        "DEMO",
        Channel::Sandbox,
        None,
        &headers,
        body.as_bytes(),
    )
    .await
    .expect("a reply");
    let key = RefundKey::RefundNo(refund.refund_no.clone());
    let found = refunds::find(&core.ctx, &core.merchant, &key).await;
    found.expect("the refund").0
}

/// Makes the booking of a refund and an order as shown now.
async fn as_shown(core: &Core, refund: &Refund, booking: Booking) -> BookingRequest {
    BookingRequest {
        booking,
        version: refund.version,
        refundable: order_of(core, refund).await.refundable(),
        remark: "通道账单 20260301".to_owned(),
    }
}

async fn book(core: &Core, refund: &Refund, request: &BookingRequest) -> Result<Refund> {
    let (ctx, merchant) = (&core.ctx, &core.merchant);
    refunds::book(ctx, merchant, &refund.refund_no, request.clone(), person()).await
}

fn refused(result: Result<Refund>) -> Refusal {
    match result {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// Returns the kinds of an order's movements, newest first, with their amounts and evidence.
async fn movements(core: &Core, order: &Order) -> Vec<(MovementKind, i64, MovementEvidence)> {
    let movements = refunds::movements(&core.ctx, "DEMO", &order.order_no).await;
    let told = |movement: &refundry::domain::movement::Movement| {
        (movement.kind, movement.amount().0, movement.evidence)
    };
    movements.expect("movements").iter().map(told).collect()
}

#[tokio::test]
async fn what_came_back_is_booked_and_can_be_refunded_again() {
    let core = start().await;
    let order = core.order("REVERSED", "1", Fen(1_000)).await;
    let refund = ask(&core, &order, "R1", Fen(600)).await.expect("a refund");
    assert_eq!(refund.status, RefundStatus::Success);
    assert!(
        book(
            &core,
            &refund,
            &as_shown(&core, &refund, Booking::Returned).await
        )
        .await
        .is_err(),
        "nothing is raised yet"
    );
    core.ctx.clock.advance_ms(HOUR_MS);
    let raised = sync(&core, &refund).await;
    assert_eq!(raised.review_reason, Some(ReviewReason::Contradicted));
    assert_eq!(raised.status, RefundStatus::Success);
    let request = as_shown(&core, &raised, Booking::Returned).await;

    // A booking of outdated data is refused, as is a booking other than the possible one.
    let older = BookingRequest {
        version: raised.version - 1,
        ..request.clone()
    };
    let other = BookingRequest {
        booking: Booking::Overpaid,
        ..request.clone()
    };
    for wrong in [older, other] {
        let refusal = refused(book(&core, &raised, &wrong).await);
        assert!(matches!(refusal, Refusal::WrongState { .. }), "{refusal:?}");
    }
    let stale = BookingRequest {
        refundable: Fen(399),
        ..request.clone()
    };
    let refusal = refused(book(&core, &raised, &stale).await);
    assert_eq!(refusal.field_name(), Some("refundable"));
    assert_eq!(order_of(&core, &raised).await.refunded, Fen(600));

    // Two simultaneous presses book once.
    let (one, two) = tokio::join!(
        book(&core, &raised, &request),
        book(&core, &raised, &request)
    );
    let booked = match (one, two) {
        (Ok(booked), Err(_)) | (Err(_), Ok(booked)) => booked,
        both => panic!("{both:?}"),
    };
    assert_eq!(booked.status, RefundStatus::Close);
    assert_eq!(booked.error_code.as_deref(), Some("RETURNED"));
    assert_eq!(booked.review_reason, None);
    let after = order_of(&core, &raised).await;
    assert_eq!(
        (after.refunded, after.refundable()),
        (Fen::ZERO, Fen(1_000))
    );
    let both = [RefundStatus::Success, RefundStatus::Close];
    assert_eq!(told(&core, &booked).await, both);
    let events = refunds::timeline(&core.ctx, "DEMO", &booked.refund_no)
        .await
        .expect("events");
    assert_eq!(events[0].kind, EventKind::Booked);
    assert_eq!(events[0].actor, person());
    assert_eq!(events[0].said.as_deref(), Some("通道账单 20260301"));
    let submissions = events.iter().filter(|event| {
        let kinds = [EventKind::Requested, EventKind::Resubmitted];
        kinds.contains(&event.kind)
    });
    assert_eq!(submissions.count(), 1, "nothing goes to the channel");
    assert_eq!(
        movements(&core, &order).await,
        [
            (MovementKind::Returned, -600, MovementEvidence::Operator),
            (MovementKind::Refunded, 600, MovementEvidence::Answer),
            (MovementKind::Held, 600, MovementEvidence::Request),
        ]
    );
    assert_balances_are_sums(&core.ctx).await;

    // A repeated statement of the channel changes nothing; the payer is refunded by another refund.
    assert_eq!(sync(&core, &booked).await.status, RefundStatus::Close);
    let again = ask(&core, &order, "R2", Fen(1_000))
        .await
        .expect("a refund");
    assert_eq!(again.status, RefundStatus::Success);
}

#[tokio::test]
async fn what_was_overpaid_is_booked_apart_and_never_refunded_again() {
    let core = start().await;
    let order = core.order("LOST", "1", Fen(1_000)).await;
    let first = ask(&core, &order, "R1", Fen(600)).await.expect("a refund");
    core.ctx.clock.advance_ms(HOUR_MS);
    let closed = close(&core, &first).await.expect("a close");
    let second = ask(&core, &order, "R2", Fen(700)).await.expect("a refund");
    assert_eq!(second.status, RefundStatus::Progress);

    core.ctx.clock.advance_ms(1);
    let raised = call_back_success(&core, &closed).await;
    assert_eq!(raised.review_reason, Some(ReviewReason::Overpaid));
    assert_eq!(raised.status, RefundStatus::Close);
    let request = as_shown(&core, &raised, Booking::Overpaid).await;
    assert_eq!(request.refundable, Fen(300));
    let booked = book(&core, &raised, &request).await.expect("a booking");
    assert_eq!(booked.status, RefundStatus::Success);
    assert_eq!(booked.review_reason, None);
    let refusal = refused(book(&core, &raised, &request).await);
    assert!(matches!(refusal, Refusal::WrongState { .. }), "{refusal:?}");

    let after = order_of(&core, &booked).await;
    assert_eq!(
        (after.refunded, after.held, after.overpaid),
        (Fen(300), Fen(700), Fen(300))
    );
    assert_eq!((after.refundable(), after.excess()), (Fen::ZERO, Fen(300)));
    let all = [RefundStatus::Close, RefundStatus::Success];
    assert_eq!(told(&core, &booked).await, all);
    let newest = movements(&core, &order).await[0];
    assert_eq!(
        newest,
        (MovementKind::Overpaid, 600, MovementEvidence::Operator)
    );
    assert_balances_are_sums(&core.ctx).await;

    // The other refund fails after all: the payer has 600 of the 1000, and 400 can be refunded.
    core.ctx.clock.advance_ms(HOUR_MS);
    close(&core, &second).await.expect("a close");
    let after = order_of(&core, &booked).await;
    assert_eq!((after.held, after.refundable()), (Fen::ZERO, Fen(400)));
    let refusal = refused(ask(&core, &order, "R3", Fen(401)).await);
    assert_eq!(refusal.field_name(), Some("amount"));
    ask(&core, &order, "R4", Fen(400)).await.expect("a refund");
    assert_eq!(order_of(&core, &booked).await.refundable(), Fen::ZERO);
    assert_balances_are_sums(&core.ctx).await;
}

#[tokio::test]
async fn what_the_channel_has_confirmed_since_is_not_booked_as_returned() {
    let core = start().await;
    let order = core.order("OK", "1", Fen(1_000)).await;
    let refund = ask(&core, &order, "R1", Fen(600)).await.expect("a refund");
    core.ctx.clock.advance_ms(HOUR_MS);
    let raised = contradicted(&core, &refund).await;
    let confirmed = sync(&core, &raised).await;
    assert_eq!(confirmed.review_reason, Some(ReviewReason::Contradicted));
    let request = as_shown(&core, &confirmed, Booking::Returned).await;
    let refusal = refused(book(&core, &confirmed, &request).await);
    assert_eq!(refusal, Refusal::NotBookable);
    assert_eq!(order_of(&core, &confirmed).await.refunded, Fen(600));
}
