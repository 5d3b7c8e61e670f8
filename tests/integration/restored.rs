//! Restored mode: a database that was restored from a backup submits nothing by any way in, asks its channels, and
//! submits what waited once a person has ended the mode.

use crate::support::http::{TestApp, config as http_config, unique};
use crate::support::{Core, assert_balances_are_sums, config, new_refund};
use refundry::domain::audit::{Action, Origin};
use refundry::domain::breaker::FAILURES;
use refundry::domain::event::{Actor, EventKind};
use refundry::domain::filter::{AuditFilter, Place};
use refundry::domain::money::Fen;
use refundry::domain::refund::{OutcomeKind, Refund, RefundKey, RefundStatus, WaitReason};
use refundry::domain::restoration::Tally;
use refundry::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::recent::KEPT_MS;
use refundry::server::refunds::OnRepeat;
use refundry::server::store::sandbox::LedgerRow;
use refundry::server::{audit, refunds, restoration, store};
use serde_json::json;

const START: Timestamp = Timestamp(1_700_000_000_000);
const ACCOUNT: &str = "DEMO-sandbox";

async fn start() -> Core {
    let config = config(&["--sbx-timeout=0ms", "--sbx-delay=2s"]);
    Core::with(config, Clock::manual(START)).await
}

fn person() -> Origin {
    Actor::Operator("li.na".to_owned()).into()
}

/// Puts a database into restored mode, as of an hour ago, and lets the node see it.
async fn begin(ctx: &Ctx) {
    let now = ctx.clock.now();
    restoration::begin(&ctx.db, now, now.plus_ms(-HOUR_MS), &person())
        .await
        .expect("a mark");
    ctx.restored.forget();
}

async fn end(ctx: &Ctx) {
    let ended = restoration::end(&ctx.db, ctx.clock.now(), "the bills agree", &person()).await;
    assert!(ended.expect("an end"));
    ctx.restored.forget();
}

/// Requests a refund of 5.00 of an order of its own.
async fn request(core: &Core, behaviour: &str) -> Refund {
    let name = unique(behaviour);
    let order = core.order(behaviour, &name, Fen(500)).await;
    let new = new_refund(&order, &format!("R-{name}"), Fen(500));
    repeat(core, new).await
}

/// Requests a refund while the breaker is open, so that it waits for its first submission.
async fn waiting(core: &Core) -> Refund {
    let breakers = &core.ctx.channels.breakers;
    for _ in 0..FAILURES {
        breakers.failed(ACCOUNT, "silence").await.expect("kept");
    }
    let refund = request(core, "OK").await;
    breakers.answered(ACCOUNT).await.expect("kept");
    assert_eq!(waits_for(&refund), Some(WaitReason::Permit));
    refund
}

async fn repeat(core: &Core, new: refundry::domain::refund::NewRefund) -> Refund {
    let (ctx, merchant) = (&core.ctx, &core.merchant);
    let issued = refunds::issue(ctx, merchant, new, OnRepeat::Retry, Actor::Merchant);
    issued.await.expect("a refund")
}

async fn now(core: &Core, refund: &Refund) -> Refund {
    let key = RefundKey::RefundNo(refund.refund_no.clone());
    let found = refunds::find(&core.ctx, &core.merchant, &key).await;
    found.expect("the refund").0
}

/// Returns how often the sandbox was told a number, and how often it moved money by it.
async fn told(core: &Core, channel_no: &str) -> (i64, i64) {
    let mut conn = core.ctx.db.read().await.expect("a connection");
    let row = store::sandbox::get(&mut conn, channel_no)
        .await
        .expect("a row");
    row.map_or((0, 0), |row| (row.submissions, row.moved))
}

async fn sync_due(ctx: &Ctx) -> u64 {
    refunds::sync_due(ctx, ACCOUNT).await.expect("a run")
}

async fn events(core: &Core, refund: &Refund, kind: EventKind) -> usize {
    let timeline = refunds::timeline(&core.ctx, "DEMO", &refund.refund_no).await;
    let timeline = timeline.expect("a timeline");
    timeline.iter().filter(|event| event.kind == kind).count()
}

async fn run(ctx: &Ctx, sql: &'static str) {
    let ran = ctx.db.write((), move |conn, ()| {
        Box::pin(async move { Ok(sqlx::query(sql).execute(conn).await.map(drop)?) })
    });
    ran.await.expect("a statement");
}

fn waits_for(refund: &Refund) -> Option<WaitReason> {
    refund.submissions.last().waits_for
}

#[tokio::test]
async fn nothing_is_submitted_by_any_way_in_until_the_mode_is_ended() {
    let core = start().await;
    let (ctx, merchant) = (&core.ctx, &core.merchant);
    // Before the backup: two that failed, one that the channel never received, one that waits to be submitted.
    let failed = [request(&core, "FAIL").await, request(&core, "FAIL").await];
    let lost = request(&core, "LOST").await;
    let by_hand = request(&core, "LOST").await;
    let put_off = waiting(&core).await;
    assert!(failed.iter().all(|one| one.status == RefundStatus::Fail));
    let told_before = told(&core, failed[0].channel_no()).await;

    begin(ctx).await;
    // A new request, twice.
    let name = unique("new");
    let order = core.order("OK", &name, Fen(500)).await;
    let new = new_refund(&order, &name, Fen(200));
    let fresh = repeat(&core, new.clone()).await;
    assert_eq!(fresh.status, RefundStatus::Progress);
    assert_eq!(waits_for(&fresh), Some(WaitReason::Restored));
    assert_eq!(repeat(&core, new).await.refund_no, fresh.refund_no);
    // A merchant's repeat of a failed one, and an operator's retry of another.
    let order = {
        let mut conn = ctx.db.read().await.unwrap();
        let order = store::order::get(&mut conn, "DEMO", &failed[0].order_no).await;
        order.unwrap().unwrap()
    };
    let again = repeat(
        &core,
        new_refund(&order, &failed[0].biz_refund_no, Fen(500)),
    )
    .await;
    let retried = refunds::retry(ctx, merchant, &failed[1].refund_no, None, person())
        .await
        .expect("a retry");
    for refund in [&again, &retried] {
        assert_eq!(refund.status, RefundStatus::Progress);
        assert_eq!(waits_for(refund), Some(WaitReason::Restored));
    }
    // A sync by hand, and by schedule, of what was never received and of what waits.
    ctx.clock.advance_ms(2 * HOUR_MS);
    for refund in [&by_hand, &fresh] {
        let key = RefundKey::RefundNo(refund.refund_no.clone());
        let synced = refunds::sync(ctx, merchant, &key, person())
            .await
            .expect("a sync");
        assert!(!synced.submitted);
        assert_eq!(synced.outcome, OutcomeKind::NotFound);
        assert_eq!(waits_for(&synced.refund), Some(WaitReason::Restored));
    }
    let all = [&fresh, &again, &retried, &lost, &by_hand, &put_off];
    for _ in 0..3 {
        sync_due(ctx).await;
        ctx.clock.advance_ms(DAY_MS);
    }
    for refund in all {
        let after = now(&core, refund).await;
        assert_eq!(after.status, RefundStatus::Progress, "{after:?}");
        assert_eq!(waits_for(&after), Some(WaitReason::Restored), "{after:?}");
        assert_eq!(after.submissions.count(), refund.submissions.count());
        // It is noted once that a refund waits, not at every look.
        assert!(events(&core, refund, EventKind::PutOff).await <= 1);
    }
    for refund in [&fresh, &lost, &by_hand, &put_off] {
        assert_eq!(told(&core, refund.channel_no()).await.1, 0);
    }
    assert_eq!(told(&core, failed[0].channel_no()).await, told_before);
    let restored = restoration::look(&ctx.db).await.unwrap().expect("the mode");
    let waiting = Tally {
        refunds: 6,
        amount: Fen(2_700),
    };
    assert_eq!(
        (restored.kept_back, restored.in_progress),
        (waiting, waiting)
    );
    assert_balances_are_sums(ctx).await;

    end(ctx).await;
    assert_eq!(sync_due(ctx).await, 6);
    for refund in [&fresh, &lost, &by_hand, &put_off] {
        let after = now(&core, refund).await;
        assert_eq!(after.status, RefundStatus::Success, "{after:?}");
        assert_eq!(told(&core, after.channel_no()).await.1, 1);
        assert_eq!(after.channel_no(), refund.channel_no());
    }
    for refund in [&again, &retried] {
        let after = now(&core, refund).await;
        assert_eq!(after.submissions.count(), refund.submissions.count() + 1);
    }
    assert!(restoration::look(&ctx.db).await.unwrap().is_none());
    assert_balances_are_sums(ctx).await;
}

#[tokio::test]
async fn what_the_channel_paid_after_the_backup_is_found_by_asking() {
    let core = start().await;
    let ctx = &core.ctx;
    // In the backup it waits for its first submission. After the backup it was submitted, and paid.
    let refund = waiting(&core).await;
    begin(ctx).await;
    let paid = LedgerRow {
        refund_no: refund.channel_no().to_owned(),
        account_id: ACCOUNT.to_owned(),
        out_order_no: "SBX-OK-1".to_owned(),
        amount: refund.amount,
        outcome: "success".to_owned(),
        settles_at: ctx.clock.now(),
        submissions: 1,
        moved: 1,
    };
    let put = ctx.db.write(paid, |conn, paid| {
        Box::pin(async move { Ok(store::sandbox::insert(conn, &paid).await?) })
    });
    put.await.unwrap();
    ctx.clock.advance_ms(2 * MINUTE_MS);
    assert_eq!(sync_due(ctx).await, 1);
    let after = now(&core, &refund).await;
    assert_eq!(after.status, RefundStatus::Success);
    end(ctx).await;
    ctx.clock.advance_ms(2 * DAY_MS);
    sync_due(ctx).await;
    assert_eq!(told(&core, refund.channel_no()).await, (1, 1));
    assert_balances_are_sums(ctx).await;
}

#[tokio::test]
async fn a_node_that_cannot_read_the_mode_submits_nothing() {
    let core = start().await;
    let ctx = &core.ctx;
    let name = unique("blind");
    let order = core.order("OK", &name, Fen(500)).await;
    let waiting = {
        begin(ctx).await;
        let waiting = request(&core, "OK").await;
        end(ctx).await;
        waiting
    };
    run(ctx, "ALTER TABLE restoration RENAME TO hidden").await;
    ctx.clock.advance_ms(KEPT_MS);
    let new = new_refund(&order, &name, Fen(200));
    let refused = refunds::issue(ctx, &core.merchant, new.clone(), OnRepeat::Retry, person());
    assert!(refused.await.is_err());
    sync_due(ctx).await;
    assert_eq!(told(&core, waiting.channel_no()).await, (0, 0));
    // Neither is lost: they go on once it can be read again.
    run(ctx, "ALTER TABLE hidden RENAME TO restoration").await;
    assert_eq!(repeat(&core, new).await.status, RefundStatus::Success);
    sync_due(ctx).await;
    assert_eq!(now(&core, &waiting).await.status, RefundStatus::Success);
}

#[tokio::test]
async fn every_node_follows_the_mark_and_both_acts_are_in_the_audit() {
    let core = start().await;
    let other = core.another_node(config(&["--sbx-timeout=0ms"])).await;
    assert!(!other.restored.is_on().await.unwrap());
    begin(&core.ctx).await;
    core.ctx.clock.advance_ms(KEPT_MS);
    assert!(other.restored.is_on().await.unwrap());
    end(&core.ctx).await;
    let twice = restoration::end(&core.ctx.db, core.ctx.clock.now(), "again", &person()).await;
    assert!(!twice.unwrap());
    core.ctx.clock.advance_ms(KEPT_MS);
    assert!(!other.restored.is_on().await.unwrap());
    let filter = AuditFilter::default();
    let acts = audit::list(&core.ctx.db, "*", &filter, &Place::First)
        .await
        .unwrap();
    let acts: Vec<_> = acts
        .rows
        .iter()
        .filter(|act| act.subject == "database")
        .map(|act| (act.action.as_str(), act.actor.as_str()))
        .collect();
    let (begun, ended) = (Action::RestoredModeBegun, Action::RestoredModeEnded);
    assert_eq!(
        acts,
        [
            (ended.as_str(), "operator:li.na"),
            (begun.as_str(), "operator:li.na")
        ]
    );
}

#[tokio::test]
async fn a_merchant_sees_a_refund_in_progress_and_no_error() {
    let app = TestApp::start_with(http_config(&[]), Clock::System).await;
    let biz_order_no = app.order("SBX-OK-restored").await;
    begin(&app.ctx).await;
    let fields = json!({"bizOrderNo": biz_order_no, "bizRefundNo": "R1", "amount": 5});
    let answer = app.open("/unipay/refund", fields).await;
    assert_eq!(answer.code(), 0, "{}", answer.text);
    assert_eq!(answer.data()["status"], "progress");
    assert!(answer.data()["errorMsg"].is_null());
    let refund_no = answer.data()["refundNo"].as_str().unwrap().to_owned();
    assert!(app.book(&refund_no).await.is_none());
    assert_eq!(app.refundable(&biz_order_no).await, json!(95));
}
