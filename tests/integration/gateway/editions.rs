//! Clients of both editions on one server, and requests that mix the two.

use serde_json::json;

use refundry::domain::merchant::MerchantApp;
use refundry::server::clock::Clock;

use crate::support::http::{TestApp, config, merchant};

/// Returns the names of a queried refund's fields: those that both editions begin with, and `others`.
fn fields_of_refund<'a>(others: &[&'a str]) -> Vec<&'a str> {
    let both = [
        "orderNo",
        "outOrderNo",
        "bizOrderNo",
        "title",
        "refundNo",
        "bizRefundNo",
        "outRefundNo",
        "channel",
        "orderAmount",
        "amount",
    ];
    [&both, others].concat()
}

#[tokio::test]
async fn the_open_edition_answers_in_its_own_shape() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let answer = test
        .open(
            "/unipay/refund",
            json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 10.5}),
        )
        .await;
    assert_eq!(
        answer.names(),
        ["code", "msg", "data", "sign", "resTime", "traceId"]
    );
    assert_eq!(answer.data_names(), ["refundNo", "bizRefundNo", "status"]);
    assert_eq!((answer.code(), answer.msg().as_str()), (0, "success"));
    assert_eq!(answer.data()["status"], "success");
    assert!(
        answer.open_signature_holds("hmac_sha256"),
        "{}",
        answer.text
    );
    assert_eq!(answer.headers["content-type"], "application/json");

    let trace = answer.json()["traceId"].as_str().unwrap().to_owned();
    assert!(
        trace.len() == 12 && trace.bytes().all(|b| b.is_ascii_alphanumeric()),
        "{trace}"
    );

    let query = test
        .open("/unipay/query/refundOrder", json!({"bizRefundNo": "R1"}))
        .await;
    assert_eq!(
        query.data_names(),
        fields_of_refund(&["finishTime", "status"])
    );
    assert!(
        query.text.contains(r#""orderAmount":100,"amount":10.5,"#),
        "{}",
        query.text
    );
    assert!(query.open_signature_holds("hmac_sha256"));
    let time = query.data()["finishTime"].as_str().unwrap().to_owned();
    assert_eq!(time.len(), "2024-10-24 12:00:00".len(), "{time}");
}

/// The 3.x client writes the order anew in the order of its own class, and verifies that.
#[tokio::test]
async fn an_order_has_its_fields_in_the_order_of_the_client() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let answer = test
        .open("/unipay/query/payOrder", json!({"bizOrderNo": order}))
        .await;
    assert_eq!(
        answer.data_names(),
        [
            "bizOrderNo",
            "orderNo",
            "outOrderNo",
            "title",
            "channel",
            "method",
            "amount",
            "refundableBalance",
            "status",
            "refundStatus",
            "payTime",
        ]
    );
}

#[tokio::test]
async fn the_single_edition_answers_in_its_own_shape() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let refund = json!({
        "bizOrderNo": order, "bizRefundNo": "R1", "amount": 1050, "reason": "退", "attach": "a=1&b=2",
    });
    let answer = test.single("/unipay/refund", refund).await;
    assert_eq!(answer.names(), ["msg", "code", "data", "traceId"]);
    assert_eq!(
        answer.data_names(),
        [
            "refundNo",
            "bizRefundNo",
            "status",
            "code",
            "resTime",
            "sign"
        ]
    );
    assert_eq!(
        (answer.code(), answer.data()["status"].as_str()),
        (0, Some("success"))
    );
    assert!(
        answer.single_signature_holds("hmac_sha256"),
        "{}",
        answer.text
    );

    let query = test
        .single("/unipay/query/refundOrder", json!({"bizRefundNo": "R1"}))
        .await;
    assert_eq!(
        query.data_names(),
        fields_of_refund(&[
            "reason",
            "finishTime",
            "status",
            "attach",
            "code",
            "resTime",
            "sign"
        ])
    );
    let data = query.data();
    assert_eq!(
        (&data["orderAmount"], &data["amount"]),
        (&json!(10_000), &json!(1050))
    );
    assert_eq!(data["attach"], "a=1&b=2");
    assert!(data["finishTime"].is_i64() && data["resTime"].is_i64());
    assert!(
        query.single_signature_holds("hmac_sha256"),
        "{}",
        query.text
    );

    let sync = test
        .single("/unipay/syncPay", json!({"bizRefundNo": "R1"}))
        .await;
    assert_eq!(
        sync.data_names(),
        [
            "bizRefundNo",
            "refundNo",
            "status",
            "code",
            "resTime",
            "sign"
        ]
    );
    assert!(sync.single_signature_holds("hmac_sha256"));
    let order = test
        .single("/unipay/query/payOrder", json!({"bizOrderNo": order}))
        .await;
    assert_eq!(order.data()["refundableBalance"], 8_950);
}

/// Clients 2.x read `data.code`: what the business refuses stands there, signed; what fails before stands outside.
#[tokio::test]
async fn the_single_edition_carries_the_refusals_of_the_business_in_data() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let refund = |number: &str, amount: i64| {
        let fields = json!({"bizOrderNo": order, "bizRefundNo": number, "amount": amount});
        test.single("/unipay/refund", fields)
    };
    assert_eq!(refund("r1", 100).await.data()["code"], 0);
    let unknown = json!({"bizOrderNo": "none", "bizRefundNo": "R9", "amount": 1});
    for (answer, code, word) in [
        (refund("R2", 10_000).await, 10506, "超过可退金额"),
        (refund("R1", 1).await, 10506, "仅大小写不同"),
        (
            test.single("/unipay/refund", unknown).await,
            20041,
            "支付订单不存在",
        ),
        (
            test.single("/unipay/query/refundOrder", json!({"refundNo": "none"}))
                .await,
            20041,
            "退款单不存在",
        ),
        (
            test.single("/unipay/query/payOrder", json!({"orderNo": "none"}))
                .await,
            20041,
            "支付订单不存在",
        ),
        (
            test.single("/unipay/syncPay", json!({"refundNo": "none"}))
                .await,
            20041,
            "退款单不存在",
        ),
    ] {
        assert_eq!(
            (answer.code(), answer.msg().as_str()),
            (0, "success"),
            "{}",
            answer.text
        );
        assert_eq!(answer.data_names(), ["code", "msg", "resTime", "sign"]);
        let data = answer.data();
        assert_eq!(data["code"], code, "{}", answer.text);
        assert!(
            data["msg"].as_str().unwrap().contains(word),
            "{}",
            answer.text
        );
        assert!(
            answer.single_signature_holds("hmac_sha256"),
            "{}",
            answer.text
        );
    }
    // Before the business: the code stands outside, and there is no data.
    let wrong_sign = json!({"refundNo": "none", "sign": "00"});
    for (answer, code) in [
        (
            test.single("/unipay/refund", json!({"bizRefundNo": "R3", "amount": 1}))
                .await,
            10506,
        ),
        (refund("a b", 1).await, 10506),
        (
            test.single("/unipay/query/refundOrder", wrong_sign).await,
            20052,
        ),
    ] {
        assert_eq!(answer.code(), code, "{}", answer.text);
        assert!(answer.data().is_null(), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_shape_between_the_editions_is_refused_and_moves_nothing() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let refund = |extra: serde_json::Value| {
        let mut fields = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 100});
        fields
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        fields
    };
    let single = [
        (json!({"amount": 1.5}), "amount"),
        (json!({"amount": "100"}), "amount"),
        (json!({"appId": "DEMO"}), "appId"),
        (json!({"mchNo": "M0000000001"}), "mchNo"),
    ];
    for (extra, field) in single {
        let answer = test.single("/unipay/refund", refund(extra)).await;
        assert_eq!(answer.code(), 10506, "{}", answer.text);
        assert!(answer.msg().starts_with(field), "{}", answer.text);
        assert_eq!(answer.names(), ["msg", "code", "data", "traceId"]);
        assert!(answer.data().is_null());
    }
    let open = [
        (json!({"amount": "1.5"}), "amount"),
        (json!({"reqTime": "1715575932"}), "reqTime"),
        (json!({"reqTime": true}), "reqTime"),
        (json!({"reqTime": null}), "reqTime"),
        (json!({"reqTime": "2024-10-24T12:00:00"}), "reqTime"),
        (json!({"reqTime": "2024-02-30 12:00:00"}), "reqTime"),
    ];
    for (extra, field) in open {
        let answer = test.open("/unipay/refund", refund(extra)).await;
        assert_eq!(answer.code(), 10506, "{}", answer.text);
        assert!(answer.msg().starts_with(field), "{}", answer.text);
        assert!(
            answer.open_signature_holds("hmac_sha256"),
            "{}",
            answer.text
        );
    }
    // A number with a point or an exponent is not a Unix time, whatever its value.
    for time in ["1715575932.0", "1.7e9", "-1"] {
        let sign = crate::support::http::sign_text(
            vec![
                ("bizRefundNo".into(), "R1".into()),
                ("reqTime".into(), plain(time)),
            ],
            "hmac_sha256",
            false,
        );
        let body = format!(r#"{{"bizRefundNo":"R1","reqTime":{time},"sign":"{sign}"}}"#);
        let answer = test.post("/unipay/query/refundOrder", body).await;
        assert_eq!(
            (answer.code(), answer.msg().contains("reqTime")),
            (10506, true),
            "{}",
            answer.text
        );
    }
    let query = test
        .open("/unipay/query/refundOrder", json!({"bizRefundNo": "R1"}))
        .await;
    assert_eq!(query.code(), 20041);
}

fn plain(time: &str) -> String {
    refundry::wire::json::plain_number(time).unwrap()
}

#[tokio::test]
async fn an_app_takes_the_single_edition_only_where_it_is_allowed() {
    let test = TestApp::start().await;
    let fields = json!({"bizRefundNo": "R1"});
    assert_eq!(
        test.single("/unipay/query/refundOrder", fields.clone())
            .await
            .refused_in_data()
            .0,
        20041
    );

    let strict = TestApp::start_empty(config(&[]), Clock::System).await;
    strict
        .add(MerchantApp {
            is_default: true,
            single_edition: false,
            ..merchant("STRICT")
        })
        .await;
    let answer = strict
        .single("/unipay/query/refundOrder", fields.clone())
        .await;
    assert_eq!(answer.code(), 20023, "{}", answer.text);
    assert_eq!(
        strict
            .open("/unipay/query/refundOrder", fields)
            .await
            .code(),
        20041
    );
}

#[tokio::test]
async fn the_app_that_is_named_answers_and_no_other() {
    let test = TestApp::start().await;
    test.add(merchant("OTHER")).await;
    test.add(MerchantApp {
        enabled: false,
        ..merchant("OFF")
    })
    .await;
    let order = test.order_of("OTHER", "SBX-OK-9", json!(5)).await;

    let named = json!({"appId": "OTHER", "mchNo": "M0000000001", "bizOrderNo": order});
    assert_eq!(test.open("/unipay/query/payOrder", named).await.code(), 0);
    assert_eq!(
        test.open("/unipay/query/payOrder", json!({"bizOrderNo": order}))
            .await
            .code(),
        20041
    );

    for app_id in ["OFF", "NOBODY"] {
        let answer = test
            .open(
                "/unipay/query/payOrder",
                json!({"appId": app_id, "bizOrderNo": order}),
            )
            .await;
        assert_eq!(answer.code(), 20023);
        assert_eq!(
            answer.names(),
            ["code", "msg", "data", "resTime", "traceId"],
            "nobody's secret signs"
        );
    }
    let wrong = json!({"mchNo": "M2", "bizOrderNo": order});
    let answer = test.open("/unipay/query/payOrder", wrong).await;
    assert_eq!(
        (answer.code(), answer.msg().starts_with("mchNo")),
        (10506, true),
        "{}",
        answer.text
    );
}
