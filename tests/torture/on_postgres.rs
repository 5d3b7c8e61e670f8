//! PostgreSQL as the desk's database: nodes that are killed, and a database that goes away.

use std::time::Duration;

use tempfile::TempDir;

use crate::audit::{self, Rest};
use crate::desk::{Desk, SHOP, goes_on};
use crate::kills::kill_again_and_again;
use crate::load::{BEHAVIOURS, Load};
use crate::postgres::{Postgres, Proxy, url};

/// Starts a server in a folder of its own. `None`, with a message, where PostgreSQL is not installed.
async fn server(test: &str) -> Option<(TempDir, Postgres)> {
    let folder = tempfile::tempdir().unwrap();
    let server = Postgres::start_new(folder.path()).await;
    if server.is_none() {
        println!("{test}: skipped, PostgreSQL is not installed (tools/setup-tests.sh)");
    }
    server.map(|server| (folder, server))
}

async fn nodes_are_killed(name: &str, nodes: usize, rounds: u32) {
    let Some((folder, server)) = server(name).await else {
        return;
    };
    let mut desk = Desk::on(folder, url(server.port), nodes, &[]).await;
    kill_again_and_again(&mut desk, rounds).await;
    audit::finish(name, &mut desk, Rest::Synced, "no other faults").await;
}

#[tokio::test]
async fn nothing_is_lost_when_a_node_on_postgresql_is_killed() {
    nodes_are_killed("kill -9, PostgreSQL, one node", 1, 6).await;
}

#[tokio::test]
async fn nothing_is_lost_when_one_of_three_nodes_is_killed() {
    nodes_are_killed("kill -9, PostgreSQL, three nodes", 3, 9).await;
}

#[tokio::test]
async fn nothing_is_lost_when_postgresql_stops_and_starts() {
    let name = "PostgreSQL stopped and started";
    let Some((folder, server)) = server(name).await else {
        return;
    };
    let mut desk = Desk::on(folder, url(server.port), 2, &[]).await;
    desk.start().await;
    let orders = desk.town.orders(SHOP, &BEHAVIOURS, 3).await;
    let load = Load::start(&desk.town, SHOP, &orders, 8);
    let mut round = 0;
    while goes_on(&desk, round, 3) {
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        server.stop_immediately().await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        server.start().await;
        desk.recovers(&orders[2]).await;
        desk.assert_running();
        audit::check(&desk).await;
        round += 1;
    }
    load.stop().await;
    let faults = format!("{round} stops of PostgreSQL (immediate), two nodes");
    audit::finish(name, &mut desk, Rest::Synced, &faults).await;
}

#[tokio::test]
async fn nothing_is_lost_when_connections_are_cut() {
    let name = "connections cut";
    let Some((folder, server)) = server(name).await else {
        return;
    };
    let proxy = Proxy::to(server.port).await;
    let mut desk = Desk::on(folder, url(proxy.port), 2, &[]).await;
    desk.start().await;
    let orders = desk.town.orders(SHOP, &BEHAVIOURS, 3).await;
    let load = Load::start(&desk.town, SHOP, &orders, 8);
    let mut round = 0;
    while goes_on(&desk, round, 10) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        match round % 2 {
            0 => proxy.cut(),
            _ => server.terminate_connections().await,
        }
        desk.recovers(&orders[2]).await;
        audit::check(&desk).await;
        round += 1;
    }
    load.stop().await;
    let faults = format!("all connections broken {round} times, two nodes");
    audit::finish(name, &mut desk, Rest::Synced, &faults).await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_primary_is_killed() {
    let name = "primary killed, standby promoted";
    let Some((folder, primary)) = server(name).await else {
        return;
    };
    let standby = primary.standby(folder.path()).await;
    let proxy = Proxy::to(primary.port).await;
    let mut desk = Desk::on(folder, url(proxy.port), 2, &[]).await;
    desk.start().await;
    let orders = desk.town.orders(SHOP, &BEHAVIOURS, 3).await;
    let load = Load::start(&desk.town, SHOP, &orders, 8);
    tokio::time::sleep(Duration::from_millis(3_000)).await;
    primary.kill().await;
    standby.promote().await;
    proxy.lead_to(standby.port);
    desk.recovers(&orders[2]).await;
    audit::check(&desk).await;
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    load.stop().await;
    let faults = "one primary killed -9 under load, its synchronous standby promoted, two nodes";
    audit::finish(name, &mut desk, Rest::Synced, faults).await;
}
