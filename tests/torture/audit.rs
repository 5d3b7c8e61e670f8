//! The invariants that hold after every fault, checked in the database, in the sandbox's book and at the merchants.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use jiff::tz::TimeZone;
use refundry::domain::time::Timestamp;
use refundry::wire::field::local_text;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection, Row, query};

use crate::desk::Desk;
use crate::merchant::Told;
use crate::node::log_tail;

/// The way in which refunds come to rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Merchants sync their refunds.
    Synced,
    /// The desk gets no requests; its clock is stepped.
    ByItself,
}

/// Maximum time until no refund is open.
const REST: Duration = Duration::from_secs(150);
/// Step of the clock, in seconds: longer than the leases of refunds and of notices, and than the first waits before a
/// sync or a repeat.
const STEP_S: i64 = 65;

/// Checks that every order's balance is the sum of its refunds, and that every accepted refund exists.
pub async fn check(desk: &Desk) {
    let mut conn = connect(desk).await;
    let wrong = wrong_balances(&mut conn).await;
    assert!(wrong.is_empty(), "{wrong:?}");
    // Copied before the refunds are read, so that none is missed.
    let promised = desk.town.ledger.lock().unwrap().promised.clone();
    let refunds: HashMap<String, String> = rows(
        &mut conn,
        "SELECT biz_refund_no, refund_no FROM refund",
        |row| (text(row, "biz_refund_no"), text(row, "refund_no")),
    )
    .await;
    for (biz_refund_no, refund_no) in &promised {
        let stored = refunds.get(biz_refund_no);
        assert_eq!(stored, Some(refund_no), "{biz_refund_no} was accepted");
    }
    let wrong = std::mem::take(&mut desk.town.ledger.lock().unwrap().wrong);
    assert!(wrong.is_empty(), "{wrong:?}");
    conn.close().await.unwrap();
}

/// Waits until all is at rest, checks everything, and prints the counts of the test.
pub async fn finish(name: &str, desk: &mut Desk, rest: Rest, faults: &str) {
    desk.assert_running();
    come_to_rest(desk, rest).await;
    check(desk).await;
    let (refunds, settled) = check_refunds(desk).await;
    let notices = check_notices(desk, settled).await;
    let counts = &desk.town.counts;
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{name}: {} nodes killed, {faults}; {} requests ({} accepted, {} refused, {} unanswered); \
         {refunds} refunds checked; {notices} notices received; {:.0} s",
        desk.kills,
        count(&counts.requests),
        count(&counts.accepted),
        count(&counts.refused),
        count(&counts.unanswered),
        desk.elapsed().as_secs_f32(),
    );
}

/// Waits until no notice waits and no refund is in progress, except those that the channel denies and that are flagged.
async fn come_to_rest(desk: &mut Desk, rest: Rest) {
    let stepped = desk.has_stepped_clock() || desk.with_stepped_clock().await;
    let begun = Instant::now();
    loop {
        let mut conn = connect(desk).await;
        let open: Vec<(String, String)> = rows(
            &mut conn,
            "SELECT app_id, biz_refund_no FROM refund \
             WHERE status = 'progress' AND (review_reason IS NULL OR review_reason <> 'absent')",
            |row| (text(row, "app_id"), text(row, "biz_refund_no")),
        )
        .await;
        let waiting: Vec<String> = rows(
            &mut conn,
            "SELECT refund_no FROM notice WHERE state = 'waiting'",
            |row| text(row, "refund_no"),
        )
        .await;
        conn.close().await.unwrap();
        if open.is_empty() && waiting.is_empty() {
            return;
        }
        assert!(
            begun.elapsed() < REST,
            "still open: {open:?}; notices: {waiting:?}; {}",
            log_tail(desk.folder.path())
        );
        if rest == Rest::Synced {
            let town = &desk.town;
            stream::iter(&open)
                .for_each_concurrent(8, |(app_id, biz_refund_no)| async move {
                    town.sync(app_id, biz_refund_no).await;
                })
                .await;
        }
        if stepped {
            desk.step_clock(STEP_S);
        }
        // The jobs look for due work once a second.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
    }
}

struct Refund {
    refund_no: String,
    channel_no: String,
    behaviour: String,
    status: String,
    review_reason: Option<String>,
    version: i64,
    events: i64,
}

/// Checks each refund against its timeline and the channel's book. Returns the number of refunds, and the numbers of
/// the settled ones.
async fn check_refunds(desk: &Desk) -> (usize, Vec<String>) {
    let mut conn = connect(desk).await;
    let refunds: Vec<Refund> = rows(
        &mut conn,
        "SELECT r.refund_no, s.channel_no, r.status, r.review_reason, r.version, o.out_order_no, \
                (SELECT COUNT(*) FROM event e WHERE e.app_id = r.app_id AND e.subject = 'refund' AND e.number = r.refund_no) AS events \
         FROM refund r JOIN pay_order o ON o.app_id = r.app_id AND o.order_no = r.order_no \
         JOIN submission s ON s.app_id = r.app_id AND s.refund_no = r.refund_no AND s.attempt = 1",
        |row| Refund {
            refund_no: text(row, "refund_no"),
            channel_no: text(row, "channel_no"),
            behaviour: text(row, "out_order_no"),
            status: text(row, "status"),
            review_reason: row.get("review_reason"),
            version: row.get("version"),
            events: row.get("events"),
        },
    )
    .await;
    conn.close().await.unwrap();
    let mut settled = Vec::new();
    for refund in &refunds {
        let number = &refund.refund_no;
        assert_eq!(refund.version, refund.events, "{number}: events");
        let book = book(desk, &refund.channel_no).await;
        let (said, moved) = (book["status"].as_str(), book["moved"].as_i64());
        let review_reason = refund.review_reason.as_deref();
        if refund.behaviour.starts_with("SBX-ABSENT-") {
            assert_eq!((said, moved), (None, None), "{number}");
            assert_eq!(
                (refund.status.as_str(), review_reason),
                ("progress", Some("absent")),
                "{number}"
            );
            continue;
        }
        settled.push(number.clone());
        if refund.behaviour.starts_with("SBX-REVERSED-") {
            assert_eq!(said, Some("fail"), "{number}");
            assert_eq!(
                (refund.status.as_str(), review_reason),
                ("success", Some("contradicted")),
                "{number}"
            );
            continue;
        }
        assert_eq!(said, Some(refund.status.as_str()), "{number}: the book");
        assert_eq!(review_reason, None, "{number}");
        let expected = i64::from(refund.status == "success");
        assert_eq!(moved, Some(expected), "{number}: money moved");
    }
    (refunds.len(), settled)
}

/// Checks that every state of a refund was notified at least once and in order, except states that a later one
/// replaced.
async fn check_notices(desk: &Desk, settled: Vec<String>) -> u64 {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let mut conn = connect(desk).await;
    let notices: Vec<(String, Told, String)> = rows(
        &mut conn,
        "SELECT refund_no, status, finish_time, state FROM notice ORDER BY refund_no, seq",
        |row| {
            let at = row.get::<Option<i64>, _>("finish_time").map(Timestamp);
            let told = (text(row, "status"), at.map(|at| local_text(at, &zone)));
            (text(row, "refund_no"), told, text(row, "state"))
        },
    )
    .await;
    conn.close().await.unwrap();
    let mut expected: HashMap<String, Vec<(Told, bool)>> = HashMap::new();
    for (refund_no, told, state) in notices {
        assert!(
            matches!(state.as_str(), "delivered" | "superseded"),
            "{refund_no}: {state}"
        );
        let arrived = state == "delivered";
        expected.entry(refund_no).or_default().push((told, arrived));
    }
    desk.merchant.look(|received| {
        assert!(received.wrong.is_empty(), "{:?}", received.wrong);
        for refund_no in settled {
            assert!(expected.contains_key(&refund_no), "{refund_no}: no notice");
        }
        for (refund_no, states) in expected {
            let told = received.told.get(&refund_no).cloned().unwrap_or_default();
            for (state, arrived) in &states {
                assert!(
                    !arrived || told.contains(state),
                    "{refund_no}: {told:?} of {states:?}"
                );
            }
            // A notice that was sent twice may arrive twice, but none arrives after a later one.
            let place = |told: &Told| states.iter().position(|(state, _)| state == told);
            let places: Vec<_> = told.iter().map(place).collect();
            assert!(
                places.is_sorted() && !places.contains(&None),
                "{refund_no}: the order of notices: {told:?} of {states:?}"
            );
        }
        received.notices
    })
}

/// Returns the accounts whose breakers are open.
pub async fn breakers(desk: &Desk) -> Vec<String> {
    let mut conn = connect(desk).await;
    rows(&mut conn, "SELECT account_id FROM breaker", |row| {
        text(row, "account_id")
    })
    .await
}

/// Returns the number of refunds flagged for this reason.
pub async fn raised(desk: &Desk, review_reason: &str) -> usize {
    let mut conn = connect(desk).await;
    let all: Vec<Option<String>> = rows(&mut conn, "SELECT review_reason FROM refund", |row| {
        row.get("review_reason")
    })
    .await;
    let raised = all
        .iter()
        .filter(|one| one.as_deref() == Some(review_reason));
    raised.count()
}

async fn wrong_balances(conn: &mut AnyConnection) -> Vec<String> {
    let sums = "SELECT o.order_no, o.amount, o.held, o.refunded, \
         CAST(COALESCE(SUM(CASE WHEN r.status = 'progress' THEN r.amount ELSE 0 END), 0) AS BIGINT) AS open, \
         CAST(COALESCE(SUM(CASE WHEN r.status = 'success' THEN r.amount ELSE 0 END), 0) AS BIGINT) AS paid \
         FROM pay_order o LEFT JOIN refund r ON r.app_id = o.app_id AND r.order_no = o.order_no \
         GROUP BY o.app_id, o.order_no, o.amount, o.held, o.refunded";
    let all: Vec<Option<String>> = rows(conn, sums, |row| {
        let int = |name: &str| row.get::<i64, _>(name);
        let (held, refunded) = (int("held"), int("refunded"));
        let right =
            held == int("open") && refunded == int("paid") && held + refunded <= int("amount");
        (!right).then(|| {
            let (order, open, paid) = (text(row, "order_no"), int("open"), int("paid"));
            format!("{order}: held {held} of {open}, refunded {refunded} of {paid}")
        })
    })
    .await;
    all.into_iter().flatten().collect()
}

/// Returns the sandbox's entry of a refund; null where it has none.
async fn book(desk: &Desk, channel_no: &str) -> Value {
    let node = desk.town.nodes.lock().unwrap()[0].clone();
    let url = format!("{node}/sandbox/book/{channel_no}");
    let got = desk.town.http.get(url).send().await.unwrap();
    match got.status().as_u16() {
        200 => got.json().await.unwrap(),
        404 => Value::Null,
        other => panic!("the book answers {other}"),
    }
}

async fn connect(desk: &Desk) -> AnyConnection {
    AnyConnection::connect(&desk.database_url).await.unwrap()
}

async fn rows<T, All: FromIterator<T>>(
    conn: &mut AnyConnection,
    sql: &'static str,
    read: impl Fn(&AnyRow) -> T,
) -> All {
    let rows = query(sql).fetch_all(conn).await.unwrap();
    rows.iter().map(read).collect()
}

fn text(row: &AnyRow, name: &str) -> String {
    row.get(name)
}
