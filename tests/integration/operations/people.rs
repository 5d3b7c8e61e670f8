//! Operators and their addresses: in refunds, in the log, and in the limits on logins.

use serde_json::{Value, json};

use super::figures::figures;
use super::node::{Node, body, now};

const CLIENT: &str = "203.0.113.9";

/// A node, and an operator at [`CLIENT`], with or without a proxy in between.
struct Desk {
    node: Node,
}

impl Desk {
    /// Posts a form of the console as a browser behind a proxy does.
    async fn post(&self, path: &str, cookie: &str, form: String) -> reqwest::Response {
        let post = self.node.http.post(format!("{}{path}", self.node.base));
        let post = post
            .header("Origin", &self.node.base)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("X-Forwarded-For", format!("198.51.100.200, {CLIENT}"))
            .header("Cookie", cookie);
        post.body(form).send().await.unwrap()
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
