//! Operators and their addresses: in refunds, in the log, and in the limits on logins.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::figures::figures;
use super::node::{Node, PASSWORD, body, now};
use crate::support::http::cookie;

const CLIENT: &str = "203.0.113.9";

/// A node, and an operator at [`CLIENT`], with or without a proxy in between.
struct Desk {
    node: Node,
}

impl Desk {
    /// Posts a form of the console as a browser behind a proxy does.
    async fn post(&self, path: &str, cookie: &str, form: String) -> reqwest::Response {
        self.post_from(CLIENT, path, cookie, form).await
    }

    async fn post_from(
        &self,
        address: &str,
        path: &str,
        cookie: &str,
        form: String,
    ) -> reqwest::Response {
        let post = self.node.http.post(format!("{}{path}", self.node.base));
        let post = post
            .header("Origin", &self.node.base)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("X-Forwarded-For", format!("198.51.100.200, {address}"))
            .header("Cookie", cookie);
        post.body(form).send().await.unwrap()
    }

    /// Tries a login with the cookie of a device, and returns where it leads to.
    async fn try_login(&self, address: &str, device: &str, name: &str, password: &str) -> String {
        let form = format!("name={name}&password={password}&next=%2F");
        let answer = self.post_from(address, "/api/login", device, form).await;
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    async fn try_password(&self, name: &str, password: &str) -> String {
        let form = format!("name={name}&password={password}&next=%2F");
        let answer = self.post("/api/login", "", form).await;
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Refunds an order in the console, and returns the page of the refund.
    async fn refund(&self) -> String {
        let order = json!({
            "bizOrderNo": "P1", "outOrderNo": "SBX-OK-1", "channel": "sandbox", "method": "qr_code",
            "title": "茶", "amount": 1000, "payTime": now(),
        });
        let order: Value = serde_json::from_str(&body(order)).unwrap();
        let recorded = self.node.post("/unipay/order/record", order).await;
        let order_no = recorded["data"]["orderNo"].as_str().unwrap().to_owned();
        let cookie = self.node.logged_in().await;
        let form = format!(
            "app_id=DEMO&order_no={order_no}&amount=1.00&reason=cold&biz_refund_no=R1&expected=10.00"
        );
        let answer = self.post("/api/order/refund", &cookie, form).await;
        let page = answer.headers()["location"].to_str().unwrap();
        assert!(page.starts_with("/apps/DEMO/refunds/"), "{page}");
        let page = self.node.http.get(format!("{}{page}", self.node.base));
        let page = page.header("Cookie", &cookie).send().await.unwrap();
        page.text().await.unwrap()
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_an_operators_address_is_the_browsers() {
    let flags = ["--trusted-proxies=10.0.0.0/8,127.0.0.1"];
    let desk = Desk {
        node: Node::start(&flags),
    };
    let page = desk.refund().await;
    assert!(page.contains(CLIENT), "{page}");
    assert!(!page.contains("127.0.0.1") && !page.contains("198.51.100.200"));
}

#[tokio::test]
async fn without_one_it_is_the_connections_whatever_a_header_says() {
    let desk = Desk {
        node: Node::start(&[]),
    };
    let page = desk.refund().await;
    assert!(page.contains("127.0.0.1"), "{page}");
    assert!(!page.contains(CLIENT));
    let log = desk.node.log();
    let warnings = log.matches("--trusted-proxies").count();
    assert_eq!(warnings, 1, "{log}");
}

#[tokio::test]
async fn a_failed_login_is_counted_and_logged_by_name_and_address_and_locks_out_nobody_else() {
    let flags = ["--trusted-proxies=127.0.0.1", "--log-format=json"];
    let desk = Desk {
        node: Node::start(&flags),
    };
    for _ in 0..5 {
        let page = desk.try_password("admin", "wrong").await;
        assert!(page.contains("refused=wrong"), "{page}");
    }
    let page = desk.try_password("admin", "refundry-demo").await;
    assert!(page.contains("refused=locked.15"), "{page}");
    // The operator's own address is a different one.
    let cookie = desk.node.logged_in().await;
    assert!(cookie.starts_with("refundry_session="));
    let forged = "x%0A%7B%22a%22%3A1%7D".to_owned() + &"y".repeat(60);
    desk.try_password(&forged, "wrong").await;

    let log = desk.node.log();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
    let failed: Vec<Value> = lines
        .filter(|line: &Value| line["message"] == "a login failed")
        .collect();
    assert_eq!(failed.len(), 7, "{log}");
    for line in &failed {
        assert_eq!(
            (&line["level"], &line["address"]),
            (&json!("WARN"), &json!(CLIENT))
        );
    }
    assert_eq!(failed[0]["name"], "admin");
    let forged = failed[6]["name"].as_str().unwrap();
    assert!(forged.starts_with("x???a??1?yyy"), "{forged}");
    assert_eq!(forged.chars().count(), 64);

    let figures = figures(&desk.node).await;
    let count =
        |reason: &str| figures[&format!("refundry_logins_failed_total{{reason=\"{reason}\"}}")];
    assert_eq!(
        (count("wrong"), count("locked_out"), count("busy")),
        (6.0, 1.0, 0.0)
    );
}

/// Returns the cookie of a device from which an operator logs in at another address than [`CLIENT`].
async fn known_device(desk: &Desk, name: &str, password: &str) -> String {
    let form = format!("name={name}&password={password}&next=%2F");
    let answer = desk.post_from("192.0.2.1", "/api/login", "", form).await;
    cookie(&answer, "refundry_device")
}

#[tokio::test]
async fn who_guesses_at_an_operators_own_address_does_not_lock_out_the_operators_device() {
    let desk = Desk {
        node: Node::start(&["--trusted-proxies=127.0.0.1"]),
    };
    let device = known_device(&desk, "admin", "refundry-demo").await;
    for _ in 0..5 {
        desk.try_password("admin", "wrong").await;
    }
    let page = desk.try_password("admin", "refundry-demo").await;
    assert!(page.contains("refused=locked.15"), "{page}");
    let page = desk
        .try_login(CLIENT, &device, "admin", "refundry-demo")
        .await;
    assert_eq!(page, "/");
    let forged = format!("refundry_device={}", "x".repeat(32));
    let page = desk
        .try_login(CLIENT, &forged, "admin", "refundry-demo")
        .await;
    assert!(page.contains("refused=locked.15"), "{page}");
}

/// Has 80 connections try passwords for random names, as fast as they are answered, while `right` runs. Returns the
/// number of answers that said "busy".
async fn under_attack(
    desk: &Arc<Desk>,
    address: fn(usize) -> String,
    right: impl Future<Output = ()>,
) -> usize {
    let (answers, busy) = (watch::Sender::new(0), Arc::new(AtomicUsize::new(0)));
    let mut attack = JoinSet::new();
    for connection in 0..80_usize {
        let (desk, answers, busy) = (desk.clone(), answers.clone(), busy.clone());
        attack.spawn(async move {
            for n in (connection..).step_by(80) {
                let name = format!("n{n}");
                let page = desk.try_login(&address(n), "", &name, "wrong").await;
                if page.contains("refused=busy") {
                    busy.fetch_add(1, Ordering::SeqCst);
                }
                answers.send_modify(|count| *count += 1);
            }
        });
    }
    let under_way = answers
        .subscribe()
        .wait_for(|count| *count >= 80)
        .await
        .map(drop);
    under_way.unwrap();
    right.await;
    attack.shutdown().await;
    busy.load(Ordering::SeqCst)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eighty_connections_from_an_address_keep_nobody_elsewhere_from_logging_in() {
    let flags = ["--trusted-proxies=127.0.0.1", "--requests-per-second=0"];
    let node = Node::start_fresh(&flags).await;
    let desk = Arc::new(Desk { node });
    let right = async {
        for _ in 0..12 {
            let page = desk.try_login("192.0.2.1", "", "li.na", PASSWORD).await;
            assert_eq!(page, "/");
        }
    };
    under_attack(&desk, |_| CLIENT.to_owned(), right).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_from_any_number_of_addresses_keep_no_known_device_from_logging_in() {
    let flags = ["--trusted-proxies=127.0.0.1", "--requests-per-second=0"];
    let node = Node::start_fresh(&flags).await;
    let desk = Arc::new(Desk { node });
    let device = known_device(&desk, "li.na", PASSWORD).await;
    let right = async {
        for _ in 0..12 {
            let page = desk
                .try_login("192.0.2.1", &device, "li.na", PASSWORD)
                .await;
            assert_eq!(page, "/");
        }
    };
    let address = |n: usize| format!("203.0.{}.{}", n / 250 % 250, n % 250);
    let busy = under_attack(&desk, address, right).await;
    assert!(busy > 0, "the attack has not filled the queue");
}
