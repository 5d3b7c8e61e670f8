//! The page of an order and its form, as a browser without scripts gets them.

use reqwest::Response;
use serde_json::{Value, json};

use super::node::{Node, body, now};

const DAY_SECONDS: u64 = 86_400;

struct Desk {
    node: Node,
    cookie: String,
    order_no: String,
}

impl Desk {
    /// Records an order of 10 yuan that was paid three days ago, and logs in.
    async fn start() -> Desk {
        let node = Node::start(&[]);
        let order = json!({
            "bizOrderNo": "P1", "outOrderNo": "SBX-OK-1", "channel": "sandbox", "method": "qr_code",
            "title": "茶", "amount": 1000, "payTime": now() - 3 * DAY_SECONDS,
        });
        let order: Value = serde_json::from_str(&body(order)).unwrap();
        let recorded = node.post("/unipay/order/record", order).await;
        Desk {
            cookie: node.logged_in().await,
            order_no: recorded["data"]["orderNo"].as_str().unwrap().to_owned(),
            node,
        }
    }

    async fn page(&self) -> String {
        let page = format!("{}/apps/DEMO/orders/{}", self.node.base, self.order_no);
        let page = self.node.http.get(page).header("Cookie", &self.cookie);
        page.send().await.unwrap().text().await.unwrap()
    }

    /// Sends the form.
    async fn send(&self, amount: &str, number: &str, expected: &str) -> Response {
        let form = format!(
            "app_id=DEMO&order_no={}&amount={amount}&reason=&biz_refund_no={number}&expected={expected}",
            self.order_no
        );
        let page = format!("{}/api/order/refund", self.node.base);
        let post = self.node.http.post(page).header("Origin", &self.node.base);
        let post = post.header("Content-Type", "application/x-www-form-urlencoded");
        let post = post.header("Cookie", &self.cookie).body(form);
        post.send().await.unwrap()
    }

    /// Sends the form, and returns the page of the refund that it leads to.
    async fn refund(&self, amount: &str, number: &str, expected: &str) -> String {
        let answer = self.send(amount, number, expected).await;
        let page = answer.headers()["location"].to_str().unwrap();
        assert!(page.starts_with("/apps/DEMO/refunds/"), "{page}");
        page.to_owned()
    }
}

/// Returns the value of the field of the refund number.
fn offered(page: &str) -> String {
    let field = page.find("name=\"biz_refund_no\"").expect("the field");
    let tag = &page[..field + page[field..].find('>').unwrap()];
    let tag = &tag[tag.rfind('<').unwrap()..];
    let (_, value) = tag.split_once("value=\"").unwrap();
    value.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn one_form_is_one_refund_and_that_of_another_tab_is_refused_where_the_balance_has_changed() {
    let desk = Desk::start().await;
    let number = offered(&desk.page().await);
    assert!(number.starts_with(&desk.order_no), "{number}");
    let of_another_tab = offered(&desk.page().await);
    assert_ne!(of_another_tab, number);

    let first = desk.refund("4.00", &number, "10.00").await;
    assert_eq!(desk.refund("4.00", &number, "10.00").await, first);
    assert_eq!(desk.refund("4.00", &number, "6.00").await, first);

    let stale = desk.send("4.00", &of_another_tab, "10.00").await;
    assert_eq!(stale.status(), 422);
    let refused: Value = stale.json().await.unwrap();
    assert_eq!(refused["field"], "amount", "{refused}");

    // The order's next refund is another one, even with the same amount.
    let second = desk.refund("4.00", &of_another_tab, "6.00").await;
    assert_ne!(second, first);
}

#[tokio::test]
async fn a_typed_number_holds_what_a_merchants_may_hold() {
    let desk = Desk::start().await;
    for wrong in ["a%20b", "a%E2%80%8Bb", "%EF%BC%A1", "%C3%9F", "a%26b"] {
        let answer = desk.send("1.00", wrong, "10.00").await;
        assert_eq!(answer.status(), 422, "{wrong}");
        let refused: Value = answer.json().await.unwrap();
        assert_eq!(refused["field"], "biz_refund_no", "{refused}");
    }
    desk.refund("1.00", "%E9%80%80-1", "10.00").await;
}

#[tokio::test]
async fn an_order_tells_when_it_was_paid_and_when_we_learned_of_it() {
    let desk = Desk::start().await;
    let page = desk.page().await;
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
    for (name, seconds) in [("支付时间", now() - 3 * DAY_SECONDS), ("登记时间", now())] {
        let at = jiff::Timestamp::from_second(seconds.cast_signed()).unwrap();
        let day = at.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string();
        let (_, rest) = page.split_once(name).expect(name);
        let fact = rest.split("</dd>").next().unwrap();
        assert!(fact.contains(&day), "{name}: {fact}, not {day}");
    }
}

/// A link in a message could otherwise show an operator any sentence as ours.
#[tokio::test]
async fn a_link_puts_no_sentence_into_the_console() {
    let desk = Desk::start().await;
    let sentence = "Your account is frozen, call 555-0100";
    let error = json!({
        "kind": "refused", "text": sentence, "field": null, "trace": "0123456789ab", "status": 422,
    });
    let order = format!("/apps/DEMO/orders/{}", desk.order_no);
    let path = format!(
        "{order}?since=1&__path=%2Fapi%2Forder%2Fsync&__err={}",
        encoded(&error.to_string())
    );
    let open = |site: &'static str| {
        let page = desk.node.http.get(format!("{}{path}", desk.node.base));
        let page = page.header("Cookie", &desk.cookie);
        async move { page.header("Sec-Fetch-Site", site).send().await.unwrap() }
    };
    for site in ["cross-site", "same-site", "none"] {
        let answer = open(site).await;
        assert_eq!(answer.status(), 303, "{site}");
        assert_eq!(answer.headers()["location"], format!("{order}?since=1"));
    }
    // The redirect after a form of ours shows the outcome, and the link would show it too if it were not led away.
    let page = open("same-origin").await.text().await.unwrap();
    assert!(page.contains(sentence));
}

/// Encodes an error as leptos does in an address: base64 with the alphabet of URLs.
fn encoded(error: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for bytes in error.as_bytes().chunks(3) {
        let group = bytes
            .iter()
            .fold(0u32, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - bytes.len()));
        for i in 0..=bytes.len() {
            text.push(char::from(ALPHABET[(group >> (18 - 6 * i) & 63) as usize]));
        }
    }
    text
}

#[tokio::test]
async fn a_text_that_changes_the_writing_direction_turns_round_nothing_after_it() {
    let desk = Desk::start().await;
    let title = "茶\u{202e}003";
    let order = json!({
        "bizOrderNo": "P2", "outOrderNo": "SBX-OK-2", "channel": "sandbox", "method": "qr_code",
        "title": title, "amount": 1000, "payTime": now(), "attach": title,
    });
    let recorded = desk.node.post("/unipay/order/record", order).await;
    let order_no = recorded["data"]["orderNo"].as_str().unwrap();
    let refund = json!({
        "bizOrderNo": "P2", "bizRefundNo": "R2", "amount": 100, "reason": title,
    });
    let refund = desk.node.post("/unipay/refund", refund).await;
    let refund_no = refund["data"]["refundNo"].as_str().unwrap();
    for page in [
        "orders".to_owned(),
        format!("orders/{order_no}"),
        format!("refunds/{refund_no}"),
    ] {
        let url = format!("{}/apps/DEMO/{page}", desk.node.base);
        let got = desk
            .node
            .http
            .get(url)
            .header("Cookie", &desk.cookie)
            .send();
        let text = got.await.unwrap().text().await.unwrap();
        let marked = text.matches(&format!("<bdi>{title}")).count();
        let between_tags = text.matches(&format!(">{title}")).count();
        assert!(
            marked > 0 && marked == between_tags,
            "{page}: {marked} of {between_tags}"
        );
    }
}
