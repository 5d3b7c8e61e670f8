//! The time of the console's pages, rendered by the server: searches over 1,000,000 orders compared with the same page
//! without any, and the size of what a browser loads with the first page.

mod support;

use std::time::Instant;

use refundry::domain::event::Actor;
use refundry::domain::people::{Grant, Role};
use refundry::server::db::is_postgres;
use refundry::server::people;
use reqwest::header;
use sqlx::{AssertSqlSafe, Connection};
use support::{Database, Server, client, ratio};

const ORDERS: usize = 1_000_000;
const ASKED: usize = 300;
/// The same page for an app without orders.
const EMPTY: &str = "/apps/NONE/orders";

/// The searches, each with its name in the table of results.
const SEARCHES: [(&str, &str); 8] = [
    ("first page", "/apps/DEMO/orders"),
    ("exact number", "/apps/DEMO/orders?q=B-0765432"),
    ("number begins", "/apps/DEMO/orders?q=SBX-OK-07"),
    (
        "title begins",
        "/apps/DEMO/orders?title=%E8%AE%A2%E5%8D%95%2042",
    ),
    (
        "channel and status",
        "/apps/DEMO/orders?channel=sandbox&status=success",
    ),
    ("partly refunded", "/apps/DEMO/orders?refund=partial_refund"),
    ("amount range", "/apps/DEMO/orders?min=10&max=20"),
    ("by amount", "/apps/DEMO/orders?sort=amount_desc"),
];

/// Inserts a million orders directly, as only reading is measured.
async fn fill(database: &Database) {
    let ctx = database.open().await;
    support::tests::add_app(
        &ctx,
        support::tests::http::merchant("NONE")
            .with_secret(support::tests::http::PRIVATE_SECRET.into()),
    )
    .await;
    people::add(
        &ctx,
        "bench",
        Grant::everywhere(Role::Admin),
        "three lame mules",
        Actor::System,
    )
    .await
    .expect("an operator");
    ctx.db.close().await;
    let mut conn = sqlx::AnyConnection::connect(&database.url())
        .await
        .expect("a connection");
    let digits = "substr(CAST(10000000 + i AS TEXT), 2)";
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {ORDERS} - 1) \
         INSERT INTO pay_order (app_id, order_no, biz_order_no, out_order_no, channel, account_id, method, title, amount, \
         refunded, held, status, pay_time, attach, created_at, recorded_at, version) \
         SELECT 'DEMO', 'P' || {digits}, 'B-' || {digits}, 'SBX-OK-' || {digits}, 'sandbox', 'DEMO-sandbox', 'qr_code', \
         '订单 ' || i, 1000 + (i * 7919) % 90000, CASE WHEN i % 50 = 0 THEN 100 ELSE 0 END, 0, 'success', \
         1700000000000 + i * 1000, NULL, 1700000000000 + i * 1000, \
         1700000000000 + i * 1000, 1 FROM n"
    );
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut conn)
        .await
        .expect("a million orders");
    if is_postgres(&database.url()) {
        // The server itself does this within a minute.
        let analyze = sqlx::query("ANALYZE").execute(&mut conn).await;
        analyze.expect("statistics");
    }
    conn.close().await.expect("a clean end");
}

/// Returns the median time of a page, in microseconds.
async fn median(http: &reqwest::Client, cookie: &str, url: &str, expect: &str) -> usize {
    let mut times = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let started = Instant::now();
        let answer = http
            .get(url)
            .header(header::COOKIE, cookie)
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        let page = answer.text().await.expect("a page");
        times.push(started.elapsed().as_micros() as usize);
        assert!(page.contains(expect), "{url} does not show {expect:?}");
    }
    times.sort_unstable();
    times[ASKED / 2]
}

async fn log_in(http: &reqwest::Client, base: &str) -> String {
    let form = "name=bench&password=three+lame+mules&next=%2F";
    let login = http
        .post(format!("{base}/api/login"))
        .header(header::ORIGIN, base)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form);
    let answer = login.send().await.expect("an answer");
    let cookies = answer
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .filter_map(|cookie| cookie.to_str().ok());
    let pairs: Vec<_> = cookies
        .filter_map(|cookie| cookie.split(';').next())
        .collect();
    assert!(
        !pairs.is_empty(),
        "logging in gave no cookie: {}",
        answer.status()
    );
    pairs.join("; ")
}

/// Returns the size of what the first page makes a browser load, as transferred.
async fn payload(http: &reqwest::Client, base: &str) -> usize {
    let page = http
        .get(format!("{base}/login"))
        .send()
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a page");
    let mut bytes = 0;
    for name in [
        "/refundry.css",
        "/refundry.js",
        "/__wasm_split.______________________.js",
        "/refundry.wasm",
    ] {
        let end = page
            .find(name)
            .unwrap_or_else(|| panic!("the page does not load {name}"))
            + name.len();
        let start = page[..end]
            .rfind("/assets/")
            .expect("a path under /assets/");
        let asked = http
            .get(format!("{base}{}", &page[start..end]))
            .header(header::ACCEPT_ENCODING, "br");
        let answer = asked.send().await.expect("an answer");
        assert_eq!(
            answer.headers()[header::CONTENT_ENCODING],
            "br",
            "{name} goes compressed"
        );
        assert!(
            answer.headers()[header::CACHE_CONTROL]
                .to_str()
                .is_ok_and(|value| value.contains("immutable"))
        );
        bytes += answer.bytes().await.expect("its bytes").len();
    }
    bytes
}

#[tokio::main]
async fn main() {
    let database = Database::new();
    fill(&database).await;
    let server = Server::start(&database, &[]).await;
    let (http, base) = (client(), server.base.clone());
    let cookie = log_in(&http, &base).await;

    println!("order search, server-rendered, {ORDERS} orders, median of {ASKED}");
    let empty = median(&http, &cookie, &format!("{base}{EMPTY}"), "</html>").await;
    println!("  {:<22}{empty:>8} us", "no orders");
    for (name, path) in SEARCHES {
        let time = median(&http, &cookie, &format!("{base}{path}"), "SBX-OK-0").await;
        println!(
            "  {name:<22}{time:>8} us   {} times, under 3",
            ratio(time, empty)
        );
    }
    let bytes = payload(&http, &base).await;
    println!(
        "first page's WebAssembly, JS and CSS, brotli: {} KB, under 350",
        bytes / 1024
    );
}
