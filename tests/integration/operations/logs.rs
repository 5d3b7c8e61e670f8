//! The log: one object on each line, the trace id on all lines of a request, and no secret on any.

use serde_json::{Value, json};

use super::node::{Node, body};
use crate::support::http::SECRET;

fn lines(log: &str) -> Vec<Value> {
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"));
    log.lines().map(line).collect()
}

#[tokio::test]
async fn every_line_is_an_object_and_those_of_a_request_bear_its_trace_id() {
    let node = Node::start(&["--log-format=json", "--log=refundry=trace,sqlx=trace,info"]);
    let answer = node.refund("FAIL", "R1").await;
    let refused = node
        .post("/unipay/refund", json!({"bizRefundNo": "R2"}))
        .await;
    node.get(&node.base, "/no/such/page").await;
    let log = node.log();
    let lines = lines(&log);
    for line in &lines {
        for name in ["timestamp", "level", "target"] {
            assert!(line[name].is_string(), "{line}");
        }
        assert!(!line.to_string().contains("\"span"), "{line}");
    }
    for answer in [answer, refused] {
        let of_it = lines
            .iter()
            .filter(|line| line["trace"] == answer["traceId"]);
        let of_it: Vec<_> = of_it.collect();
        assert!(of_it.len() > 1, "{answer} {log}");
        assert!(of_it.iter().all(|line| line["path"] == "/unipay/refund"));
        assert!(of_it.iter().any(|line| line["message"] == "answered"));
    }
    let refusal = lines
        .iter()
        .find(|line| line["message"] == "refused")
        .unwrap();
    assert_eq!(refusal["level"], "INFO");
    assert!(refusal["trace"].is_string() && refusal["code"].is_number());
    // The statements of a request are logged within it.
    let statements = lines.iter().filter(|line| line["target"] == "sqlx::query");
    let of_requests = statements.filter(|line| line["trace"].is_string());
    assert!(of_requests.count() > 5, "{log}");
}

#[tokio::test]
async fn no_setting_of_the_log_brings_a_secret_into_it() {
    let node = Node::start(&["--log-format=json", "--log=trace"]);
    let order = json!({
        "bizOrderNo": "P1", "outOrderNo": "SBX-OK-1", "channel": "sandbox", "method": "qr_code", "title": "茶",
        "amount": 1000, "payTime": 1_760_000_000,
    });
    let sent: Value = serde_json::from_str(&body(order.clone())).unwrap();
    let sign = sent["sign"].as_str().unwrap().to_owned();
    let answer = node.post("/unipay/order/record", sent.clone()).await;
    let answer_sign = answer["data"]["sign"].as_str().unwrap().to_owned();
    let forged = json!({"bizRefundNo": "R1", "sign": "forged-signature-of-mine"});
    assert_ne!(
        node.post("/unipay/query/refundOrder", forged).await["code"],
        0
    );

    node.login("wrong-password-of-mine").await;
    let session = node.logged_in().await;
    let page = node
        .http
        .get(format!("{}/apps/DEMO/orders", node.base))
        .header("Cookie", &session);
    assert_eq!(page.send().await.unwrap().status(), 200);
    let (_, session) = session.split_once('=').unwrap();

    // The folder's name begins with the text that is also the password.
    let log = node.log().replace("refundry-demo-", "");
    let lines = lines(&log);
    assert!(lines.len() > 100, "{log}");
    for secret in [
        sign.as_str(),
        &answer_sign,
        "forged-signature-of-mine",
        "wrong-password-of-mine",
        "refundry-demo",
        session,
    ] {
        let found = log.lines().find(|line| line.contains(secret));
        assert_eq!(found, None, "{secret}");
    }
    for mut line in lines {
        line.as_object_mut().unwrap().remove("timestamp");
        let text = line.to_string();
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        assert!(words.all(|word| word != SECRET), "{line}");
    }
}

#[tokio::test]
async fn an_address_with_a_password_is_refused_and_its_password_told_nowhere() {
    let node = Node::start(&["--log=trace"]);
    let told = json!({"notifyUrl": "http://shop:horse-battery@127.0.0.1:9/told"});
    let answer = node.refund_with("OK", "R1", told).await;
    assert_eq!(answer["code"], 10506, "{answer}");
    // Nor where a wrong signature is told with the text that was signed.
    let forged = json!({
        "bizRefundNo": "R1", "notifyUrl": "http://shop:horse-battery@127.0.0.1:9/told", "sign": "00",
    });
    let answer = node.post("/unipay/query/refundOrder", forged).await;
    assert_eq!(answer["code"], 20052, "{answer}");
    let log = node.log();
    assert!(
        log.contains("127.0.0.1:9/told") || log.contains("127.0.0.1:9/TOLD"),
        "{log}"
    );
    assert!(!log.to_lowercase().contains("horse-battery"));
}

#[tokio::test]
async fn a_wrong_signature_is_told_in_the_log_with_the_text_that_was_signed() {
    let node = Node::start(&[]);
    let forged = json!({"appId": "DEMO", "bizRefundNo": "R1", "reqTime": "2026-01-02 03:04:05", "sign": "00"});
    let answer = node.post("/unipay/query/refundOrder", forged).await;
    assert_eq!(answer["code"], 20052, "{answer}");
    let signed = "APPID=DEMO&BIZREFUNDNO=R1&REQTIME=2026-01-02 03:04:05&KEY=";
    assert!(!answer.to_string().contains(signed), "{answer}");
    let log = node.log();
    let line = log
        .lines()
        .find(|line| line.contains(signed))
        .unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(answer["traceId"].as_str().unwrap()), "{line}");
}
