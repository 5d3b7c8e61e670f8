//! HTTP around the envelope: statuses, sizes, overload and health.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use refundry::server::clock::Clock;
use serde_json::json;

use crate::support::http::{TestApp, config};

#[tokio::test]
async fn the_status_is_200_but_for_size_method_and_overload() {
    let test = TestApp::start().await;
    let nowhere = test.open("/unipay/nowhere", json!({})).await;
    assert_eq!((nowhere.status.as_u16(), nowhere.code()), (200, 10404));

    let get = test
        .http
        .get(format!("{}/unipay/refund", test.base))
        .send()
        .await
        .unwrap();
    assert_eq!(get.status(), 405);
    assert_eq!(get.headers()["allow"], "POST");
    let text = get.text().await.unwrap();
    assert!(text.contains("traceId"), "{text}");

    let fits = format!(r#"{{"a":"{}"}}"#, "x".repeat(1024 * 1024 - 8));
    assert_eq!(fits.len(), 1024 * 1024);
    let answer = test.post("/unipay/refund", fits.clone()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (200, 10506),
        "{}",
        answer.text
    );
    let answer = test.post("/unipay/refund", fits + " ").await;
    assert_eq!((answer.status.as_u16(), answer.code()), (413, 20060));
    assert_eq!(
        answer.names(),
        ["code", "msg", "data", "resTime", "traceId"]
    );
}

#[tokio::test]
async fn too_much_at_once_is_told_to_come_back() {
    let test = TestApp::start_with(
        config(&["--max-in-flight=1", "--sbx-timeout=2500ms"]),
        Clock::System,
    )
    .await;
    let order = test.order("SBX-TIMEOUT-1").await;
    let slow = test.open(
        "/unipay/refund",
        json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 1}),
    );
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let answer = test
            .open("/unipay/query/payOrder", json!({"bizOrderNo": order}))
            .await;
        assert_eq!((answer.status.as_u16(), answer.code()), (503, 20060));
        assert_eq!(answer.headers["retry-after"], "1");
        let health = test
            .http
            .get(format!("{}/healthz", test.base))
            .send()
            .await
            .unwrap();
        assert_eq!(health.status(), 200, "a busy server is a healthy one");
    };
    let (slow, ()) = tokio::join!(slow, meanwhile);
    assert_eq!(slow.code(), 0);
    assert_eq!(
        test.open("/unipay/query/payOrder", json!({"bizOrderNo": order}))
            .await
            .code(),
        0
    );
}

#[tokio::test]
async fn every_answer_has_a_trace_id_of_its_own() {
    let test = TestApp::start().await;
    let mut seen = std::collections::HashSet::new();
    for body in ["", "{}", "[1]", r#"{"reqTime":1}"#, r#"{"reqTime":"x"}"#] {
        let answer = test.post("/unipay/refund", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let trace = answer.json()["traceId"].as_str().unwrap().to_owned();
        assert!(trace.len() == 12 && trace.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert!(seen.insert(trace));
    }
}

#[tokio::test]
async fn the_book_is_open_only_with_the_sandbox() {
    let test = TestApp::start().await;
    assert_eq!(test.book("NONE").await, None);
    let without = TestApp::start_with(
        refundry::server::config::Config {
            sandbox: false,
            ..config(&[])
        },
        Clock::System,
    )
    .await;
    let got = without
        .http
        .get(format!("{}/sandbox/book/X", without.base))
        .send()
        .await
        .unwrap();
    assert_eq!(got.status(), 404);
    assert!(!got.text().await.unwrap().contains("moved"));
}

#[tokio::test]
async fn ready_is_who_has_a_database_and_alive_is_who_answers() {
    let test = TestApp::start().await;
    let told = async |path| {
        let asked = test.http.get(format!("{}{path}", test.base)).send();
        asked.await.unwrap().status().as_u16()
    };
    assert_eq!((told("/healthz").await, told("/readyz").await), (200, 200));
    test.ctx.db.close().await;
    assert_eq!((told("/healthz").await, told("/readyz").await), (200, 503));
}

/// The log of all tests of this process, from the time when one of them installs it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_has_the_trace_id_that_was_answered_and_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // Installed for the whole process, as a callsite that another thread reaches first would otherwise stay silent.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let test = TestApp::start().await;
    let attach = "Kq7-attach";
    let fields = json!({"bizOrderNo": "NONE", "bizRefundNo": "R1", "amount": 1, "attach": attach});
    let body = test.open_body(fields);
    let sign = body.split("\"sign\":\"").nth(1).unwrap()[..64].to_owned();
    let answer = test.post("/unipay/refund", body).await;
    assert_eq!(answer.code(), 20041);
    let forged = test
        .open("/unipay/refund", json!({"bizRefundNo": "R1", "sign": "ab"}))
        .await;

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for answer in [&answer, &forged] {
        let trace = answer.json()["traceId"].as_str().unwrap().to_owned();
        let line = text
            .lines()
            .find(|line| line.contains(&trace) && line.contains("refused"));
        assert!(
            line.is_some_and(|line| line.contains(&answer.code().to_string())),
            "{text}"
        );
    }
    for secret in [attach, &sign, "key=123456", "KEY=123456"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
