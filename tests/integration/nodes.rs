//! Two nodes on one PostgreSQL database. A request made to both at the same moment takes effect once, and each node
//! sees the other's changes.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::support::database::{self, TestDatabase};
use crate::support::http::{TestApp, cookie};
use crate::support::{self, Core, config, new_refund};
use futures::future::join_all;
use refundry::domain::error::Refusal;
use refundry::domain::event::Actor;
use refundry::domain::money::Fen;
use refundry::domain::order::Order;
use refundry::domain::people::{Grant, Role};
use refundry::domain::refund::{NewRefund, Refund, RefundKey, RefundStatus};
use refundry::domain::time::Timestamp;
use refundry::server::client_ip::ClientIp;
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::db::Db;
use refundry::server::error::Result;
use refundry::server::numbers::Kind;
use refundry::server::people::sessions::COOKIE;
use refundry::server::refunds::OnRepeat;
use refundry::server::store::login_failure::Window;
use refundry::server::vault::Vault;
use refundry::server::{orders, people, refunds, store};
use reqwest::header;

const ADDRESS: ClientIp = ClientIp(IpAddr::V4(Ipv4Addr::LOCALHOST));

/// Two nodes with a common app and a common ledger of the sandbox.
struct Nodes {
    core: Core,
    nodes: [Ctx; 2],
}

impl Nodes {
    /// Starts the nodes. Returns `None`, with a note, where no PostgreSQL is available for tests.
    async fn start() -> Option<Nodes> {
        if !on_postgres() {
            return None;
        }
        let core = Core::start(Clock::System).await;
        let flags = ["--sbx-delay", "2s", "--sbx-timeout", "0ms"];
        let other = core.another_node(config(&flags)).await;
        let nodes = [core.ctx.clone(), other];
        Some(Nodes { core, nodes })
    }

    /// Requests refunds from the nodes in turn, all at the same moment.
    async fn ask(&self, asked: Vec<NewRefund>) -> Vec<Result<Refund>> {
        let tasks = asked.into_iter().enumerate().map(|(i, new)| {
            let (node, merchant) = (self.nodes[i % 2].clone(), self.core.merchant.clone());
            tokio::spawn(async move {
                refunds::issue(&node, &merchant, new, OnRepeat::Retry, Actor::Merchant).await
            })
        });
        let outcomes = join_all(tasks).await;
        outcomes
            .into_iter()
            .map(|outcome| outcome.expect("no panic"))
            .collect()
    }

    async fn order(&self, order: &Order) -> Order {
        let mut conn = self.nodes[0].db.read().await.unwrap();
        let order = store::order::get(&mut conn, &order.app_id, &order.order_no).await;
        order.unwrap().expect("the order")
    }

    /// Returns how often a refund was submitted, and how often money moved.
    async fn booked(&self, refund: &Refund) -> (i64, i64) {
        let mut conn = self.nodes[0].db.read().await.unwrap();
        let row = store::sandbox::get(&mut conn, refund.channel_no()).await;
        let row = row.unwrap().expect("a row of the book");
        (row.submissions, row.moved)
    }
}

fn on_postgres() -> bool {
    let there = database::server().is_some();
    if !there {
        eprintln!("not run: {} names no server", database::SERVER);
    }
    there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_asked_for_at_both_nodes_at_once_is_one_refund() {
    let Some(nodes) = Nodes::start().await else {
        return;
    };
    const ROUNDS: i64 = 200;
    let order = nodes.core.order("OK", "1", Fen(100 * ROUNDS)).await;
    let other = nodes.core.order("OK", "2", Fen(100 * ROUNDS)).await;
    for round in 0..ROUNDS {
        let number = format!("R{round}");
        // In every fourth round, the second request names another order under the same refund number.
        let second = if round % 4 == 3 { &other } else { &order };
        let asked = [&order, second].map(|order| new_refund(order, &number, Fen(100)));
        let told = nodes.ask(asked.to_vec()).await;
        let told: Vec<Refund> = told
            .into_iter()
            .map(|told| told.expect("a refund"))
            .collect();
        assert_eq!(told[0].refund_no, told[1].refund_no);
        assert_eq!(nodes.booked(&told[0]).await, (1, 1));
    }
    let (order, other) = (nodes.order(&order).await, nodes.order(&other).await);
    assert_eq!(order.refunded + other.refunded, Fen(100 * ROUNDS));
    assert_eq!((order.held, other.held), (Fen::ZERO, Fen::ZERO));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_exceeds_an_order_together_is_refused_and_never_refunded() {
    let Some(nodes) = Nodes::start().await else {
        return;
    };
    for round in 0..40 {
        let order = nodes.core.order("OK", &round.to_string(), Fen(1_000)).await;
        let asked = (0..6).map(|i| new_refund(&order, &format!("R{round}-{i}"), Fen(300)));
        let told = nodes.ask(asked.collect()).await;
        let refused = told.iter().filter_map(|told| told.as_ref().err());
        let codes: Vec<_> = refused
            .map(|error| error.refusal().unwrap_or_else(|| panic!("{error}")).code())
            .collect();
        assert_eq!(codes, [10506; 3]);
        assert_eq!(nodes.order(&order).await.refunded, Fen(900));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_synced_at_both_nodes_at_once_is_submitted_again_once() {
    let Some(nodes) = Nodes::start().await else {
        return;
    };
    for round in 0..40 {
        // Without this, the lost submissions alone would open the breaker and make refunds wait.
        for node in &nodes.nodes {
            node.channels
                .breakers
                .answered("DEMO-sandbox")
                .await
                .expect("a breaker");
        }
        // The first submission does not reach the channel.
        let order = nodes
            .core
            .order("LOST", &round.to_string(), Fen(1_000))
            .await;
        let new = new_refund(&order, &format!("R{round}"), Fen(1_000));
        let refund = nodes.ask(vec![new]).await.remove(0).expect("a refund");
        assert_eq!(refund.status, RefundStatus::Progress);
        let key = RefundKey::RefundNo(refund.refund_no.clone());
        let syncs = nodes.nodes.iter().map(|node| {
            let (node, merchant, key) = (node.clone(), nodes.core.merchant.clone(), key.clone());
            tokio::spawn(async move { refunds::sync(&node, &merchant, &key, Actor::System).await })
        });
        for synced in join_all(syncs).await {
            if let Err(error) = synced.expect("no panic") {
                assert_eq!(error.refusal(), Some(&Refusal::SyncUnderWay));
            }
        }
        assert_eq!(nodes.booked(&refund).await, (2, 1));
        assert_eq!(nodes.order(&order).await.refunded, Fen(1_000));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_recorded_at_both_nodes_at_once_is_one_order() {
    let Some(nodes) = Nodes::start().await else {
        return;
    };
    for round in 0..40 {
        let records = nodes.nodes.iter().map(|node| {
            let (node, merchant) = (node.clone(), nodes.core.merchant.clone());
            let new = support::paid_order("OK", &round.to_string(), Fen(100));
            tokio::spawn(
                async move { orders::record(&node, &merchant, new, Actor::Merchant).await },
            )
        });
        let told = join_all(records).await;
        let numbers: HashSet<_> = told
            .into_iter()
            .map(|told| told.expect("no panic").expect("an order").order_no)
            .collect();
        assert_eq!(numbers.len(), 1);
    }
}

#[tokio::test]
async fn a_login_at_one_node_is_a_login_at_the_other() {
    if !on_postgres() {
        return;
    }
    let settings = || config(&["--secure-cookies=false"]);
    let core = Core::with(settings(), Clock::System).await;
    let other = core.another_node(settings()).await;
    people::add(
        &other,
        "li.na",
        Grant::everywhere(Role::Viewer),
        "correct horse",
        Actor::System,
    )
    .await
    .unwrap();
    let (one, two) = (TestApp::serve(core).await, TestApp::serve_app(other).await);
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let login = http
        .post(format!("{}/api/login", one.base))
        .header(header::ORIGIN, &one.base)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("name=li.na&password=correct+horse&next=%2F");
    let answer = login.send().await.unwrap();
    let cookie = cookie(&answer, COOKIE);
    let page = async |base: &str, cookie: &str| {
        let page = http
            .get(format!("{base}/apps/DEMO/orders"))
            .header(header::COOKIE, cookie);
        page.send().await.unwrap().status().as_u16()
    };
    for base in [&one.base, &two.base] {
        assert_eq!(page(base, &cookie).await, 200);
        assert_eq!(page(base, "refundry_session=other").await, 302);
    }
    people::set_enabled(&two.ctx, "li.na", false, Actor::System)
        .await
        .unwrap();
    assert_eq!(page(&one.base, &cookie).await, 302);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_both_nodes_add_up() {
    let Some(nodes) = Nodes::start().await else {
        return;
    };
    people::add(
        &nodes.nodes[0],
        "li.na",
        Grant::everywhere(Role::Viewer),
        "correct horse",
        Actor::System,
    )
    .await
    .unwrap();
    let guesses = (0..12).map(|i| {
        let node = nodes.nodes[i % 2].clone();
        tokio::spawn(async move { people::login(&node, "li.na", "wrong", ADDRESS, None).await })
    });
    let told = join_all(guesses).await.into_iter().map(|told| {
        let error = told.expect("no panic").expect_err("a wrong password");
        error.refusal().unwrap_or_else(|| panic!("{error}")).clone()
    });
    assert_eq!(told.filter(|told| *told == Refusal::WrongLogin).count(), 5);
    for node in &nodes.nodes {
        let error = people::login(node, "li.na", "correct horse", ADDRESS, None)
            .await
            .unwrap_err();
        assert!(
            matches!(error.refusal(), Some(Refusal::TooManyAttempts { .. })),
            "{error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_migrate_once_and_number_differently() {
    if !on_postgres() {
        return;
    }
    let database = TestDatabase::new();
    let clock = Clock::manual(Timestamp(1_700_000_000_000));
    let starts = (0..6).map(async |_| {
        let db = Db::open(&database.url(), Some(4), 1).await;
        let ctx = Ctx::new(
            config(&[]),
            db.expect("a database"),
            Vault::published(),
            clock.clone(),
        );
        let mut made = Vec::new();
        for _ in 0..2_000 {
            let number = ctx.numbers.make(Kind::Refund, ctx.clock.now()).await;
            made.push(number.expect("a number"));
        }
        (ctx.numbers.lease.node(ctx.clock.now()), made)
    });
    let (mut held, mut numbers) = (HashSet::new(), HashSet::new());
    for (node, made) in join_all(starts).await {
        assert!(held.insert(node.expect("a node number")), "{node:?} twice");
        numbers.extend(made);
    }
    assert_eq!(numbers.len(), 12_000);
    assert_eq!(held, (0..6).collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_lose_no_write() {
    let Some(nodes) = Nodes::start().await else {
        return;
    };
    let (db, url) = (&nodes.nodes[0].db, nodes.core.url());
    let written = Arc::new(AtomicI64::new(0));
    let seen = written.clone();
    let cuts = tokio::task::spawn_blocking(move || {
        for cut in 0..10 {
            while seen.load(Ordering::SeqCst) < 5 * cut {
                std::thread::yield_now();
            }
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            database::run(&url, sql);
        }
    });
    // A counter that each write increments.
    let count = async || {
        let counted = db.write((), |conn, ()| {
            Box::pin(async move {
                let now = Timestamp(1);
                let window = Window {
                    since: Timestamp(0),
                    until: now,
                };
                store::login_failure::count(conn, "count", "198.51.100.7", window, now, i64::MAX)
                    .await?;
                Ok(store::login_failure::get(conn, "count", "198.51.100.7", window).await?)
            })
        });
        counted
            .await
            .map(|failures| failures.expect("a count").count)
    };
    let mut unknown = 0;
    while !cuts.is_finished() {
        match count().await {
            Ok(_) => written.fetch_add(1, Ordering::SeqCst),
            // Only a write that was cut off during its commit may have an unknown outcome.
            Err(error) if error.to_string().contains("is unknown") => {
                unknown += 1;
                0
            }
            Err(error) => panic!("{error}"),
        };
    }
    cuts.await.expect("the cuts");
    let written = written.load(Ordering::SeqCst) + 1;
    let counted = count().await.expect("a count");
    assert!(
        (written..=written + unknown).contains(&counted),
        "{written} writes and {unknown} unknown, but {counted}"
    );
}

#[tokio::test]
async fn a_database_that_does_not_sort_by_bytes_is_refused() {
    let Some(server) = database::server() else {
        on_postgres();
        return;
    };
    let name = format!("refundry_test_{:016x}", rand::random::<u64>());
    let (url, maintenance) = (format!("{server}/{name}"), format!("{server}/postgres"));
    database::run(
        &maintenance,
        &format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        ),
    );
    let refused = Db::open(&url, None, 1).await.map(drop);
    database::run(&maintenance, &format!("DROP DATABASE {name} WITH (FORCE)"));
    let why = refused.expect_err("it is refused").to_string();
    assert!(
        why.contains(&format!("CREATE DATABASE \"{name}\" TEMPLATE template0")),
        "{why}"
    );
}
