//! The time in which a node works off a backlog of 100,000 due queries and 100,000 due notices, compared with the same
//! node's refund rate, and its effect on simultaneous requests of merchants. `BACKLOG` sets another number.

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use futures::future::join_all;
use refundry::domain::event::{Actor, Event, EventKind, Subject};
use refundry::domain::merchant::Edition;
use refundry::domain::money::Fen;
use refundry::domain::movement::Amounts;
use refundry::domain::notice::Notice;
use refundry::domain::order::{Channel, NewOrder};
use refundry::domain::refund::{NewestRequests, Refund, RefundStatus, Submission, Submissions};
use refundry::domain::time::DAY_MS;
use refundry::server::ctx::Ctx;
use refundry::server::store;
use refundry::server::store::sandbox::LedgerRow;
use support::tests::paid_order;
use support::{Database, Server, client, now, over_http, ratio, refund_request, with_orders};

const APP: &str = "DEMO";
const ACCOUNT: &str = "DEMO-sandbox";
const SECONDS: u64 = 6;
/// Number of merchants' clients that request refunds while the backlog drains, each with pauses.
const ASKERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(20);

/// Starts a merchants' system that accepts every notice, and returns its address.
async fn receiver() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}/notice", listener.local_addr().expect("one"));
    let routes = Router::new().route("/notice", post(async || "SUCCESS"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

/// Makes refunds that are due to be queried, whose submission timed out and which the channel has paid, and as many
/// settled refunds with due notices.
async fn pile_up(ctx: &Ctx, count: usize, notify_url: &str) {
    let merchant = ctx.merchants.enabled(Some(APP)).await.expect("the app");
    for first in (0..count).step_by(500) {
        let numbers = first..(first + 500).min(count);
        let new = |n: usize| NewOrder {
            order_no: Some(format!("Q{n}")),
            ..paid_order("TIMEOUT", &format!("Q{n}"), Fen(10_000))
        };
        let orders = numbers.clone().map(new).collect();
        refundry::server::orders::record_all(ctx, &merchant, orders, Actor::System)
            .await
            .expect("orders");
        let url = notify_url.to_owned();
        ctx.db
            .write((numbers, url), move |conn, (numbers, url)| {
                Box::pin(async move {
                    for n in numbers {
                        let mut open = refund(n, "S", None);
                        open.submissions.be_due(Some(now()));
                        insert(conn, &open).await?;
                        store::sandbox::insert(conn, &book(&open)).await?;

                        let open = refund(n, "N", Some(url.clone()));
                        insert(conn, &open).await?;
                        let settled = Refund {
                            status: RefundStatus::Success,
                            settled_at: Some(now()),
                            version: 2,
                            ..open.clone()
                        };
                        let mut writes = vec![store::refund::update(&settled)];
                        writes.extend(store::submission::changes(&open, &settled, None));
                        let change = Amounts {
                            held: -settled.amount,
                            refunded: settled.amount,
                            overpaid: Fen::ZERO,
                        };
                        let order_no = &settled.order_no;
                        writes.push(store::order::move_balance(APP, order_no, change));
                        store::run(conn, writes).await?;
                        store::notice::insert(conn, &Notice::of(&settled, now())).await?;
                    }
                    Ok(())
                })
            })
            .await
            .expect("a pile");
    }
}

async fn insert(
    conn: &mut refundry::server::db::Conn,
    refund: &Refund,
) -> refundry::server::error::Result<()> {
    let event = Event {
        app_id: APP.to_owned(),
        subject: Subject::Refund,
        number: refund.refund_no.clone(),
        seq: 1,
        at: refund.created_at,
        kind: EventKind::Requested,
        actor: Actor::Merchant,
        outcome: None,
        said: None,
        before: None,
        after: Some("progress".to_owned()),
    };
    let hold = store::order::hold_for_new(refund, None);
    let mut writes = store::refund::insertion(refund);
    writes.push(store::event::insertion(&event));
    assert!(store::run_if(conn, hold, writes).await?);
    Ok(())
}

fn refund(n: usize, kind: &str, notify_url: Option<String>) -> Refund {
    let number = format!("{kind}{n}");
    let submission = Submission {
        submitted_at: Some(now().plus_ms(-DAY_MS / 2)),
        waits_for: None,
        due_at: None,
        ..Submission::first(number.clone(), String::new(), now())
    };
    Refund {
        app_id: APP.to_owned(),
        refund_no: number.clone(),
        biz_refund_no: number,
        out_refund_no: None,
        order_no: format!("Q{n}"),
        channel: Channel::Sandbox,
        account_id: ACCOUNT.to_owned(),
        amount: Fen(100),
        reason: None,
        attach: None,
        notify_url,
        not_notify: false,
        client_ip: None,
        edition: Edition::Open,
        requests: NewestRequests::default(),
        status: RefundStatus::Progress,
        submissions: Submissions::of(submission),
        review_reason: None,
        reviewed: false,
        error_code: None,
        error_msg: None,
        created_at: now().plus_ms(-DAY_MS / 2),
        opened_at: now().plus_ms(-DAY_MS / 2),
        settled_at: None,
        channel_time: None,
        version: 1,
    }
}

fn book(refund: &Refund) -> LedgerRow {
    LedgerRow {
        refund_no: refund.channel_no().to_owned(),
        account_id: ACCOUNT.to_owned(),
        out_order_no: format!("SBX-TIMEOUT-{}", refund.order_no),
        amount: refund.amount,
        outcome: "success".to_owned(),
        settles_at: refund.created_at,
        submissions: 1,
        moved: 1,
    }
}

/// Returns the numbers of refunds due to be queried, and of due notices.
async fn left(ctx: &Ctx) -> (i64, i64) {
    let mut conn = ctx.db.read().await.expect("a connection");
    let count = |row: sqlx::any::AnyRow| sqlx::Row::get::<i64, _>(&row, 0);
    let open =
        sqlx::query("SELECT COUNT(*) FROM refund WHERE app_id = 'DEMO' AND status = 'progress'")
            .fetch_one(&mut *conn)
            .await
            .expect("a count");
    let waiting =
        sqlx::query("SELECT COUNT(*) FROM notice WHERE app_id = 'DEMO' AND state = 'waiting'")
            .fetch_one(&mut *conn)
            .await
            .expect("a count");
    (count(open), count(waiting))
}

/// Requests refunds until `done`, and returns their sorted durations.
async fn latencies(
    server: &Server,
    first: usize,
    done: &(impl Fn() -> bool + Sync),
) -> Vec<Duration> {
    let next = std::sync::atomic::AtomicUsize::new(first);
    let took = Mutex::new(Vec::new());
    let (http, url) = (client(), format!("{}/unipay/refund", server.base));
    join_all((0..ASKERS).map(|_| async {
        while !done() {
            let n = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let begun = Instant::now();
            let answer = refund_request(&http, &url, n)
                .send()
                .await
                .expect("an answer");
            let text = answer.text().await.expect("its body");
            took.lock().unwrap().push(begun.elapsed());
            assert!(text.contains(r#""status":"success""#), "{text}");
            tokio::time::sleep(PAUSE).await;
        }
    }))
    .await;
    let mut took = took.into_inner().unwrap();
    took.sort();
    took
}

fn p99_us(sorted: &[Duration]) -> usize {
    sorted[sorted.len() * 99 / 100].as_micros() as usize
}

#[tokio::main]
async fn main() {
    let count: usize = std::env::var("BACKLOG").map_or(100_000, |n| n.parse().expect("a number"));
    println!("backlog: {count} refunds to be asked for and {count} notices to be sent");

    let quiet = with_orders().await;
    let server = Server::start(&quiet, &[]).await;
    let rate = over_http(&server, SECONDS).await;
    let started = Instant::now();
    let over = || started.elapsed() > Duration::from_secs(SECONDS);
    let calm = p99_us(&latencies(&server, 50_000, &over).await);
    drop(server);

    let database: Database = with_orders().await;
    let ctx = database.reopen().await;
    pile_up(&ctx, count, &receiver().await).await;
    let server = Server::start(&database, &["--private-notify", "true"]).await;
    let begun = Instant::now();
    let ends = Arc::new(Mutex::new((None, None)));
    let look = async || {
        let (open, waiting) = left(&ctx).await;
        let mut ends = ends.lock().unwrap();
        if open < 10 {
            ends.0.get_or_insert(begun.elapsed());
        }
        if waiting < 10 {
            ends.1.get_or_insert(begun.elapsed());
        }
        ends.0.is_some() && ends.1.is_some()
    };
    let watching = async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let drained = || {
        let ends = ends.lock().unwrap();
        ends.0.is_some() && ends.1.is_some()
    };
    let (took, ()) = tokio::join!(latencies(&server, 0, &drained), watching);
    let busy = p99_us(&took);
    let (synced, sent) = *ends.lock().unwrap();
    let a_second =
        |took: Option<Duration>| (count as f64 / took.expect("an end").as_secs_f64()) as usize;
    let (synced, sent) = (a_second(synced), a_second(sent));

    println!("  signed refunds, nothing else to do      {rate:>6} /s");
    println!(
        "  refunds asked for, notices beside       {synced:>6} /s   {} of it, at least 0.33",
        ratio(synced, rate)
    );
    println!(
        "  notices sent, refunds asked for beside  {sent:>6} /s   {} of it, at least 0.33",
        ratio(sent, rate)
    );
    println!("  p99 of a refund, calm                   {calm:>6} us");
    println!(
        "  p99 of a refund, the backlog draining   {busy:>6} us   {} times, at most 2",
        ratio(busy, calm)
    );
}
