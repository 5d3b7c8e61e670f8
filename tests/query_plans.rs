//! Checks that no list, search or look-up reads a whole table: every statement of the use-cases is recorded, and
//! SQLite is asked for its plan. A scan fails the test.

mod support;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use refundry::domain::audit::Action;
use refundry::domain::callback::Verdict;
use refundry::domain::event::Actor;
use refundry::domain::filter::{
    AuditFilter, CallbackFilter, Cursor, NoticeFilter, OrderFilter, Place, RefundFilter,
    ReviewQueueFilter, Sort, SyncFilter,
};
use refundry::domain::money::Fen;
use refundry::domain::notice::NoticeState;
use refundry::domain::order::{Channel, OrderKey, OrderStatus, RefundSide};
use refundry::domain::refund::{OutcomeKind, RefundKey, RefundStatus};
use refundry::domain::time::{DAY_MS, Timestamp};
use refundry::server::audit::Extent;
use refundry::server::clock::Clock;
use refundry::server::error::Result;
use refundry::server::refunds::OnRepeat;
use refundry::server::refunds::records;
use refundry::server::store::gauges;
use refundry::server::{audit, notices, orders, refunds, restoration, retention};
use sqlx::{AssertSqlSafe, Connection, Row};
use support::{Core, new_refund};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Records the text of every statement that sqlx runs, and their number.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<BTreeSet<String>>>, Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.1.fetch_add(1, Ordering::SeqCst);
            event.record(&mut self.clone());
        }
    }
}

impl Visit for Statements {
    fn record_str(&mut self, field: &Field, value: &str) {
        if matches!(field.name(), "db.statement" | "summary")
            && !value.ends_with('…')
            && !value.is_empty()
        {
            self.0.lock().unwrap().insert(value.trim().to_owned());
        }
    }
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

const SORTS: [Sort; 4] = [
    Sort::TimeDesc,
    Sort::TimeAsc,
    Sort::AmountDesc,
    Sort::AmountAsc,
];

fn places() -> [Place; 3] {
    let cursor = Cursor {
        key: 5,
        number: "P".to_owned(),
    };
    [
        Place::First,
        Place::After(cursor.clone()),
        Place::Before(cursor),
    ]
}

/// Returns every criterion alone, and every pair of criteria.
fn pairs<T: Clone + Default>(criteria: &[fn(&mut T)]) -> Vec<T> {
    let mut filters = vec![T::default()];
    for (i, first) in criteria.iter().enumerate() {
        for second in &criteria[i..] {
            let mut filter = T::default();
            first(&mut filter);
            second(&mut filter);
            filters.push(filter);
        }
    }
    filters
}

fn order_filters() -> Vec<OrderFilter> {
    pairs::<OrderFilter>(&[
        |f| f.number = Some("P2".to_owned()),
        |f| f.title = Some("订".to_owned()),
        |f| f.channel = Some(Channel::Sandbox),
        |f| f.status = Some(OrderStatus::Success),
        |f| f.refund_side = Some(RefundSide::NoRefund),
        |f| f.refund_side = Some(RefundSide::Refunding),
        |f| f.refund_side = Some(RefundSide::PartialRefund),
        |f| f.refund_side = Some(RefundSide::Refunded),
        |f| (f.amount_min, f.amount_max) = (Some(Fen(1)), Some(Fen(9))),
        |f| (f.from, f.to) = (Some(Timestamp(1)), Some(Timestamp(9))),
    ])
}

fn refund_filters() -> Vec<RefundFilter> {
    pairs::<RefundFilter>(&[
        |f| f.number = Some("R2".to_owned()),
        |f| f.title = Some("订".to_owned()),
        |f| f.channel = Some(Channel::Sandbox),
        |f| f.status = Some(RefundStatus::Fail),
        |f| f.review_reason = true,
        |f| (f.amount_min, f.amount_max) = (Some(Fen(1)), Some(Fen(9))),
        |f| (f.from, f.to) = (Some(Timestamp(1)), Some(Timestamp(9))),
    ])
}

fn notice_filters() -> Vec<NoticeFilter> {
    pairs::<NoticeFilter>(&[
        |f| f.number = Some("R2".to_owned()),
        |f| f.state = Some(NoticeState::GivenUp),
        |f| (f.from, f.to) = (Some(Timestamp(1)), Some(Timestamp(9))),
    ])
}

fn callback_filters() -> Vec<CallbackFilter> {
    pairs::<CallbackFilter>(&[
        |f| f.number = Some("R2".to_owned()),
        |f| f.channel = Some(Channel::Sandbox),
        |f| f.verdict = Some(Verdict::NotFound),
        |f| (f.from, f.to) = (Some(Timestamp(1)), Some(Timestamp(9))),
    ])
}

fn sync_filters() -> Vec<SyncFilter> {
    pairs::<SyncFilter>(&[
        |f| f.number = Some("R2".to_owned()),
        |f| f.outcome = Some(OutcomeKind::NotFound),
        |f| f.changed = true,
        |f| (f.from, f.to) = (Some(Timestamp(1)), Some(Timestamp(9))),
    ])
}

fn audit_filters() -> Vec<AuditFilter> {
    pairs::<AuditFilter>(&[
        |f| f.actor = Some(Actor::Merchant),
        |f| f.action = Some(Action::RefundRequested),
        |f| (f.from, f.to) = (Some(Timestamp(1)), Some(Timestamp(9))),
    ])
}

/// Reads the lists of records, and each record's page.
async fn read_records(core: &Core) -> Result<()> {
    let (ctx, id) = (&core.ctx, "DEMO");
    for place in places() {
        for filter in [ReviewQueueFilter::Open, ReviewQueueFilter::Raised] {
            records::review_queue(ctx, id, filter, &place).await?;
            records::count_review_queue(ctx, id, filter).await?;
        }
        for filter in notice_filters() {
            notices::list(ctx, id, &filter, &place).await?;
            notices::counts(ctx, id, &filter).await?;
        }
        for filter in callback_filters() {
            records::callbacks(ctx, id, &filter, &place).await?;
            records::count_callbacks(ctx, id, &filter).await?;
        }
        for filter in sync_filters() {
            records::syncs(ctx, id, &filter, &place).await?;
            records::count_syncs(ctx, id, &filter).await?;
        }
    }
    for place in places() {
        for filter in audit_filters() {
            audit::list(&ctx.db, id, &filter, &place).await?;
            audit::list(&ctx.db, "*", &filter, &place).await?;
        }
    }
    audit::seal(&ctx.db).await?;
    audit::place(&ctx.db, 1).await?;
    audit::verify(&ctx.db, &ctx.clock, Extent::whole(), &mut |_, _| {}).await?;
    notices::count_given_up(ctx, id).await?;
    notices::of_refund(ctx, id, "R").await?;
    records::callbacks_of(ctx, id, "R").await?;
    records::find_callback(ctx, id, "C").await.ok();
    ctx.channels.breakers.all().await?;
    let by = Actor::System.into();
    restoration::begin(&ctx.db, Timestamp(2), Timestamp(1), &by).await?;
    restoration::look(&ctx.db).await?;
    restoration::end(&ctx.db, Timestamp(3), "done", &by).await?;
    Ok(())
}

/// Runs the automatic jobs, where something is due and where nothing is.
async fn run_jobs(core: &Core, statements: &Statements) {
    let ctx = &core.ctx;
    // All rows are old enough to be deleted.
    ctx.clock.advance_ms(500 * DAY_MS);
    for lane in refunds::sync_lanes(ctx).await.expect("lanes") {
        refunds::sync_due(ctx, &lane).await.expect("a run");
    }
    for lane in notices::send_lanes(ctx).await.expect("lanes") {
        notices::send_due(ctx, &lane).await.expect("a run");
    }
    notices::send_due(ctx, "DEMO").await.expect("a run");
    refunds::flag_overdue(ctx).await.expect("a run");
    retention::clean_up(ctx).await.expect("a run");

    for number in 0..60 {
        support::add_app(ctx, support::http::merchant(&format!("IDLE{number}"))).await;
    }
    let before = statements.1.load(Ordering::SeqCst);
    assert!(refunds::sync_lanes(ctx).await.expect("lanes").is_empty());
    assert!(notices::send_lanes(ctx).await.expect("lanes").is_empty());
    refunds::flag_overdue(ctx).await.expect("a run");
    let asked = statements.1.load(Ordering::SeqCst) - before;
    assert!((1..=3).contains(&asked), "an idle node asks {asked} times");
}

#[tokio::test]
async fn no_statement_scans_a_table() {
    if support::database::server().is_some() {
        eprintln!("not run: it reads SQLite's plans");
        return;
    }
    let statements = Statements::default();
    let subscriber = tracing_subscriber::registry().with(statements.clone());
    tracing::subscriber::set_global_default(subscriber).expect("the only test of this file");

    let core = Core::start(Clock::manual(Timestamp(1_700_000_000_000))).await;
    let (ctx, merchant, id) = (&core.ctx, &core.merchant, "DEMO");
    for behaviour in ["OK", "ASYNC", "FAIL", "LOST", "TIMEOUT"] {
        let order = core.order(behaviour, behaviour, Fen(1_000)).await;
        let refund = refunds::issue(
            ctx,
            merchant,
            new_refund(&order, behaviour, Fen(100)),
            OnRepeat::Retry,
            Actor::Merchant,
        )
        .await;
        let refund = refund.expect("a refund");
        for key in [
            RefundKey::RefundNo(refund.refund_no.clone()),
            RefundKey::BizRefundNo(behaviour.to_owned()),
        ] {
            refunds::sync(ctx, merchant, &key, Actor::System)
                .await
                .expect("a sync");
        }
        for key in [
            OrderKey::BizOrderNo(order.biz_order_no),
            OrderKey::OutOrderNo(order.out_order_no.unwrap()),
        ] {
            orders::sync(ctx, merchant, &key, Actor::System)
                .await
                .expect("a sync");
        }
        refunds::of_order(ctx, id, &order.order_no)
            .await
            .expect("refunds");
        refunds::movements(ctx, id, &order.order_no)
            .await
            .expect("movements");
        refunds::booked(ctx, &refund).await.expect("a sum");
        refunds::timeline(ctx, id, &refund.refund_no)
            .await
            .expect("events");
        orders::timeline(ctx, id, &order.order_no)
            .await
            .expect("events");
        refunds::retry(ctx, merchant, &refund.refund_no, None, Actor::System)
            .await
            .ok();
        refunds::close(ctx, merchant, &refund.refund_no, Actor::System)
            .await
            .ok();
    }
    for sort in SORTS {
        for place in places() {
            for filter in order_filters() {
                orders::list(ctx, id, &OrderFilter { sort, ..filter }, &place)
                    .await
                    .expect("a page");
            }
            for filter in refund_filters() {
                refunds::list(ctx, id, &RefundFilter { sort, ..filter }, &place)
                    .await
                    .expect("a page");
            }
        }
    }
    for filter in refund_filters() {
        refunds::counts(ctx, id, &filter).await.expect("counts");
    }

    let mut conn = ctx.db.read().await.expect("a connection");
    for question in [
        gauges::OLDEST_OPEN_MS,
        gauges::OPEN,
        gauges::HELD_FEN,
        gauges::SYNCS_DUE,
        gauges::RAISED,
        gauges::NOTICES_WAITING,
        gauges::NOTICES_DUE,
        gauges::OLDEST_NOTICE_MS,
        gauges::BREAKERS,
    ] {
        gauges::ask(&mut conn, &question, ctx.clock.now())
            .await
            .expect("a figure");
    }
    drop(conn);
    read_records(&core).await.expect("records");
    run_jobs(&core, &statements).await;

    let caught: Vec<_> = statements.0.lock().unwrap().iter().cloned().collect();
    let planned = |sql: &&String| {
        ["SELECT", "UPDATE", "INSERT", "DELETE"]
            .iter()
            .any(|word| sql.starts_with(word))
    };
    let mut conn = sqlx::AnyConnection::connect(&core.url())
        .await
        .expect("a second connection");
    let mut explained = 0;
    // Writes that go together are one text.
    let caught: Vec<String> = caught
        .iter()
        .flat_map(|sql| sql.split("; ").map(str::to_owned))
        .collect();
    for sql in caught
        .iter()
        .filter(planned)
        .filter(|sql| !sql.contains("_sqlx_migrations"))
    {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan = sqlx::query(explain)
            .fetch_all(&mut conn)
            .await
            .expect("a plan");
        let details: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        check(sql, &details);
        explained += 1;
    }
    assert!(explained > 500, "only {explained} statements were caught");
}

/// The indexes of unsealed audit entries and of refunds that wait for the end of restored mode. A scan of one reads only
/// those, mostly none.
const PARTIAL: [&str; 2] = [
    "SCAN audit USING INDEX audit_unsealed",
    "SCAN submission USING INDEX submission_restored",
];

/// Fails on a scan. Lists of apps, accounts and open breakers are short; candidates are at most a thousand rows.
fn check(sql: &str, plan: &[String]) {
    let whole = |table: &str| {
        plan.iter()
            .filter(|step| !PARTIAL.contains(&step.as_str()))
            .any(|step| step.split(' ').take(2).eq(["SCAN", table]))
    };
    for table in [
        "pay_order",
        "refund",
        "submission",
        "event",
        "callback",
        "notice",
        "delivery_attempt",
        "movement",
        "session",
        "operator",
        "operator_grant",
        "login_failure",
        "sandbox_ledger",
        "notice",
        "audit",
    ] {
        assert!(!whole(table), "scans {table}:\n{sql}\n{plan:#?}");
    }
    // Candidates are few, and each is looked up by its key.
    let among_all = plan
        .first()
        .is_some_and(|step| step.ends_with("(app_id=?)"));
    assert!(
        !among_all || !sql.contains(" IN (SELECT"),
        "looks for candidates among all rows of an app:\n{sql}\n{plan:#?}"
    );
    // Only the candidates of a number or a title may be sorted; all other rows come in order.
    let sorts = plan
        .iter()
        .any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
    assert!(
        !sorts || sql.contains(" IN (SELECT"),
        "sorts what an index should give in order:\n{sql}\n{plan:#?}"
    );
}
