//! Signatures as a merchant's system makes and verifies them, by a second implementation of the rule.

use refundry::domain::merchant::{MerchantApp, SignType};
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use serde_json::json;

use crate::support::http::{TestApp, config, merchant, ordered, sign_text, signed, texts};

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect()
}

#[test]
fn the_second_implementation_holds_the_published_vectors() {
    let request = [
        ("refundNo", "DEVR24051020531763000004"),
        ("clientIp", "127.0.0.1"),
        ("reqTime", "1715575932"),
    ];
    assert_eq!(
        sign_text(pairs(&request), "hmac_sha256", false),
        "a375e5517062966dab81b84fec9586a4f88e38f1385f6350ce200a27d32190d7"
    );
    let response = [
        ("status", "pay_not_found"),
        ("code", "0"),
        ("resTime", "1715576198"),
    ];
    assert_eq!(
        sign_text(pairs(&response), "hmac_sha256", false),
        "913e925dcda0f68787b8ade8c0c34064a0b71cd008ba3377b42333c0da0c9df9"
    );
}

#[tokio::test]
async fn the_published_request_is_let_in() {
    let clock = Clock::manual(Timestamp(1_715_575_932_000));
    let test = TestApp::start_with(config(&[]), clock).await;
    let body = r#"{
        "refundNo": "DEVR24051020531763000004",
        "clientIp": "127.0.0.1",
        "sign": "a375e5517062966dab81b84fec9586a4f88e38f1385f6350ce200a27d32190d7",
        "reqTime": 1715575932
    }"#;
    // The signature and time are right; it is refused only because there is no such refund.
    let answer = test.post("/unipay/syncPay", body).await;
    assert_eq!(answer.refused_in_data().0, 20041);
    let forged = body.replace("000004", "000005");
    assert_eq!(test.post("/unipay/syncPay", forged).await.code(), 20052);
}

#[tokio::test]
async fn each_digest_signs_both_ways_in_both_editions() {
    let test = TestApp::start_empty(config(&[]), Clock::System).await;
    for (id, sign_type, is_default) in [
        ("HMAC", SignType::HmacSha256, false),
        ("MD5", SignType::Md5, false),
        ("SM3", SignType::Sm3, true),
    ] {
        test.add(MerchantApp {
            sign_type,
            is_default,
            ..merchant(id)
        })
        .await;
    }
    for (id, digest) in [("HMAC", "hmac_sha256"), ("MD5", "md5"), ("SM3", "sm3")] {
        let fields = json!({"appId": id, "bizOrderNo": "P1"});
        let body = signed(fields, json!(test.now_text()), digest, true);
        let answer = test.post("/unipay/query/payOrder", body.clone()).await;
        assert_eq!(answer.code(), 20041, "{}", answer.text);
        assert!(answer.open_signature_holds(digest), "{}", answer.text);
        let upper = upper_sign(&body);
        assert_eq!(
            test.post("/unipay/query/payOrder", upper).await.code(),
            20041
        );
    }
    let record = json!({
        "bizOrderNo": "P1", "outOrderNo": "SBX-OK-1", "channel": "sandbox", "method": "app",
        "title": "t", "amount": 1, "payTime": test.clock.now().seconds(),
    });
    let body = signed(record, json!(test.clock.now().seconds()), "sm3", false);
    let answer = test.post("/unipay/order/record", body).await;
    assert!(
        answer.code() == 0 && answer.single_signature_holds("sm3"),
        "{}",
        answer.text
    );
}

fn upper_sign(body: &str) -> String {
    let mut fields: serde_json::Value = serde_json::from_str(body).unwrap();
    fields["sign"] = fields["sign"].as_str().unwrap().to_uppercase().into();
    fields.to_string()
}

#[tokio::test]
async fn who_did_not_prove_himself_is_answered_without_a_signature() {
    let test = TestApp::start().await;
    for sign in ["00", "zz", &"0".repeat(64), "退"] {
        let answer = test
            .open(
                "/unipay/query/payOrder",
                json!({"bizOrderNo": "P", "sign": sign}),
            )
            .await;
        assert_eq!(
            (answer.code(), answer.msg().as_str()),
            (20052, "签名验证失败")
        );
        assert!(
            answer.data().is_null() && !answer.text.contains("sign\""),
            "{}",
            answer.text
        );
    }
    let answer = test
        .open(
            "/unipay/query/payOrder",
            json!({"bizOrderNo": "P", "sign": ""}),
        )
        .await;
    assert_eq!((answer.code(), answer.msg().as_str()), (10506, "sign 必填"));
    assert!(!answer.text.contains("sign\""), "{}", answer.text);
    // Once it is proved, refusals are signed.
    let answer = test
        .open("/unipay/query/payOrder", json!({"bizOrderNo": "P"}))
        .await;
    assert!(answer.code() == 20041 && answer.open_signature_holds("hmac_sha256"));
    let answer = test
        .open("/unipay/query/payOrder", json!({"bizOrderNo": "a b"}))
        .await;
    assert!(answer.code() == 10506 && answer.open_signature_holds("hmac_sha256"));
    // The edition is part of the signature: a request signed for one is refused in the other.
    let open = signed(
        json!({"bizOrderNo": "P"}),
        json!(test.now_text()),
        "hmac_sha256",
        false,
    );
    assert_eq!(
        test.post("/unipay/query/payOrder", open).await.code(),
        20052
    );
    // Changing, adding or removing any field breaks the signature.
    let body: serde_json::Value =
        serde_json::from_str(&test.open_body(json!({"bizOrderNo": "P", "x": 1}))).unwrap();
    for (name, value) in [
        ("bizOrderNo", json!("Q")),
        ("x", json!(2)),
        ("y", json!(1)),
        ("x", json!(null)),
    ] {
        let mut changed = body.clone();
        changed[name] = value;
        assert_eq!(
            test.post("/unipay/query/payOrder", changed.to_string())
                .await
                .code(),
            20052
        );
    }
}

#[tokio::test]
async fn an_app_that_does_not_demand_signatures_answers_a_signed_request_with_one() {
    let test = TestApp::start().await;
    test.add(MerchantApp {
        sign_required: false,
        ..merchant("FREE")
    })
    .await;
    let body = json!({"appId": "FREE", "bizOrderNo": "P", "reqTime": test.now_text()});
    let answer = test.post("/unipay/query/payOrder", body.to_string()).await;
    assert_eq!(answer.code(), 20041);
    assert!(!answer.text.contains("sign\""), "{}", answer.text);
    let asked = json!({"appId": "FREE", "bizOrderNo": "P"});
    let answer = test.open("/unipay/query/payOrder", asked).await;
    assert!(answer.code() == 20041 && answer.open_signature_holds("hmac_sha256"));
}

#[tokio::test]
async fn a_text_that_was_not_upper_cased_is_told_as_such() {
    let test = TestApp::start().await;
    let body = signed(
        json!({"bizOrderNo": "P"}),
        json!(test.now_text()),
        "hmac_sha256",
        false,
    );
    let answer = test.post("/unipay/query/payOrder", body).await;
    assert_eq!(answer.code(), 20052);
    assert!(answer.msg().contains("转为大写"), "{}", answer.text);
}

/// The 3.x client writes `data` anew before it verifies, with invisible characters escaped.
#[tokio::test]
async fn invisible_characters_of_an_answer_are_signed_as_their_escapes() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let reason = "a\u{a0}b\u{2028}\u{200b}\tc";
    let refund = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 1, "reason": reason});
    assert_eq!(test.open("/unipay/refund", refund).await.code(), 0);
    let answer = test
        .open("/unipay/query/refundOrder", json!({"bizRefundNo": "R1"}))
        .await;
    assert_eq!(answer.data()["reason"], reason);
    assert!(
        answer.text.contains("a\u{a0}b\u{2028}\u{200b}\\tc"),
        "{}",
        answer.text
    );
    let json = answer.json();
    let field = |name: &str| json[name].as_str().unwrap().to_owned();
    let (_, data) = ordered(&answer.text)
        .into_iter()
        .find(|(name, _)| name == "data")
        .unwrap();
    let data = data
        .replace('\u{a0}', "\\u00a0")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{200b}', "\\u200b");
    let texts = [
        ("code", "0".to_owned()),
        ("data", data),
        ("msg", field("msg")),
        ("resTime", field("resTime")),
        ("traceId", field("traceId")),
    ];
    let texts = texts.map(|(name, text)| (name.to_owned(), text)).to_vec();
    assert_eq!(field("sign"), sign_text(texts, "hmac_sha256", true));
}

#[tokio::test]
async fn both_readings_of_empty_strings_and_every_kind_of_value_verify() {
    let test = TestApp::start().await;
    let now = test.now_text();
    // First with empty strings dropped, then with them kept.
    for kept in [false, true] {
        let mut fields =
            json!({"bizOrderNo": "P", "nonceStr": "", "extra": "", "none": null, "reqTime": now});
        let mut texts = texts(fields.as_object().unwrap());
        if kept {
            texts.extend(pairs(&[("nonceStr", ""), ("extra", "")]));
        }
        fields["sign"] = sign_text(texts, "hmac_sha256", true).into();
        let answer = test
            .post("/unipay/query/payOrder", fields.to_string())
            .await;
        assert_eq!(answer.code(), 20041, "kept: {kept}: {}", answer.text);
    }
    // A nested object with sorted keys, decimals without trailing zeros or exponent, and words.
    let signed = [
        ("bizOrderNo", "P"),
        ("reqTime", now.as_str()),
        ("o", r#"{"a":[1.5,true,null],"b":"退"}"#),
        ("n", "1.1"),
        ("e", "1200"),
        ("t", "true"),
        ("s", r#"{"k" : 1}"#),
    ];
    let sign = sign_text(pairs(&signed), "hmac_sha256", true);
    let body = format!(
        r#"{{"bizOrderNo":"P","reqTime":"{now}","o":{{"b":"退","a":[1.50,true,null]}},"n":1.10,"e":1.2e3,
            "t":true,"s":"{{\"k\" : 1}}","sign":"{sign}"}}"#
    );
    assert_eq!(
        test.post("/unipay/query/payOrder", body).await.code(),
        20041
    );
}
