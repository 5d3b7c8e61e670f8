//! Automatic work on refunds: they are queried in time, submitted again where the channel never received them, flagged
//! when open for too long, and queried once more a day after success.

use crate::support::{self, Core, config, new_refund};
use refundry::domain::breaker::{Breaker, FAILURES};
use refundry::domain::callback::{Callback, Verdict};
use refundry::domain::event::{Actor, EventKind};
use refundry::domain::money::Fen;
use refundry::domain::notice::{DeliveryAttempt, NoticeKey};
use refundry::domain::order::Channel;
use refundry::domain::refund::{Refund, RefundKey, RefundStatus, ReviewReason};
use refundry::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use refundry::server::channels::breaker::BreakerState;
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::refunds::{self, OnRepeat};
use refundry::server::{retention, store};

const START: Timestamp = Timestamp(1_700_000_000_000);

async fn core(clock: &Clock) -> Core {
    Core::with(
        config(&["--sbx-timeout=0ms", "--sbx-delay=2s"]),
        clock.clone(),
    )
    .await
}

async fn refund(core: &Core, behaviour: &str) -> Refund {
    let name = support::http::unique(behaviour);
    let order = core.order(behaviour, &name, Fen(500)).await;
    let new = new_refund(&order, &format!("R-{name}"), Fen(500));
    refunds::issue(
        &core.ctx,
        &core.merchant,
        new,
        OnRepeat::Retry,
        Actor::Merchant,
    )
    .await
    .expect("a refund")
}

/// Id of the app's account.
const ACCOUNT: &str = "DEMO-sandbox";

async fn sync_due(ctx: &Ctx) -> u64 {
    refunds::sync_due(ctx, ACCOUNT).await.expect("a run")
}

async fn silence(ctx: &Ctx, times: u32) {
    for _ in 0..times {
        ctx.channels
            .breakers
            .failed(ACCOUNT, "silence")
            .await
            .expect("kept");
    }
}

async fn open_breakers(ctx: &Ctx) -> Vec<Breaker> {
    ctx.channels.breakers.all().await.expect("a list")
}

async fn now(core: &Core, refund: &Refund) -> Refund {
    let key = RefundKey::RefundNo(refund.refund_no.clone());
    let found = refunds::find(&core.ctx, &core.merchant, &key).await;
    found.expect("the refund").0
}

async fn events(core: &Core, refund: &Refund, kind: EventKind) -> usize {
    let timeline = refunds::timeline(&core.ctx, "DEMO", &refund.refund_no).await;
    let timeline = timeline.expect("a timeline");
    timeline.iter().filter(|event| event.kind == kind).count()
}

#[tokio::test]
async fn a_time_out_is_settled_after_a_minute_or_so() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let refund = refund(&core, "TIMEOUT").await;
    assert_eq!(refund.status, RefundStatus::Progress);
    clock.advance_ms(MINUTE_MS - 1);
    assert_eq!(sync_due(&core.ctx).await, 0);
    clock.advance_ms(MINUTE_MS / 10 + 1);
    assert_eq!(sync_due(&core.ctx).await, 1);
    assert_eq!(now(&core, &refund).await.status, RefundStatus::Success);
    assert_eq!(sync_due(&core.ctx).await, 0);
}

#[tokio::test]
async fn what_the_channel_never_saw_is_submitted_again_under_the_same_number() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let refund = refund(&core, "LOST").await;
    clock.advance_ms(2 * MINUTE_MS);
    assert_eq!(sync_due(&core.ctx).await, 1);
    let after = now(&core, &refund).await;
    assert_eq!(
        (after.status, after.submissions.count()),
        (RefundStatus::Success, 2)
    );
    assert_eq!(after.channel_no(), refund.channel_no());
    let book = core.ctx.channels.sandbox().expect("the sandbox");
    let entry = book.book(refund.channel_no()).await.unwrap().unwrap();
    assert_eq!(entry.moved, 1);
}

#[tokio::test]
async fn what_stays_open_is_asked_by_the_ladder_and_raised() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let absent = refund(&core, "ABSENT").await;
    assert!(absent.submissions.acknowledged());
    let mut asked = Vec::new();
    let mut raised = 0;
    for minute in 0..(3 * 24 * 60) {
        if sync_due(&core.ctx).await == 1 {
            asked.push(minute);
        }
        raised += refunds::flag_overdue(&core.ctx).await.expect("a run");
        clock.advance_ms(MINUTE_MS);
    }
    let within = |from: i64, to: i64| asked.iter().filter(|at| (from..to).contains(*at)).count();
    // Each is queried up to a tenth of the interval after the whole minute, hour or day.
    assert!((8..=9).contains(&within(0, 10)), "{asked:?}");
    assert!((5..=7).contains(&within(10, 60)), "{asked:?}");
    assert!((23..=25).contains(&within(60, 1440)), "{asked:?}");
    assert!((2..=3).contains(&within(1440, 4320)), "{asked:?}");
    let after = now(&core, &absent).await;
    assert_eq!(after.status, RefundStatus::Progress);
    // Flagged for the channel's statement, and therefore not for its age as well.
    assert_eq!(
        (after.review_reason, raised),
        (Some(ReviewReason::Absent), 0)
    );
}

#[tokio::test]
async fn one_that_stays_open_too_long_is_raised_once() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let refund = refund(&core, "TIMEOUT").await;
    clock.advance_ms(24 * HOUR_MS);
    assert_eq!(refunds::flag_overdue(&core.ctx).await.unwrap(), 0);
    clock.advance_ms(1);
    assert_eq!(refunds::flag_overdue(&core.ctx).await.unwrap(), 1);
    assert_eq!(refunds::flag_overdue(&core.ctx).await.unwrap(), 0);
    let raised = now(&core, &refund).await;
    assert_eq!(raised.review_reason, Some(ReviewReason::Overdue));
    assert_eq!(events(&core, &refund, EventKind::Flagged).await, 1);
    // A final outcome resolves the flag.
    assert_eq!(sync_due(&core.ctx).await, 1);
    let settled = now(&core, &refund).await;
    assert_eq!(
        (settled.status, settled.review_reason),
        (RefundStatus::Success, None)
    );
}

#[tokio::test]
async fn a_success_is_asked_for_once_more_after_a_day() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let refund = refund(&core, "OK").await;
    assert_eq!(refund.status, RefundStatus::Success);
    clock.advance_ms(DAY_MS - 1);
    assert_eq!(sync_due(&core.ctx).await, 0);
    clock.advance_ms(1);
    assert_eq!(sync_due(&core.ctx).await, 1);
    clock.advance_ms(30 * DAY_MS);
    assert_eq!(sync_due(&core.ctx).await, 0);
    assert_eq!(events(&core, &refund, EventKind::Sync).await, 1);
}

#[tokio::test]
async fn two_nodes_ask_for_each_refund_once() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let mut issued = Vec::new();
    for _ in 0..60 {
        issued.push(refund(&core, "ASYNC-NOCB").await);
    }
    clock.advance_ms(2 * MINUTE_MS);
    let other = Ctx::new(
        core.ctx.config.clone(),
        core.ctx.db.clone(),
        core.ctx.vault.clone(),
        clock.clone(),
    );
    let (one, two) = tokio::join!(sync_due(&core.ctx), sync_due(&other));
    assert_eq!(one + two, 60);
    for refund in issued {
        assert_eq!(now(&core, &refund).await.status, RefundStatus::Success);
        assert_eq!(events(&core, &refund, EventKind::Sync).await, 1);
    }
}

#[tokio::test]
async fn an_app_that_is_no_longer_enabled_has_its_refunds_settled() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let refund = refund(&core, "TIMEOUT").await;
    core.ctx
        .db
        .write((), |conn, ()| {
            Box::pin(async move {
                sqlx::query("UPDATE merchant_app SET enabled = 0")
                    .execute(conn)
                    .await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    clock.advance_ms(2 * MINUTE_MS);
    assert_eq!(sync_due(&core.ctx).await, 1);
    assert_eq!(now(&core, &refund).await.status, RefundStatus::Success);
}

#[tokio::test]
async fn no_probe_is_claimed_with_nothing_to_probe_with() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    silence(&core.ctx, FAILURES).await;
    let open = open_breakers(&core.ctx).await;
    assert_eq!(open.len(), 1);
    clock.advance_ms(HOUR_MS);
    assert_eq!(sync_due(&core.ctx).await, 0);
    assert_eq!(open_breakers(&core.ctx).await, open);
    // Makes sure that the first due refund is queried at once.
    refund(&core, "OK").await;
    clock.advance_ms(2 * MINUTE_MS);
    assert_eq!(sync_due(&core.ctx).await, 1);
    assert_eq!(open_breakers(&core.ctx).await, []);
}

#[tokio::test]
async fn failures_from_before_another_node_found_the_channel_back_do_not_count() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let (one, two) = (&core.ctx, core.another_node(config(&[])).await);
    silence(one, FAILURES).await;
    assert_eq!(
        two.channels.breakers.state(ACCOUNT).await.unwrap(),
        BreakerState::Open
    );
    two.channels.breakers.answered(ACCOUNT).await.unwrap();
    assert_eq!(
        one.channels.breakers.state(ACCOUNT).await.unwrap(),
        BreakerState::Closed
    );
    silence(one, FAILURES - 1).await;
    assert_eq!(open_breakers(one).await, []);
    silence(one, 1).await;
    assert_eq!(open_breakers(one).await.len(), 1);
}

#[tokio::test]
async fn lanes_are_those_that_have_something_due() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let lanes = async || refunds::sync_lanes(&core.ctx).await.unwrap();
    refund(&core, "TIMEOUT").await;
    assert!(lanes().await.is_empty());
    clock.advance_ms(2 * MINUTE_MS);
    assert_eq!(lanes().await, [ACCOUNT]);
    assert_eq!(sync_due(&core.ctx).await, 1);
    assert!(lanes().await.is_empty());
}

#[tokio::test]
async fn a_refund_that_awaits_an_approval_is_submitted_by_nobody_and_asked_for_by_nobody() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    // With the breaker open a new refund waits to be submitted.
    silence(&core.ctx, FAILURES).await;
    let waiting = refund(&core, "OK").await;
    core.ctx.channels.breakers.answered(ACCOUNT).await.unwrap();
    let hold = "UPDATE submission SET waits_for = 'approval', due_at = NULL";
    let held = core.ctx.db.write((), move |conn, ()| {
        Box::pin(async move { Ok(sqlx::query(hold).execute(conn).await.map(drop)?) })
    });
    held.await.unwrap();
    clock.advance_ms(HOUR_MS);
    assert_eq!(sync_due(&core.ctx).await, 0);
    let key = RefundKey::RefundNo(waiting.refund_no.clone());
    let (ctx, merchant) = (&core.ctx, &core.merchant);
    for _ in 0..2 {
        let synced = refunds::sync(ctx, merchant, &key, Actor::Merchant).await;
        let synced = synced.unwrap();
        assert!(!synced.submitted && !synced.changed, "{synced:?}");
        assert!(synced.refund.awaits_approval());
    }
    let sandbox = core.ctx.channels.sandbox().expect("the sandbox");
    let entry = sandbox.book(waiting.channel_no()).await.unwrap();
    assert!(entry.is_none(), "{entry:?}");
    // It may be closed all the same: the channel does not know it.
    let closed = refunds::close(ctx, merchant, &waiting.refund_no, Actor::System).await;
    assert_eq!(closed.unwrap().status, RefundStatus::Close);
}

/// Records a callback, and more delivery attempts than one write deletes.
async fn record_raw(core: &Core, refund: &Refund) {
    let now = core.ctx.clock.now();
    let callback = Callback {
        app_id: "DEMO".to_owned(),
        callback_no: "C1".to_owned(),
        channel: Channel::Sandbox,
        account_id: "DEMO-sandbox".to_owned(),
        received_at: now,
        headers: String::new(),
        body: "{}".to_owned(),
        verdict: Verdict::Accepted,
        refund_no: Some(refund.refund_no.clone()),
        times: 1,
        last_at: now,
    };
    let attempt = DeliveryAttempt {
        key: NoticeKey {
            app_id: "DEMO".to_owned(),
            refund_no: refund.refund_no.clone(),
            seq: 2,
        },
        attempt: 0,
        at: now,
        took_ms: 1,
        actor: Actor::System,
        url: "https://example.com".to_owned(),
        request: "{}".to_owned(),
        http_status: Some(200),
        answer: None,
        failure: None,
    };
    let written = core
        .ctx
        .db
        .write((callback, attempt), move |conn, (callback, attempt)| {
            Box::pin(async move {
                store::callback::put(conn, &callback, "digest").await?;
                for number in 1..=1_100 {
                    let attempt = DeliveryAttempt {
                        attempt: number,
                        ..attempt.clone()
                    };
                    store::notice::insert_attempt(conn, &attempt).await?;
                }
                Ok(())
            })
        });
    written.await.unwrap();
}

async fn clean_up(core: &Core) -> u64 {
    retention::clean_up(&core.ctx).await.expect("a run")
}

#[tokio::test]
async fn old_raw_records_go_and_what_is_open_or_wants_a_person_stays() {
    let clock = Clock::manual(START);
    let core = core(&clock).await;
    let (settled, open) = (refund(&core, "OK").await, refund(&core, "TIMEOUT").await);
    let raised = refund(&core, "OK").await;
    let number = raised.refund_no.clone();
    let written = core.ctx.db.write(number, |conn, number| {
        Box::pin(async move {
            let sql = "UPDATE refund SET review_reason = 'contradicted', reviewed = 0 \
                       WHERE refund_no = $1";
            sqlx::query(sql).bind(&number).execute(conn).await?;
            Ok(())
        })
    });
    written.await.unwrap();
    record_raw(&core, &settled).await;

    clock.advance_ms(90 * DAY_MS);
    assert_eq!(clean_up(&core).await, 0);
    clock.advance_ms(1);
    assert_eq!(clean_up(&core).await, 1_101);

    let timeline = async |refund: &Refund| {
        let events = refunds::timeline(&core.ctx, "DEMO", &refund.refund_no).await;
        events.expect("a timeline").len() as u64
    };
    let (gone, kept) = (timeline(&settled).await, timeline(&open).await);
    assert!(gone > 0 && kept > 0);
    clock.advance_ms(310 * DAY_MS - 1);
    assert_eq!(clean_up(&core).await, 0);
    clock.advance_ms(1);
    assert_eq!(clean_up(&core).await, gone);
    assert_eq!(timeline(&settled).await, 0);
    assert_eq!(timeline(&open).await, kept);
    assert_eq!(timeline(&raised).await, gone);
}

#[tokio::test]
async fn without_a_limit_nothing_goes() {
    let flags = [
        "--keep-events-days=0",
        "--keep-callbacks-days=0",
        "--keep-attempts-days=0",
    ];
    let clock = Clock::manual(START);
    let core = Core::with(config(&flags), clock.clone()).await;
    let refund = refund(&core, "OK").await;
    record_raw(&core, &refund).await;
    clock.advance_ms(10_000 * DAY_MS);
    assert_eq!(clean_up(&core).await, 0);
}
