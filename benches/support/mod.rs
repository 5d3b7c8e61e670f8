//! Tools shared by the benches: seeded databases, the real program as a process, and a load.
#![allow(dead_code)] // each bench uses its part

#[path = "../../tests/support/mod.rs"]
pub mod tests;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use refundry::domain::event::Actor;
use refundry::domain::merchant::{Edition, SignType};
use refundry::domain::money::Fen;
use refundry::domain::order::NewOrder;
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::orders;
use refundry::wire::sign::Signer;

use self::tests::database::TestDatabase;
use self::tests::http::PRIVATE_SECRET;

/// Number of simultaneous clients.
pub const CLIENTS: usize = 64;

/// A database for one bench.
pub struct Database(TestDatabase);

impl Database {
    pub fn new() -> Database {
        Database(TestDatabase::new())
    }

    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Opens the use-cases on this database.
    pub async fn reopen(&self) -> Ctx {
        tests::app_on(&self.0, tests::config(&[]), Clock::System).await
    }

    /// Opens the use-cases on this new database, and adds the demonstration's app.
    pub async fn open(&self) -> Ctx {
        let ctx = self.reopen().await;
        let app = tests::demo_app().with_secret(PRIVATE_SECRET.into());
        tests::add_app(&ctx, app).await;
        ctx
    }
}

/// The program, serving on a free port.
pub struct Server {
    child: Child,
    pub base: String,
    /// Time from the start of the process to its first answer.
    pub first_answer: Duration,
}

impl Server {
    pub async fn start(database: &Database, flags: &[&str]) -> Server {
        let started = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_refundry"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--sandbox",
                "--secure-cookies",
                "false",
                "--requests-per-second",
                "0",
                "--app-requests-per-second",
                "0",
            ])
            .args(["--database-url", &database.url(), "--log", "warn"])
            .arg("--keys-file")
            .arg(database.0.keys_file())
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let base = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
            .expect("it says where it listens");
        let health = client()
            .get(format!("{base}/healthz"))
            .send()
            .await
            .expect("an answer");
        assert!(health.status().is_success());
        Server {
            child,
            base,
            first_answer: started.elapsed(),
        }
    }

    /// Returns the process's resident memory, in MB.
    pub fn resident_mb(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("Linux's /proc");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .expect("VmRSS");
        let kb: usize = line
            .split_whitespace()
            .nth(1)
            .expect("a number")
            .parse()
            .expect("a number");
        kb / 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a client that keeps its connections open.
pub fn client() -> reqwest::Client {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    client.build().expect("a client")
}

/// Number of paid orders in [`with_orders`].
const ORDERS: usize = 60_000;

/// Makes a database with many paid orders.
pub async fn with_orders() -> Database {
    let database = Database::new();
    let ctx = database.open().await;
    let merchant = ctx.merchants.enabled(Some("DEMO")).await.expect("the app");
    for first in (0..ORDERS).step_by(1_000) {
        let new = |n: usize| NewOrder {
            order_no: Some(format!("P{n}")),
            ..tests::paid_order("OK", &n.to_string(), Fen(10_000))
        };
        let orders = (first..first + 1_000).map(new).collect();
        orders::record_all(&ctx, &merchant, orders, Actor::System)
            .await
            .expect("orders");
    }
    ctx.db.close().await;
    database
}

/// Returns the number of refunds a second over HTTP, each of another order.
pub async fn over_http(server: &Server, seconds: u64) -> usize {
    let (http, url) = (client(), format!("{}/unipay/refund", server.base));
    rate(seconds, move |n| {
        let request = refund_request(&http, &url, n);
        async move {
            let answer = request.send().await.expect("an answer");
            let answer = answer.text().await.expect("its body");
            assert!(answer.contains(r#""status":"success""#), "{answer}");
        }
    })
    .await
}

/// Makes a signed request of the single edition to refund a part of order `n`.
pub fn refund_request(http: &reqwest::Client, url: &str, n: usize) -> reqwest::RequestBuilder {
    let (order, refund) = (format!("P{n}"), format!("R{n}"));
    let time = now().seconds().to_string();
    let signer = Signer {
        secret: PRIVATE_SECRET,
        sign_type: SignType::HmacSha256,
        edition: Edition::Single,
    };
    let pairs = [
        ("amount", "100"),
        ("bizRefundNo", refund.as_str()),
        ("orderNo", order.as_str()),
        ("reqTime", time.as_str()),
    ];
    let sign = signer.sign(&pairs);
    let body = format!(
        r#"{{"orderNo":"{order}","bizRefundNo":"{refund}","amount":100,"reqTime":{time},"sign":"{sign}"}}"#
    );
    http.post(url)
        .header("content-type", "application/json")
        .body(body)
}

/// Runs `work(n)` for n = 0, 1, ... with 64 clients for a time, and returns the number of runs a second.
pub async fn rate<F, W>(seconds: u64, work: W) -> usize
where
    F: Future<Output = ()> + Send + 'static,
    W: Fn(usize) -> F + Clone + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (next, work) = (next.clone(), work.clone());
            tokio::spawn(async move {
                while started.elapsed() < Duration::from_secs(seconds) {
                    work(next.fetch_add(1, Ordering::Relaxed)).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("a client's work succeeds");
    }
    let per_second = next.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    per_second as usize
}

/// Returns the present moment by the server's clock.
pub fn now() -> Timestamp {
    Clock::System.now()
}

/// Formats a ratio with two decimals.
pub fn ratio(a: usize, b: usize) -> String {
    format!("{}.{:02}", a / b.max(1), a * 100 / b.max(1) % 100)
}
