//! The figures, held to what was done.

use std::collections::HashMap;

use serde_json::json;

use super::node::Node;

/// The figures of a scrape by name and labels, as they are written.
async fn figures(node: &Node) -> HashMap<String, f64> {
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
    let code = unknown["code"].to_string();
    assert_ne!(code, "0");
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
