//! Merchants' systems at work: on any node they request refunds of every behaviour of the sandbox, repeat, query and
//! sync them, and keep the accepted ones.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use rand::RngExt;
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use refundry::wire::field::local_text;
use reqwest::Client;
use serde_json::{Value, json};

use crate::support::http::{PRIVATE_SECRET, signed_by, unique};

/// Every behaviour of the sandbox.
pub const BEHAVIOURS: [&str; 10] = [
    "OK",
    "ASYNC",
    "ASYNC-NOCB",
    "FAIL",
    "LATEFAIL",
    "CLOSED",
    "TIMEOUT",
    "LOST",
    "FLAKY",
    "ABSENT",
];

/// Pause of a client between two requests. Each client stands for one of many threads of a merchant's system.
const PAUSE: Duration = Duration::from_millis(15);

/// The data that the clients share: the nodes, their requests and the answers.
pub struct Town {
    pub http: Client,
    /// Addresses of the nodes. A node that was killed stays listed until it is back.
    pub nodes: Mutex<Vec<String>>,
    /// Offset of the nodes' clock from ours, in seconds.
    pub clock_offset: AtomicI64,
    pub ledger: Mutex<Ledger>,
    pub counts: Counts,
    zone: TimeZone,
}

/// The merchants' own records.
#[derive(Default)]
pub struct Ledger {
    /// Refunds that were requested.
    asked: Vec<Wish>,
    /// Refund numbers that were answered with code 0, by the merchant's number.
    pub promised: HashMap<String, String>,
    /// Answers that no server may give.
    pub wrong: Vec<String>,
}

#[derive(Clone)]
struct Wish {
    app_id: String,
    order: String,
    biz_refund_no: String,
    fen: usize,
}

#[derive(Default)]
pub struct Counts {
    pub requests: AtomicU64,
    pub accepted: AtomicU64,
    /// Number of requests that were answered with a refusal or an error.
    pub refused: AtomicU64,
    /// Number of requests without an answer: the connection broke, or the time limit was reached.
    pub unanswered: AtomicU64,
}

impl Town {
    pub fn new() -> Arc<Town> {
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(20));
        Arc::new(Town {
            http: http.build().unwrap(),
            nodes: Mutex::default(),
            clock_offset: AtomicI64::new(0),
            ledger: Mutex::default(),
            counts: Counts::default(),
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
        })
    }

    /// Returns the present time by the nodes' clock, in the format of the open edition.
    fn now_text(&self) -> String {
        let offset = self.clock_offset.load(Ordering::SeqCst);
        let now = Clock::System.now();
        local_text(Timestamp(now.0 + offset * 1000), &self.zone)
    }

    pub fn some_node(&self) -> String {
        let nodes = self.nodes.lock().unwrap();
        nodes[random(0..nodes.len())].clone()
    }

    /// Posts signed fields to some node. `None`: no answer.
    pub async fn post(&self, path: &str, fields: Value) -> Option<Value> {
        let body = signed_by(
            PRIVATE_SECRET,
            fields,
            json!(self.now_text()),
            "hmac_sha256",
            true,
        );
        let url = format!("{}{path}", self.some_node());
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
        let answer = async {
            let sent = self.http.post(url).body(body).send().await?;
            sent.json::<Value>().await
        };
        let answer = answer.await.ok();
        let count = match &answer {
            None => &self.counts.unanswered,
            Some(answer) if answer["code"] == 0 => &self.counts.accepted,
            Some(_) => &self.counts.refused,
        };
        count.fetch_add(1, Ordering::Relaxed);
        answer
    }

    /// Records orders of an app, `many` of each of these behaviours, some of them small ones. Returns their merchant's
    /// numbers.
    pub async fn orders(&self, app_id: &str, behaviours: &[&str], many: usize) -> Vec<String> {
        let mut orders = Vec::new();
        for behaviour in behaviours {
            for n in 0..many {
                let number = unique(&format!("{app_id}-{behaviour}-"));
                let fields = json!({
                    "appId": app_id, "bizOrderNo": number, "outOrderNo": format!("SBX-{behaviour}-{number}"),
                    "channel": "sandbox", "method": "qr_code", "title": "茶",
                    "amount": if n == 0 { 20 } else { 5000 }, "payTime": self.now_text(),
                });
                let answer = self.post("/unipay/order/record", fields).await.unwrap();
                assert_eq!(answer["code"], 0, "{answer}");
                orders.push(number);
            }
        }
        orders
    }

    /// Requests a refund, and records the answer.
    async fn ask(&self, wish: &Wish) -> Option<Value> {
        let fields = json!({
            "appId": wish.app_id, "bizOrderNo": wish.order, "bizRefundNo": wish.biz_refund_no,
            "amount": wish.fen as f64 / 100.0,
        });
        let answer = self.post("/unipay/refund", fields).await?;
        if answer["code"] != 0 {
            return Some(answer);
        }
        let refund_no = answer["data"]["refundNo"].as_str().unwrap_or_default();
        let mut ledger = self.ledger.lock().unwrap();
        let promised = ledger.promised.entry(wish.biz_refund_no.clone());
        let promised = promised.or_insert_with(|| refund_no.to_owned());
        if promised != refund_no {
            let wrong = format!("{} is {promised}, then {refund_no}", wish.biz_refund_no);
            ledger.wrong.push(wrong);
        }
        Some(answer)
    }

    /// Requests a new refund of an order.
    pub async fn refund(&self, app_id: &str, order: &str) -> Option<Value> {
        let wish = Wish {
            app_id: app_id.to_owned(),
            order: order.to_owned(),
            biz_refund_no: unique(&format!("{app_id}-R")),
            fen: random(1..401),
        };
        self.ledger.lock().unwrap().asked.push(wish.clone());
        self.ask(&wish).await
    }

    /// Syncs a refund by its merchant's number.
    pub async fn sync(&self, app_id: &str, biz_refund_no: &str) -> Option<Value> {
        let fields = json!({"appId": app_id, "bizRefundNo": biz_refund_no});
        self.post("/unipay/syncRefund", fields).await
    }

    /// Makes one random request of a merchant's system.
    async fn step(&self, app_id: &str, orders: &[String]) -> Option<Value> {
        let known = {
            let ledger = self.ledger.lock().unwrap();
            let recent = ledger.asked.len().saturating_sub(200);
            let place = random(recent..ledger.asked.len() + 1);
            let wish = ledger.asked.get(place).cloned();
            wish.filter(|wish| wish.app_id == app_id)
        };
        let order = &orders[random(0..orders.len())];
        match (random(0..100), known) {
            (0..60, _) | (_, None) => self.refund(app_id, order).await,
            (60..80, Some(wish)) => self.ask(&wish).await,
            (80..93, Some(wish)) => self.sync(app_id, &wish.biz_refund_no).await,
            (_, Some(wish)) => {
                let fields = json!({"appId": app_id, "bizRefundNo": wish.biz_refund_no});
                self.post("/unipay/query/refundOrder", fields).await
            }
        }
    }
}

/// Clients at work. They stop on [`Load::stop`], or with the test.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: tokio::task::JoinSet<()>,
}

impl Load {
    /// Starts `clients` clients of an app, on these orders.
    pub fn start(town: &Arc<Town>, app_id: &str, orders: &[String], clients: usize) -> Load {
        let stop = Arc::<AtomicBool>::default();
        let mut load = Load {
            stop: stop.clone(),
            clients: tokio::task::JoinSet::new(),
        };
        for _ in 0..clients {
            let (town, stop) = (town.clone(), stop.clone());
            let (app_id, orders) = (app_id.to_owned(), orders.to_vec());
            load.clients.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    town.step(&app_id, &orders).await;
                    tokio::time::sleep(PAUSE).await;
                }
            });
        }
        load
    }

    /// Stops the clients, each after its current request.
    pub async fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.clients.join_all().await;
    }
}

/// Returns a random number of a range.
pub fn random(range: std::ops::Range<usize>) -> usize {
    rand::rng().random_range(range)
}
