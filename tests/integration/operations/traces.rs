//! The traces, as received by a collector.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::json;

use super::node::{Node, body};

/// The requests that a collector received.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    /// Listens on a free port, and returns the address.
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let take = async |State(collector): State<Collector>, bytes: Bytes| {
            collector.0.lock().unwrap().push(bytes);
        };
        let routes = Router::new()
            .route("/v1/traces", post(take))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}")
    }

    fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for bytes in self.0.lock().unwrap().iter() {
            let request = ExportTraceServiceRequest::decode(bytes.clone()).unwrap();
            let scopes = request
                .resource_spans
                .into_iter()
                .flat_map(|r| r.scope_spans);
            spans.extend(scopes.flat_map(|scope| scope.spans));
        }
        spans
    }
}

fn attribute(span: &Span, name: &str) -> Option<AnyValue> {
    let found = span
        .attributes
        .iter()
        .find(|attribute| attribute.key == name)?;
    found.value.clone()?.value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_is_told_to_the_collector_from_the_request_to_the_channel() {
    let collector = Collector::default();
    let endpoint = collector.listen().await;
    let mut node = Node::start(&["--otlp-endpoint", &endpoint, "--log=warn"]);
    assert_eq!(node.refund("OK", "R1").await["code"], 0);

    let caller = "4bf92f3577b34da6a3ce929d0e0e4736";
    let repeat = body(json!({"bizOrderNo": "PR1", "bizRefundNo": "R2", "amount": 100}));
    let signed: serde_json::Value = serde_json::from_str(&repeat).unwrap();
    let post = node
        .http
        .post(format!("{}/unipay/refund", node.base))
        .body(repeat);
    // A caller may not turn sampling off.
    let post = post.header("traceparent", format!("00-{caller}-00f067aa0ba902b7-00"));
    let answer: serde_json::Value = post.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["code"], 0, "{answer}");
    node.terminate();
    assert!(node.ended().success());

    let spans = collector.spans();
    let trace = answer["traceId"].as_str().unwrap().to_owned();
    let told = Some(AnyValue::StringValue(trace));
    let request = spans
        .iter()
        .find(|span| attribute(span, "trace") == told)
        .unwrap();
    assert_eq!(request.name, "/unipay/refund");
    assert_eq!(
        attribute(request, "http.response.status_code"),
        Some(AnyValue::IntValue(200))
    );
    assert!(request.parent_span_id.is_empty());
    assert_ne!(hex::encode(&request.trace_id), caller);
    let links: Vec<_> = request
        .links
        .iter()
        .map(|link| hex::encode(&link.trace_id))
        .collect();
    assert_eq!(links, [caller]);

    let child = |parent: &Span, name: &str| {
        let children = spans
            .iter()
            .filter(|span| span.parent_span_id == parent.span_id);
        let mut named = children.filter(|span| span.name == name);
        named
            .next()
            .unwrap_or_else(|| panic!("no {name} below {}", parent.name))
            .clone()
    };
    let issue = child(request, "issue");
    assert_eq!(issue.trace_id, request.trace_id);
    child(&issue, "write");
    let channel = child(&issue, "channel");
    let told = |word: &str| Some(AnyValue::StringValue(word.to_owned()));
    assert_eq!(attribute(&channel, "operation"), told("submit"));
    assert_eq!(attribute(&channel, "channel"), told("sandbox"));

    let secret = signed["sign"].as_str().unwrap();
    for bytes in collector.0.lock().unwrap().iter() {
        assert!(!String::from_utf8_lossy(bytes).contains(secret));
    }
}

#[tokio::test]
async fn a_collector_that_is_away_holds_nobody_up() {
    // Nothing listens on a port that was just closed.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut node = Node::start(&["--otlp-endpoint", &format!("http://{gone}")]);
    assert_eq!(node.refund("OK", "R1").await["code"], 0);
    node.terminate();
    assert!(node.ended().success());
}
