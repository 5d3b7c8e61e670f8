//! The rate limits of addresses and apps, and access to the sandbox.

use refundry::domain::merchant::{AppChannel, MerchantApp};
use refundry::domain::order::Channel;
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::http::{TestApp, config, merchant};
use crate::support::test_channel;

const ONE: &str = "203.0.113.9";
const OTHER: &str = "203.0.113.10";

/// Starts a server behind a proxy, with a clock that stands still.
async fn start(flags: &[&str]) -> TestApp {
    let flags = [&["--trusted-proxies=127.0.0.1"], flags].concat();
    let clock = Clock::manual(Timestamp(1_760_000_000_000));
    TestApp::start_with(config(&flags), clock).await
}

async fn post(test: &TestApp, from: &str, path: &str, body: String) -> Response {
    let post = test.http.post(format!("{}{path}", test.base));
    let post = post.header("X-Forwarded-For", from).body(body);
    post.send().await.unwrap()
}

/// Queries an order that does not exist, and returns the envelope.
async fn query(test: &TestApp, from: &str) -> Value {
    let body = test.open_body(json!({"bizOrderNo": "NONE"}));
    let answer = post(test, from, "/unipay/query/payOrder", body).await;
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn an_address_is_told_in_the_envelope_what_is_limited_and_nobody_else_is_refused() {
    let test = start(&["--requests-per-second=2"]).await;
    for _ in 0..10 {
        assert_eq!(query(&test, ONE).await["code"], 20041);
    }
    let refused = query(&test, ONE).await;
    assert_eq!(refused["code"], 20060);
    let msg = refused["msg"].as_str().unwrap();
    assert!(msg.contains("地址") && msg.contains('2'), "{msg}");
    assert_eq!(refused["traceId"].as_str().unwrap().len(), 12);
    assert_eq!(query(&test, OTHER).await["code"], 20041);
    // The console has the same limit, with its own form of refusal.
    let login = post(&test, ONE, "/api/login", String::new()).await;
    assert_eq!(login.status(), 429);
    assert_eq!(login.headers()["retry-after"], "1");
    test.clock.advance_ms(500);
    assert_eq!(query(&test, ONE).await["code"], 20041);
    assert_eq!(query(&test, ONE).await["code"], 20060);
}

#[tokio::test]
async fn an_app_is_limited_over_all_its_addresses_and_by_signed_requests_alone() {
    let test = start(&["--app-requests-per-second=1"]).await;
    test.add(merchant("BESIDE")).await;
    let forged = json!({"bizOrderNo": "NONE", "sign": "x"});
    for _ in 0..20 {
        let forged = test.open_body(forged.clone());
        let answer = post(&test, OTHER, "/unipay/query/payOrder", forged).await;
        assert_eq!(answer.json::<Value>().await.unwrap()["code"], 20052);
    }
    for _ in 0..5 {
        assert_eq!(query(&test, ONE).await["code"], 20041);
    }
    let refused = query(&test, OTHER).await;
    assert_eq!(refused["code"], 20060);
    assert!(refused["msg"].as_str().unwrap().contains("应用"));
    let body = test.open_body(json!({"appId": "BESIDE", "bizOrderNo": "NONE"}));
    let beside = post(&test, OTHER, "/unipay/query/payOrder", body).await;
    assert_eq!(beside.json::<Value>().await.unwrap()["code"], 20041);
}

#[tokio::test]
async fn a_callback_too_many_is_answered_so_that_the_channel_calls_again() {
    let test = start(&["--callbacks-per-second=1", "--requests-per-second=1"]).await;
    let call = async |from| {
        let answer = post(&test, from, "/unipay/callback/DEMO/sandbox", "{}".into()).await;
        answer.status().as_u16()
    };
    for _ in 0..5 {
        assert_eq!(call(ONE).await, 400, "not the channel's signature");
    }
    assert_eq!(call(ONE).await, 503);
    assert_eq!(call(OTHER).await, 400);
    // The app's requests are counted separately.
    assert_eq!(query(&test, ONE).await["code"], 20041);
}

#[tokio::test]
async fn the_sandbox_is_reached_from_this_machine_alone() {
    for flags in [&[][..], &["--trusted-proxies=127.0.0.1"]] {
        let test = TestApp::start_with(config(flags), Clock::System).await;
        for path in ["/sandbox/faults/DEMO-sandbox", "/sandbox/book/NONE"] {
            let get = || test.http.get(format!("{}{path}", test.base));
            let here = get().send().await.unwrap().text().await.unwrap();
            for (name, value) in [
                ("X-Forwarded-For", ONE),
                ("X-Forwarded-For", "127.0.0.1"),
                ("Forwarded", "for=127.0.0.1"),
            ] {
                let elsewhere = get().header(name, value).send().await.unwrap();
                assert_eq!(elsewhere.status(), 404);
                let code = elsewhere.json::<Value>().await.unwrap()["code"].clone();
                assert_eq!(code, 10404, "{name}: {here}");
            }
            assert!(!here.contains("10404"), "{here}");
        }
        let silent = json!({"faults": "silent"}).to_string();
        let answer = post(&test, ONE, "/sandbox/faults/DEMO-sandbox", silent).await;
        assert_eq!(answer.status(), 404);
    }
}

#[tokio::test]
async fn an_app_that_moves_money_is_asked_by_signed_requests_alone() {
    let test = TestApp::start().await;
    let mut free = MerchantApp {
        sign_required: false,
        ..merchant("FREE")
    };
    free.channels.push(AppChannel {
        test_mode: false,
        ..test_channel("FREE", Channel::WechatPay)
    });
    test.add(free).await;
    let unsigned = json!({"appId": "FREE", "bizOrderNo": "P", "reqTime": test.now_text()});
    let answer = test
        .post("/unipay/query/payOrder", unsigned.to_string())
        .await;
    assert_eq!(answer.code(), 10506, "{}", answer.text);
    assert!(answer.msg().contains("sign"), "{}", answer.text);
    let signed = json!({"appId": "FREE", "bizOrderNo": "P"});
    assert_eq!(
        test.open("/unipay/query/payOrder", signed).await.code(),
        20041
    );
}
