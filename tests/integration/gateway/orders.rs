//! Recording orders through the gateway.

use serde_json::{Value, json};

use crate::support::http::{TestApp, merchant};

fn order(test: &TestApp) -> Value {
    json!({
        "bizOrderNo": "P1", "outOrderNo": "SBX-OK-1", "channel": "sandbox", "method": "qr_code",
        "title": "茶叶 \"龙井\"", "amount": 99.6, "payTime": test.now_text(), "attach": "id=1",
    })
}

fn with(mut fields: Value, name: &str, value: Value) -> Value {
    fields[name] = value;
    fields
}

#[tokio::test]
async fn the_same_again_is_the_same_order() {
    let test = TestApp::start().await;
    let first = test.open("/unipay/order/record", order(&test)).await;
    assert_eq!(
        first.data_names(),
        [
            "orderNo",
            "bizOrderNo",
            "status",
            "refundStatus",
            "refundableBalance"
        ]
    );
    assert!(
        first.text.contains(r#""refundableBalance":99.6}"#),
        "{}",
        first.text
    );
    assert!(first.open_signature_holds("hmac_sha256"));
    let again = test
        .open(
            "/unipay/order/record",
            with(order(&test), "title", json!("other")),
        )
        .await;
    assert_eq!(again.data(), first.data());

    let refund = json!({"bizOrderNo": "P1", "bizRefundNo": "R1", "amount": 99.6});
    assert_eq!(test.open("/unipay/refund", refund).await.code(), 0);
    let after = test.open("/unipay/order/record", order(&test)).await.data();
    assert_eq!(
        (&after["refundStatus"], &after["refundableBalance"]),
        (&json!("refunded"), &json!(0))
    );
}

#[tokio::test]
async fn another_amount_or_channel_is_a_conflict_and_changes_nothing() {
    let test = TestApp::start().await;
    let order = order(&test);
    let first = test.open("/unipay/order/record", order.clone()).await;
    assert_eq!(first.code(), 0, "{}", first.text);
    for (name, value) in [("amount", json!(99.61)), ("channel", json!("ali_pay"))] {
        let answer = test
            .open("/unipay/order/record", with(order.clone(), name, value))
            .await;
        assert_eq!(answer.code(), 20091, "{}", answer.text);
        assert!(answer.msg().starts_with(name), "{}", answer.text);
    }
    let query = json!({"bizOrderNo": "P1"});
    let known = test.open("/unipay/query/payOrder", query).await.data();
    assert_eq!(
        (&known["amount"], &known["channel"]),
        (&json!(99.6), &json!("sandbox"))
    );
    assert_eq!(known["title"], "茶叶 \"龙井\"");
}

#[tokio::test]
async fn our_number_is_kept_when_given_and_the_single_edition_writes_fen() {
    let test = TestApp::start().await;
    let now = test.clock.now().seconds();
    let fields = json!({
        "orderNo": "OWN-1", "bizOrderNo": "P1", "outOrderNo": "SBX-OK-1", "channel": "sandbox",
        "method": "wap", "title": "t", "amount": 9960, "payTime": now,
    });
    let answer = test.single("/unipay/order/record", fields).await;
    let data = answer.data();
    assert_eq!(
        (&data["orderNo"], &data["refundableBalance"]),
        (&json!("OWN-1"), &json!(9960))
    );
    assert!(answer.single_signature_holds("hmac_sha256"));
    let query = test
        .single("/unipay/query/payOrder", json!({"orderNo": "OWN-1"}))
        .await
        .data();
    assert_eq!(query["payTime"], now);
}

#[tokio::test]
async fn what_an_order_lacks_or_has_wrong_is_named() {
    let test = TestApp::start().await;
    for name in [
        "bizOrderNo",
        "outOrderNo",
        "channel",
        "method",
        "title",
        "amount",
        "payTime",
    ] {
        let answer = test
            .open(
                "/unipay/order/record",
                with(order(&test), name, Value::Null),
            )
            .await;
        assert_eq!(
            (answer.code(), answer.msg()),
            (10506, format!("{name} 必填"))
        );
    }
    for (name, value, code) in [
        ("channel", json!("cash"), 20011),
        ("method", json!("cash"), 10506),
        ("payTime", json!("2099-01-01 00:00:00"), 10506),
        ("payTime", json!(1_715_575_932), 10506),
        ("title", json!("x".repeat(101)), 10506),
        ("amount", json!(0), 10506),
        ("orderNo", json!("a&b"), 10506),
    ] {
        let answer = test
            .open("/unipay/order/record", with(order(&test), name, value))
            .await;
        assert_eq!(answer.code(), code, "{name}: {}", answer.text);
    }
    assert_eq!(
        test.open("/unipay/query/payOrder", json!({"bizOrderNo": "P1"}))
            .await
            .code(),
        20041
    );
}

#[tokio::test]
async fn an_order_of_a_channel_that_the_app_has_not_is_refused() {
    let test = TestApp::start().await;
    let fields = with(order(&test), "channel", json!("ali_pay"));
    let answer = test.open("/unipay/order/record", fields).await;
    assert_eq!(answer.code(), 20021, "{}", answer.text);
}

#[tokio::test]
async fn an_order_of_a_channel_that_is_switched_off_is_kept_but_not_refunded() {
    let test = TestApp::start().await;
    let mut off = merchant("OFF");
    off.channels[0].enabled = false;
    test.add(off).await;
    let fields = with(order(&test), "appId", json!("OFF"));
    assert_eq!(test.open("/unipay/order/record", fields).await.code(), 0);
    let refund = json!({"appId": "OFF", "bizOrderNo": "P1", "bizRefundNo": "R1", "amount": 1});
    let answer = test.open("/unipay/refund", refund).await;
    assert_eq!(answer.code(), 20021, "{}", answer.text);
}
