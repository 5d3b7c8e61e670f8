//! The figures, compared with what was done.

use std::collections::HashMap;

use axum::Router;
use axum::routing::post;
use serde_json::json;

use super::node::Node;

/// Scrapes the figures. Returns their values by name and labels as written.
pub async fn figures(node: &Node) -> HashMap<String, f64> {
    let (status, text) = node.get(&node.figures, "/metrics").await;
    assert_eq!(status, 200);
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let figure = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    lines.map(figure).collect()
}

#[tokio::test]
async fn requests_are_counted_by_endpoint_and_code_and_never_by_what_a_caller_wrote() {
    let node = Node::start(&[]);
    for (number, code) in [("A", 0), ("B", 0), ("A", 0)] {
        assert_eq!(node.refund("OK", number).await["code"], code);
    }
    let unknown = json!({"bizRefundNo": "NONE"});
    let unknown = node.post("/unipay/query/refundOrder", unknown).await;
    for path in [
        "/orders/P-SECRET-NUMBER",
        "/no/such/page",
        "/login",
        "/unipay/nothing",
    ] {
        node.get(&node.base, path).await;
    }
    let figures = figures(&node).await;
    let requests = |endpoint: &str, code: &str| {
        let name = format!("refundry_requests_total{{endpoint=\"{endpoint}\",code=\"{code}\"}}");
        figures.get(&name).copied()
    };
    assert_eq!(requests("/unipay/refund", "0"), Some(3.0));
    // A client 2.x reads the code of such a refusal in data.
    let code = unknown["data"]["code"].to_string();
    assert_eq!(code, "20041");
    assert_eq!(requests("/unipay/query/refundOrder", &code), Some(1.0));
    assert_eq!(requests("/login", "200"), Some(1.0));
    let seconds = "refundry_request_seconds_count{endpoint=\"/unipay/refund\"}";
    assert_eq!(figures[seconds], 3.0);
    assert!(
        figures
            .keys()
            .all(|name| !name.contains("SECRET") && !name.contains("no/such"))
    );
    assert_eq!(figures["refundry_requests_in_flight"], 0.0);
    assert_eq!(figures["refundry_ready"], 1.0);
    assert!(
        figures["process_resident_memory_bytes"] > 1e6,
        "{figures:?}"
    );
}

/// Starts a merchant's system that accepts every notice, and returns its address.
pub async fn merchant() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().route("/notices", post(async || "SUCCESS"));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    format!("http://{address}/notices")
}

/// Scrapes until a figure has the wanted value, for at most ten seconds.
async fn becomes(node: &Node, name: &str, wanted: f64) {
    let mut last = None;
    for _ in 0..100 {
        last = figures(node).await.get(name).copied();
        if last == Some(wanted) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{name} is {last:?}, not {wanted}");
}

#[tokio::test]
async fn refunds_money_channels_and_notices_are_told() {
    // On a database of its own, as a demonstration has refunds in progress from the start.
    let node = Node::start_fresh(&["--sbx-delay=1h", "--private-notify=true"]).await;
    let zero = "refundry_refunds_settled_total{channel=\"ali_pay\",state=\"success\"}";
    let before = figures(&node).await;
    assert_eq!(before[zero], 0.0);
    assert_eq!(
        before["refundry_oldest_open_refund_seconds{app=\"DEMO\"}"],
        0.0
    );

    let notices = merchant().await;
    let told = json!({"notifyUrl": notices});
    assert_eq!(node.refund_with("OK", "R1", told).await["code"], 0);
    assert_eq!(node.refund("FAIL", "R2").await["code"], 0);
    assert_eq!(node.refund("ASYNC", "R3").await["code"], 0);
    assert_eq!(node.refund("ASYNC", "R4").await["code"], 0);

    let of_sandbox = "app=\"DEMO\",channel=\"sandbox\"";
    becomes(
        &node,
        &format!("refundry_refunds_open{{{of_sandbox}}}"),
        2.0,
    )
    .await;
    becomes(
        &node,
        "refundry_notices_sent_total{outcome=\"delivered\"}",
        1.0,
    )
    .await;
    let after = figures(&node).await;
    let settled = |state: &str| {
        after[&format!("refundry_refunds_settled_total{{channel=\"sandbox\",state=\"{state}\"}}")]
    };
    assert_eq!(
        (settled("success"), settled("fail"), settled("close")),
        (1.0, 1.0, 0.0)
    );
    assert_eq!(
        after[&format!("refundry_money_held_fen{{{of_sandbox}}}")],
        200.0
    );
    assert!(after["refundry_oldest_open_refund_seconds{app=\"DEMO\"}"] > 0.0);
    let of_account = "account=\"DEMO-sandbox\",channel=\"sandbox\"";
    assert_eq!(
        after[&format!("refundry_breaker_open{{{of_account}}}")],
        0.0
    );
    let submitted =
        format!("refundry_channel_call_seconds_count{{{of_account},operation=\"submit\"}}");
    assert_eq!(after[&submitted], 4.0);
    assert_eq!(after["refundry_readings_fresh"], 1.0);
}
