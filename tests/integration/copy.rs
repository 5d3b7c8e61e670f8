//! `refundry copy`: copies a database into another, resumes, compares, and refuses to overwrite other data.

use crate::support::{Core, assert_balances_are_sums, config, new_refund};
use refundry::demo;
use refundry::domain::audit::{ChainCheck, Origin};
use refundry::domain::event::Actor;
use refundry::domain::money::Fen;
use refundry::domain::people::{Grant, Role};
use refundry::server::audit::Extent;
use refundry::server::clock::Clock;
use refundry::server::db::Db;
use refundry::server::run::copy::{CopyError, CopyProgress, Same, copy};
use refundry::server::store::copying;
use refundry::server::{audit, people, refunds};

/// Makes a database with a month of example data.
async fn month() -> Core {
    let core = Core::without_app(config(&[]), Clock::System).await;
    demo::seed(&core.ctx).await.expect("demonstration data");
    assert_balances_are_sums(&core.ctx).await;
    core
}

async fn empty() -> Core {
    Core::without_app(config(&[]), Clock::System).await
}

/// Returns the actor that copies.
fn by() -> Origin {
    Actor::CommandLine("root".to_owned()).into()
}

async fn copy_between(
    from: &Core,
    to: &Core,
    tell: &mut impl FnMut(CopyProgress),
) -> Result<Vec<Same>, CopyError> {
    let now = from.ctx.clock.now();
    copy(&from.ctx.db, &to.ctx.db, now, &by(), tell).await
}

async fn copy_quietly(from: &Core, to: &Core) -> Result<Vec<Same>, CopyError> {
    copy_between(from, to, &mut |_| {}).await
}

async fn run(db: &Db, sql: &'static str) -> u64 {
    db.write((), move |conn, ()| {
        Box::pin(async move { Ok(sqlx::query(sql).execute(conn).await?.rows_affected()) })
    })
    .await
    .expect("a statement")
}

async fn check(core: &Core) -> ChainCheck {
    let ctx = &core.ctx;
    audit::verify(&ctx.db, &ctx.clock, Extent::whole(), &mut |_, _| {})
        .await
        .expect("a check")
}

#[tokio::test]
async fn everything_is_copied_and_compared_and_a_second_run_adds_nothing() {
    let (from, to) = (month().await, empty().await);
    for name in ["li.na", "wang"] {
        let viewer = Grant::everywhere(Role::Viewer);
        people::add(&from.ctx, name, viewer, "correct horse", by())
            .await
            .expect("an operator");
    }
    let mut told = Vec::new();
    let same = copy_between(&from, &to, &mut |what| told.push(what))
        .await
        .expect("a copy");
    let of = |table| same.iter().find(|same| same.table == table).unwrap();
    assert_eq!((of("pay_order").rows, of("refund").rows), (400, 250));
    assert!(of("event").rows > 500);
    let held = of("pay_order")
        .sums
        .iter()
        .find(|(name, _)| *name == "held");
    assert!(held.unwrap().1 > Fen::ZERO);
    let done = |table| CopyProgress::Compared {
        table,
        done: 250,
        all: 250,
    };
    assert!(told.contains(&done("refund")));

    let again = copy_quietly(&from, &to).await;
    assert_eq!(again.expect("the same"), same);

    // The audit's chain is intact in the copy, and ends with the entry of the copy.
    let [ours, theirs] = [check(&from).await, check(&to).await];
    assert!(ours.found.is_none() && ours.unsealed.is_none());
    assert_eq!(ours, theirs);
    let entries = of("audit").rows;
    assert!(entries > 650);
    assert_eq!(u64::try_from(ours.head.sealed_no), Ok(entries));

    // There are more than 9 attempts and events: sorted as texts, 10 would come before 2.
    assert!(of("delivery_attempt").rows > 100);

    // The copy is a working database.
    let merchant = to.ctx.merchants.enabled(None).await.expect("the app");
    let order = to.order("OK", "after", Fen(100)).await;
    let actor = Actor::Merchant;
    refunds::issue(
        &to.ctx,
        &merchant,
        new_refund(&order, "after", Fen(1)),
        refunds::OnRepeat::Retry,
        actor,
    )
    .await
    .expect("a refund");
}

#[tokio::test]
async fn a_copy_that_was_broken_off_goes_on() {
    let (from, to) = (month().await, empty().await);
    copy_quietly(&from, &to).await.expect("a copy");
    // The state after an interruption in the middle of the refunds.
    for sql in [
        "DELETE FROM event",
        "DELETE FROM delivery_attempt",
        "DELETE FROM notice",
        "DELETE FROM submission WHERE refund_no > (SELECT MIN(refund_no) FROM refund)",
        "DELETE FROM refund WHERE refund_no > (SELECT MIN(refund_no) FROM refund)",
        "DELETE FROM callback",
        "DELETE FROM sandbox_ledger",
        "DELETE FROM operator_grant",
        "DELETE FROM operator",
    ] {
        run(&to.ctx.db, sql).await;
    }
    let mut copied = Vec::new();
    let same = copy_between(&from, &to, &mut |told| {
        if let CopyProgress::Copied { table, done, .. } = told {
            copied.push((table, done));
        }
    })
    .await
    .expect("the rest");
    let begun_at = copied.iter().find(|(table, _)| *table == "refund");
    assert_eq!(begun_at, Some(&("refund", 1)));
    let orders = copied.iter().filter(|(table, _)| *table == "pay_order");
    assert_eq!(orders.collect::<Vec<_>>(), [&("pay_order", 400)]);
    assert!(
        same.iter()
            .any(|same| same.table == "refund" && same.rows == 250)
    );
}

#[tokio::test]
async fn other_data_is_not_added_to() {
    let (from, to) = (month().await, Core::start(Clock::System).await);
    let before = run(&to.ctx.db, "UPDATE merchant_app SET enabled = enabled").await;
    let refused = copy_quietly(&from, &to).await;
    assert!(matches!(refused, Err(CopyError::Foreign(_))), "{refused:?}");
    let after = run(&to.ctx.db, "UPDATE merchant_app SET enabled = enabled").await;
    assert_eq!((before, after), (1, 1));
    assert_eq!(run(&to.ctx.db, "UPDATE pay_order SET held = held").await, 0);
}

#[tokio::test]
async fn a_database_that_a_server_runs_on_is_left_alone() {
    let (from, to) = (month().await, empty().await);
    run(
        &to.ctx.db,
        "INSERT INTO node (node, host, holder, started_at, alive_until) VALUES (0, 'h', 'x', 0, 9000000000000)",
    )
    .await;
    let refused = copy_quietly(&from, &to).await;
    assert!(
        matches!(refused, Err(CopyError::InUse("copy to"))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn one_fen_that_differs_is_found() {
    let (from, to) = (month().await, empty().await);
    copy_quietly(&from, &to).await.expect("a copy");
    run(
        &to.ctx.db,
        "UPDATE refund SET reason = 'x' WHERE refund_no = (SELECT MAX(refund_no) FROM refund)",
    )
    .await;
    let differs = copy_quietly(&from, &to).await;
    let at = CopyError::Differs {
        table: "refund",
        row: 250,
    };
    assert_eq!(differs.unwrap_err().to_string(), at.to_string());
}

#[tokio::test]
async fn no_table_is_forgotten() {
    let core = empty().await;
    let mut conn = core.ctx.db.read().await.unwrap();
    let mut there = copying::tables(&mut conn).await.unwrap();
    there.sort();
    let copied = copying::TABLES.iter().map(|table| table.name);
    let mut known: Vec<_> = copied.chain(copying::LEFT_OUT.iter().copied()).collect();
    known.sort_unstable();
    assert_eq!(there, known);
}
