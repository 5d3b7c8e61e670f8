//! Callers who send too much, too slowly or not at all, and those who are served meanwhile.

use std::time::{Duration, Instant};

use refundry::domain::event::Actor;
use refundry::domain::refund::RefundKey;
use refundry::server::channels::sandbox::faults::Faults;
use refundry::server::clock::Clock;
use refundry::server::refunds;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::node::Node;
use crate::support::http::{TestApp, config, merchant};

/// Longer than anything takes that is answered at once, on a busy machine.
const PROMPT: Duration = Duration::from_secs(5);
const HALF_HEAD: &str = "POST /unipay/refund HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-";
const BODY_OF_REFUND: &str =
    "POST /unipay/refund HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\n{";
const BODY_OF_LOGIN: &str =
    "POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\nn";

/// Opens a connection and sends something on it.
async fn connect(base: &str, sent: &str) -> TcpStream {
    let address = base.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(sent.as_bytes()).await.unwrap();
    connection
}

/// Reads until the server closes the connection.
async fn rest(mut connection: TcpStream) -> String {
    let mut read = Vec::new();
    let _ = connection.read_to_end(&mut read).await;
    String::from_utf8(read).unwrap()
}

/// Awaits what has to be prompt.
async fn prompt<T>(answer: impl Future<Output = T>) -> T {
    timeout(PROMPT, answer).await.expect("a prompt answer")
}

/// Fails unless the gateway refunds and the console lets somebody try to log in, all at once.
async fn assert_served(test: &TestApp, order: &str, biz_refund_no: &str) {
    let fields = json!({"bizOrderNo": order, "bizRefundNo": biz_refund_no, "amount": 1});
    let refund = prompt(test.open("/unipay/refund", fields)).await;
    assert_eq!(refund.code(), 0, "{}", refund.text);
    let page = test.http.get(format!("{}/login", test.base)).send();
    assert_eq!(prompt(page).await.unwrap().status(), 200);
    let form = test.http.post(format!("{}/api/login", test.base));
    let form = form
        .header("Origin", &test.base)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("name=x&password=y&next=%2F");
    let answer = prompt(form.send()).await.unwrap();
    assert!(answer.status().as_u16() < 500, "{}", answer.status());
}

#[tokio::test]
async fn half_heads_and_slow_bodies_keep_nobody_from_being_served() {
    const OF_EACH: usize = 1_100;
    // The test holds both ends of each connection.
    let files = rlimit::increase_nofile_limit(10_000).unwrap();
    assert!(
        files >= 6_000,
        "{files} open files are too few for this test"
    );
    let flags = ["--requests-per-second=0", "--max-connections=8192"];
    let test = TestApp::start_with(config(&flags), Clock::System).await;
    let order = test.order("SBX-OK-1").await;
    let mut half = Vec::new();
    let mut slow = JoinSet::new();
    for n in 0..OF_EACH {
        half.push(connect(&test.base, HALF_HEAD).await);
        let body = [BODY_OF_REFUND, BODY_OF_LOGIN][n % 2];
        slow.spawn(rest(connect(&test.base, body).await));
    }
    assert_served(&test, &order, "R1").await;
    // Half of the 256 places for slow bodies are one address's; all others are refused.
    for _ in 0..OF_EACH - 128 {
        let refused = slow.join_next().await.unwrap().unwrap();
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    }
    assert_served(&test, &order, "R2").await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_what_has_not_arrived() {
    let mut node = Node::start_as("serve", &["--drain=0s", "--sandbox"]);
    let idle = connect(&node.base, "").await;
    let head = connect(&node.base, HALF_HEAD).await;
    let bodies = [
        connect(&node.base, BODY_OF_REFUND).await,
        connect(&node.base, BODY_OF_LOGIN).await,
    ];
    let used = connect(
        &node.base,
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    )
    .await;
    let figures = connect(&node.figures, HALF_HEAD).await;
    assert_eq!(node.get(&node.base, "/readyz").await.0, 200);
    let begun = Instant::now();
    node.terminate();
    assert!(node.ended().success());
    let took = begun.elapsed();
    assert!(took < PROMPT, "{took:?}");
    for body in bodies {
        let refused = rest(body).await;
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    }
    drop((idle, head, used, figures));
}

/// Starts a server with the apps `DEMO`, whose channel does not answer for a minute, and `OTHER`.
async fn start_silent(flags: &[&str]) -> (TestApp, String, String) {
    let own = [
        "--requests-per-second=0",
        "--app-requests-per-second=0",
        "--max-connections=8192",
        "--sbx-timeout=1m",
        "--channel-time-limit=1m",
    ];
    let test = TestApp::start_with(config(&[&own, flags].concat()), Clock::System).await;
    test.add(merchant("OTHER")).await;
    let order = test.order("SBX-OK-1").await;
    let other = test.order_of("OTHER", "SBX-OK-2", json!(100)).await;
    let sandbox = test.ctx.channels.sandbox().unwrap();
    let silent = sandbox.change_faults("DEMO-sandbox", Faults::Silent, Actor::System);
    silent.await.unwrap();
    (test, order, other)
}

/// Refunds an order of the app whose channel is silent, under many numbers at once.
fn refund_all(test: &TestApp, order: &str, count: usize) -> JoinSet<(u16, Value)> {
    let mut refunds = JoinSet::new();
    for n in 0..count {
        let fields = json!({"bizOrderNo": order, "bizRefundNo": format!("S{n}"), "amount": 0.01});
        let post = test.http.post(format!("{}/unipay/refund", test.base));
        let sent = post.body(test.open_body(fields)).send();
        refunds.spawn(async move {
            let answer = sent.await.unwrap();
            (answer.status().as_u16(), answer.json().await.unwrap())
        });
    }
    refunds
}

/// Fails unless another app's refund succeeds, and the console and the channels are answered, all at once.
async fn assert_others_served(test: &TestApp, order: &str, biz_refund_no: &str) {
    let fields =
        json!({"appId": "OTHER", "bizOrderNo": order, "bizRefundNo": biz_refund_no, "amount": 1});
    let refund = prompt(test.open("/unipay/refund", fields)).await;
    assert_eq!(refund.data()["status"], "success", "{}", refund.text);
    let page = test.http.get(format!("{}/login", test.base)).send();
    assert_eq!(prompt(page).await.unwrap().status(), 200);
    let callback = prompt(test.post("/unipay/callback/OTHER/sandbox", "{}")).await;
    assert_eq!(callback.status, 400, "it has no signature");
}

#[tokio::test]
async fn a_silent_channel_holds_up_its_own_refunds_alone() {
    let (test, order, other) = start_silent(&[]).await;
    let mut refunds = refund_all(&test, &order, 1_040);
    // As many calls are under way as one account may make. The other refunds are written and answered at once, or
    // refused where more of them are being written than the app has places.
    let mut written = 0;
    for n in 0..1_040 - 256 {
        let (status, answer) = prompt(refunds.join_next()).await.unwrap().unwrap();
        match status {
            200 => assert_eq!(answer["data"]["status"], "progress", "{answer}"),
            _ => assert_eq!((status, &answer["code"]), (503, &json!(20060)), "{answer}"),
        }
        written += u32::from(status == 200);
        if n % 100 == 0 {
            assert_others_served(&test, &other, &format!("R{n}")).await;
        }
    }
    assert!(written > 0);
    assert_others_served(&test, &other, "R").await;
    assert!(refunds.try_join_next().is_none());
}

#[tokio::test]
async fn an_app_holds_at_most_half_of_the_merchants_places() {
    let flags = ["--max-in-flight=16", "--channel-calls-at-once=1024"];
    let (test, order, other) = start_silent(&flags).await;
    let mut refunds = refund_all(&test, &order, 12);
    for _ in 0..4 {
        let (status, answer) = prompt(refunds.join_next()).await.unwrap().unwrap();
        assert_eq!((status, &answer["code"]), (503, &json!(20060)), "{answer}");
        assert!(answer["msg"].as_str().unwrap().contains("应用"), "{answer}");
    }
    assert_others_served(&test, &other, "R").await;
    assert!(refunds.try_join_next().is_none());
}

#[tokio::test]
async fn merchants_leave_the_places_of_the_console_and_of_channels() {
    let flags = ["--max-in-flight=1", "--channel-calls-at-once=1024"];
    let (test, order, _) = start_silent(&flags).await;
    let refunds = refund_all(&test, &order, 1);
    let key = RefundKey::BizRefundNo("S0".to_owned());
    let merchant = test.ctx.merchants.enabled(None).await.unwrap();
    while refunds::find(&test.ctx, &merchant, &key).await.is_err() {}
    let query = test.open("/unipay/query/payOrder", json!({"bizOrderNo": order}));
    assert_eq!(prompt(query).await.status, 503);
    let page = test.http.get(format!("{}/login", test.base)).send();
    assert_eq!(prompt(page).await.unwrap().status(), 200);
    let callback = prompt(test.post("/unipay/callback/DEMO/sandbox", "{}")).await;
    assert_eq!(callback.status, 400, "it has no signature");
    drop(refunds);
}

#[tokio::test]
async fn callbacks_that_are_refused_write_no_lines_into_the_log() {
    let node = Node::start_fresh(&["--callbacks-per-second=10"]).await;
    let refused = async |path: &str| {
        let call = node
            .http
            .post(format!("{}/unipay/callback/{path}", node.base));
        let answer = call.body("{}").send().await.unwrap();
        assert!(!answer.status().is_success(), "{path}");
    };
    refused("DEMO/sandbox").await;
    let before = node.log();
    for _ in 0..20 {
        for path in [
            "DEMO/sandbox",
            "NOBODY/sandbox",
            "DEMO/sandbox/NONE",
            "DEMO/nothing",
        ] {
            refused(path).await;
        }
    }
    assert_eq!(node.log(), before);
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_to_a_caller_who_sends_all_of_it_first() {
    const MIB: usize = 1024 * 1024;
    let test = TestApp::start().await;
    let body = vec![b' '; 8 * MIB];
    for (path, is_json) in [
        ("/unipay/refund", true),
        ("/unipay/callback/DEMO/sandbox", true),
        ("/api/login", false),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut connection = connect(&test.base, &head).await;
        connection.write_all(&body).await.unwrap();
        let mut read = vec![0; 4_096];
        let length = connection.read(&mut read).await.unwrap();
        let answer = String::from_utf8_lossy(&read[..length]);
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
        assert_eq!(answer.contains("\"code\":20060"), is_json, "{answer}");
    }
    // A caller who asks first sends nothing.
    let head = "POST /unipay/refund HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n";
    let refused = prompt(rest(connect(&test.base, head).await)).await;
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
}
