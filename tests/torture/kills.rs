//! Nodes that are killed at any moment.

use std::time::Duration;

use crate::audit::{self, Rest};
use crate::desk::{Desk, SHOP, goes_on};
use crate::load::{BEHAVIOURS, Load, random};

/// Kills nodes at random moments under load, and checks after each kill what it left.
pub async fn kill_again_and_again(desk: &mut Desk, rounds: u32) {
    desk.start().await;
    let orders = desk.town.orders(SHOP, &BEHAVIOURS, 3).await;
    let load = Load::start(&desk.town, SHOP, &orders, 8);
    let mut round = 0;
    while goes_on(desk, round, rounds) {
        let moment = Duration::from_millis(random(20..900) as u64);
        tokio::time::sleep(moment).await;
        desk.kill(random(0..desk.nodes())).await;
        desk.start().await;
        audit::check(desk).await;
        round += 1;
    }
    load.stop().await;
}

#[tokio::test]
async fn nothing_is_lost_when_a_node_on_sqlite_is_killed() {
    let mut desk = Desk::embedded(&[]).await;
    kill_again_and_again(&mut desk, 12).await;
    audit::finish(
        "kill -9, SQLite",
        &mut desk,
        Rest::Synced,
        "no other faults",
    )
    .await;
}
