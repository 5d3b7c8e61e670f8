//! Requests as published clients of several versions send them: other paths, a misspelt field; and copies of requests.

use serde_json::{Value, json};

use refundry::server::clock::Clock;

use crate::support::http::{TestApp, config};
use crate::support::receiver::Receiver;

#[tokio::test]
async fn queries_are_answered_at_the_paths_of_all_clients() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let refund = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 1});
    assert_eq!(test.open("/unipay/refund", refund).await.code(), 0);
    for root in ["/unipay", "/uni"] {
        let of_refund = json!({"bizRefundNo": "R1"});
        let answer = test
            .single(&format!("{root}/query/refundOrder"), of_refund)
            .await;
        assert_eq!(answer.data()["amount"], 100, "{}", answer.text);
        let of_order = json!({"bizOrderNo": order});
        let answer = test
            .single(&format!("{root}/query/payOrder"), of_order)
            .await;
        assert_eq!(answer.data()["refundableBalance"], 9_900, "{}", answer.text);
    }
    let answer = test.open("/uni/none", json!({})).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (200, 10404));
}

#[tokio::test]
async fn an_order_is_found_by_the_misspelt_name_too() {
    let test = TestApp::start().await;
    let (one, other) = (test.order("SBX-OK-1").await, test.order("SBX-OK-2").await);
    let query = |fields: Value| test.open("/unipay/query/payOrder", fields);
    let answer = query(json!({"bizOrderNoeNo": one})).await;
    assert_eq!(answer.data()["bizOrderNo"], one.as_str(), "{}", answer.text);
    let answer = query(json!({"bizOrderNoeNo": one, "bizOrderNo": one})).await;
    assert_eq!(answer.data()["bizOrderNo"], one.as_str(), "{}", answer.text);
    let answer = query(json!({"bizOrderNoeNo": one, "bizOrderNo": other})).await;
    assert_eq!(answer.code(), 10506);
    assert_eq!(answer.msg(), "bizOrderNoeNo 与字段 bizOrderNo 不一致");
    let answer = query(json!({"bizOrderNoeNo": "a b"})).await;
    assert!(
        answer.msg().starts_with("bizOrderNoeNo "),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_refund_number_means_a_refunds_sync_at_every_path_of_syncs() {
    let test = TestApp::start().await;
    let order = test.order("SBX-TIMEOUT-1").await;
    let refund = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 1});
    let refund = test.open("/unipay/refund", refund).await;
    assert_eq!(refund.data()["status"], "progress", "{}", refund.text);
    let answer = test
        .open(
            "/unipay/sync/pay",
            json!({"refundNo": refund.data()["refundNo"]}),
        )
        .await;
    assert_eq!(
        answer.data(),
        json!({"orderStatus": "success", "adjust": true})
    );
    let answer = test
        .single("/unipay/sync/pay", json!({"bizRefundNo": "R1"}))
        .await;
    assert_eq!(answer.data()["bizRefundNo"], "R1", "{}", answer.text);
    let answer = test
        .single("/unipay/sync/pay", json!({"bizOrderNo": order}))
        .await;
    assert_eq!(
        answer.data()["bizOrderNo"],
        order.as_str(),
        "{}",
        answer.text
    );
}

/// A server that sends notices to a merchant's system.
async fn with_receiver() -> (TestApp, Receiver) {
    let config = config(&["--private-notify=true"]);
    (
        TestApp::start_with(config, Clock::System).await,
        Receiver::start().await,
    )
}

async fn send_notices(test: &TestApp) -> u64 {
    refundry::server::notices::send_due(&test.ctx, "DEMO")
        .await
        .unwrap()
}

#[tokio::test]
async fn a_refund_with_not_notify_is_told_to_nobody() {
    let (test, receiver) = with_receiver().await;
    let order = test.order("SBX-OK-1").await;
    let refund = |number: &str, not_notify: Value| {
        let fields = json!({
            "bizOrderNo": order, "bizRefundNo": number, "amount": 100, "notifyUrl": receiver.url,
            "notNotify": not_notify,
        });
        test.single("/unipay/refund", fields)
    };
    assert_eq!(refund("R1", json!(true)).await.data()["status"], "success");
    assert_eq!(send_notices(&test).await, 0);
    assert_eq!(refund("R2", json!(false)).await.data()["status"], "success");
    assert_eq!(send_notices(&test).await, 1);
    assert_eq!(receiver.notices()[0]["bizRefundNo"], "R2");
    let answer = refund("R3", json!("yes")).await;
    assert_eq!(
        (answer.code(), answer.msg().as_str()),
        (10506, "notNotify 应为 true 或 false")
    );
}

/// Returns the stored address of the refund R1's notices.
async fn notify_url(test: &TestApp) -> Option<String> {
    let apps = test.ctx.merchants.all().await.unwrap();
    let key = refundry::domain::refund::RefundKey::BizRefundNo("R1".to_owned());
    let found = refundry::server::refunds::find(&test.ctx, &apps[0], &key).await;
    found.unwrap().0.notify_url
}

/// A listener-in sends a signed request again, changed in what its signature does not cover.
#[tokio::test]
async fn a_copy_of_a_request_does_not_change_where_notices_go() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let body = |url: &str, attach: &str| {
        test.open_body(json!({
            "bizOrderNo": order, "bizRefundNo": "R1", "amount": 1, "notifyUrl": url, "attach": attach,
        }))
    };
    let first = body("https://a.example/notify", "1");
    let upper = first.replace("a.example/notify", "A.example/NOTIFY");
    assert_ne!(first, upper);
    assert_eq!(test.post("/unipay/refund", first.clone()).await.code(), 0);
    assert_eq!(test.post("/unipay/refund", upper).await.code(), 0);
    assert_eq!(
        notify_url(&test).await.as_deref(),
        Some("https://a.example/notify")
    );

    // The merchant's own next request is taken over, and a copy of the first takes nothing back.
    let second = body("https://b.example/notify", "2");
    assert_eq!(test.post("/unipay/refund", second.clone()).await.code(), 0);
    assert_eq!(
        notify_url(&test).await.as_deref(),
        Some("https://b.example/notify")
    );
    assert_eq!(test.post("/unipay/refund", first).await.code(), 0);
    assert_eq!(
        notify_url(&test).await.as_deref(),
        Some("https://b.example/notify")
    );

    // Nor does a copy of a request that had nothing new.
    let third = body("https://b.example/notify", "2");
    let upper = third.replace("b.example/notify", "b.example/Notify");
    assert_eq!(test.post("/unipay/refund", third).await.code(), 0);
    assert_eq!(test.post("/unipay/refund", upper).await.code(), 0);
    assert_eq!(
        notify_url(&test).await.as_deref(),
        Some("https://b.example/notify")
    );
}

#[tokio::test]
async fn an_address_of_notices_means_one_thing_to_everybody() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    for (url, reason) in [
        (
            r"http://localhost\.merchant.example/n",
            "不是有效的 http(s) 地址",
        ),
        ("https://a.example/\"n", "不是有效的 http(s) 地址"),
        ("https://pay.boß.example/n", "不是有效的 http(s) 地址"),
        ("https://a.example/n m", "不是有效的 http(s) 地址"),
        ("ftp://a.example/n", "不是有效的 http(s) 地址"),
        (
            "https://user:secret@a.example/n",
            "地址中不能含有用户名或密码",
        ),
        ("https://user@a.example/n", "地址中不能含有用户名或密码"),
        ("http://127.0.0.1/n", "不是公网地址"),
        ("http://2130706433/n", "不是公网地址"),
        ("http://[::1]/n", "不是公网地址"),
        ("http://10.1.2.3:8080/n", "不是公网地址"),
    ] {
        let refund =
            json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 1, "notifyUrl": url});
        let answer = test.open("/unipay/refund", refund).await;
        assert_eq!(answer.code(), 10506, "{url}: {}", answer.text);
        assert!(
            answer.msg().starts_with(&format!("notifyUrl {reason}")),
            "{url}: {}",
            answer.text
        );
    }
    assert_eq!(test.refundable(&order).await, json!(100));
}
