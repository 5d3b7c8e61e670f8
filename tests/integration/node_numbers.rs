//! Node numbers: each running server on a database has its own, whichever servers stop and start.

use crate::support::{Core, config};
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::numbers::Kind;

const START: Timestamp = Timestamp(1_700_000_000_500);
const LEASE_MS: i64 = 60_000;

async fn core() -> Core {
    Core::with(config(&[]), Clock::manual(START)).await
}

/// Returns the node's two digits of a number made now.
async fn digits(ctx: &Ctx) -> String {
    let number = ctx.numbers.make(Kind::Refund, ctx.clock.now()).await;
    let number = number.expect("a number");
    number[number.len() - 8..number.len() - 6].to_owned()
}

/// Starts a node as `serve` does.
async fn start(ctx: &Ctx) -> Option<i64> {
    let started = ctx.numbers.lease.start(ctx.clock.now()).await;
    started.expect("the database is there").ok()
}

#[tokio::test]
async fn the_lowest_free_number_is_taken_and_given_back() {
    let core = core().await;
    let (one, two) = (core.ctx.clone(), core.another_node(config(&[])).await);
    assert_eq!((start(&one).await, start(&two).await), (Some(0), Some(1)));
    assert_eq!(
        (digits(&one).await, digits(&two).await),
        ("00".into(), "01".into())
    );

    // The number is free from the next second on, so that no two numbers of one second are equal.
    one.numbers.lease.release(one.clock.now()).await.unwrap();
    assert_eq!(digits(&core.another_node(config(&[])).await).await, "02");
    core.ctx.clock.advance_ms(500);
    assert_eq!(digits(&core.another_node(config(&[])).await).await, "00");
}

#[tokio::test]
async fn a_lease_that_is_renewed_lasts_and_one_that_is_not_is_lost() {
    let core = core().await;
    let (one, two) = (core.ctx.clone(), core.another_node(config(&[])).await);
    start(&one).await;
    start(&two).await;
    // The first node is suspended, the second continues.
    for _ in 0..5 {
        core.ctx.clock.advance_ms(15_000);
        two.numbers.lease.renew(two.clock.now()).await.unwrap();
    }
    let third = core.another_node(config(&[])).await;
    assert_eq!(start(&third).await, Some(0));
    assert_eq!(digits(&two).await, "01");
    // When it resumes, another node has its number, and it takes a new one before it makes any.
    assert_eq!(one.numbers.lease.node(one.clock.now()), None);
    assert_eq!(digits(&one).await, "02");
    // Where no node took the number, it is still there.
    core.ctx.clock.advance_ms(LEASE_MS);
    assert_eq!(digits(&two).await, "01");
}

#[tokio::test]
async fn a_number_that_was_asked_for_is_taken_over_by_the_server_started_next_on_this_host() {
    let core = core().await;
    let asked = async || core.another_node(config(&["--node=7"])).await;
    let (crashed, again) = (asked().await, asked().await);
    assert_eq!(
        (start(&crashed).await, start(&again).await),
        (Some(7), Some(7))
    );
    // If the crashed node is alive after all, it takes another number.
    crashed
        .numbers
        .lease
        .renew(crashed.clock.now())
        .await
        .unwrap();
    assert_eq!(
        (digits(&crashed).await, digits(&again).await),
        ("00".into(), "07".into())
    );
    // A command beside the server does not take over its configured number.
    assert_eq!(digits(&asked().await).await, "01");
}

#[tokio::test]
async fn a_number_that_another_host_holds_is_refused() {
    let core = core().await;
    let held = refundry::server::store::node::Holding {
        node: 7,
        host: "another.example".to_owned(),
        holder: "another.example 1".to_owned(),
        started_at: START,
        alive_until: START.plus_ms(LEASE_MS),
    };
    let elsewhere = held.clone();
    let taken = core.ctx.db.write(elsewhere, move |conn, elsewhere| {
        Box::pin(
            async move { Ok(refundry::server::store::node::take(conn, &elsewhere, false).await?) },
        )
    });
    assert!(taken.await.unwrap());
    let node = core.another_node(config(&["--node=7"])).await;
    let refused = node.numbers.lease.start(node.clock.now()).await.unwrap();
    assert_eq!(refused, Err(held));
    core.ctx.clock.advance_ms(LEASE_MS);
    assert_eq!(start(&node).await, Some(7));
}

#[tokio::test]
async fn a_number_that_a_clock_ahead_of_time_holds_is_free() {
    let core = core().await;
    for (alive_until, taken) in [
        (START.plus_ms(LEASE_MS), None),
        (START.plus_ms(24 * 60 * LEASE_MS), Some(7)),
    ] {
        let set = core.ctx.db.write((), move |conn, ()| {
            Box::pin(async move {
                let sql = "INSERT INTO node VALUES (7, 'another.example', 'x', 0, $1) \
                           ON CONFLICT (node) DO UPDATE SET alive_until = $1";
                sqlx::query(sql).bind(alive_until.0).execute(conn).await?;
                Ok(())
            })
        });
        set.await.unwrap();
        let node = core.another_node(config(&["--node=7"])).await;
        assert_eq!(start(&node).await, taken);
    }
}
