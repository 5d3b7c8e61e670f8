//! What a person decides of a refund: one in progress is closed on the channel's word alone, and what was
//! raised is noted as looked at.

mod support;

use refundry::domain::error::Refusal;
use refundry::domain::event::{Actor, EventKind};
use refundry::domain::filter::{Place, ReviewQueueFilter};
use refundry::domain::money::Fen;
use refundry::domain::order::{Order, OrderKey};
use refundry::domain::refund::{OutcomeKind, Refund, RefundStatus, ReviewReason};
use refundry::domain::time::{HOUR_MS, Timestamp};
use refundry::server::channels::sandbox::faults::Faults;
use refundry::server::clock::Clock;
use refundry::server::error::{Error, Result};
use refundry::server::refunds::OnRepeat;
use refundry::server::refunds::records;
use refundry::server::{notices, orders, refunds, store};
use support::{Core, new_refund};

async fn start() -> Core {
    Core::start(Clock::manual(Timestamp(1_700_000_000_000))).await
}

fn person() -> Actor {
    Actor::Operator("li.na".to_owned())
}

/// A refund of 1.00 of an order of 10.00, whose merchant wants to be told.
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

    // The channel's words are attached, and it was asked, not told again.
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
    // The later one is told that something is under way, or, having come after it, how it stands.
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
    // Accepted, and not settled before its delay.
    let refund = issued(&core, "ASYNC-NOCB").await;
    stays_open(&core, &refund, "accepted").await;
    // No answer comes in time, whatever the channel knows.
    let refund = issued(&core, "LOST").await;
    let sandbox = core.ctx.channels.sandbox().expect("the sandbox");
    sandbox
        .change_faults("DEMO", Faults::Silent, Actor::System)
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

/// The refund as if its channel had contradicted itself.
async fn contradicted(core: &Core, refund: &Refund) -> Refund {
    let raised = Refund {
        status: RefundStatus::Success,
        review_reason: Some(ReviewReason::Contradicted),
        version: refund.version + 1,
        ..refund.clone()
    };
    let row = raised.clone();
    core.ctx
        .db
        .write(move |conn| {
            let row = row.clone();
            Box::pin(async move { Ok(store::refund::update(conn, &row, None).await?) })
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
    // Nothing is raised yet.
    assert!(review(refund.version, "").await.is_err());
    let seen = contradicted(&core, &refund).await;
    assert_eq!(raised().await, 1);
    // It has changed since that version.
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
