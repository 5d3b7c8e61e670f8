//! Bad input of every kind is only refused: with a code, the field and the reason.

use std::net::Ipv4Addr;

use leptos::server_fn::axum::server_fn_paths;
use proptest::prelude::*;
use refundry::domain::event::Actor;
use refundry::domain::filter::{OrderFilter, Place};
use refundry::domain::merchant::{Edition, SignType};
use refundry::domain::order::OrderKey;
use refundry::domain::people::{Grant, Role};
use refundry::domain::time::Timestamp;
use refundry::server::client_ip::ClientIp;
use refundry::server::clock::Clock;
use refundry::server::people::sessions::COOKIE;
use refundry::server::{orders, people};
use refundry::wire::json::{Json, object};
use refundry::wire::sign::{Empty, Signer};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::http::{SECRET, TestApp, config, cookie};

const PATHS: &[&str] = &[
    "/unipay/refund",
    "/unipay/syncPay",
    "/unipay/syncRefund",
    "/unipay/sync/order/pay",
    "/uni/query/refundOrder",
    "/unipay/query/refundOrder",
    "/unipay/query/payOrder",
    "/unipay/order/record",
    "/unipay/callback/DEMO/sandbox",
];

#[tokio::test]
async fn every_wrong_field_of_a_refund_is_named_with_its_reason() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let long = |chars: usize| json!("x".repeat(chars + 1));
    let cases = [
        ("bizRefundNo", json!(null), "bizRefundNo 必填"),
        ("bizRefundNo", json!(""), "bizRefundNo 必填"),
        ("bizRefundNo", json!(5), "bizRefundNo 应为字符串"),
        ("bizRefundNo", long(100), "bizRefundNo 最多 100 个字符"),
        (
            "bizRefundNo",
            json!("退&1"),
            "bizRefundNo 不能包含 &、=、引号、反斜杠、空白、不可见字符",
        ),
        ("bizRefundNo", json!("a=b"), "bizRefundNo 不能包含"),
        ("bizRefundNo", json!("a\"b"), "bizRefundNo 不能包含"),
        ("bizRefundNo", json!("a\\b"), "bizRefundNo 不能包含"),
        ("bizRefundNo", json!("a\nb"), "bizRefundNo 不能包含"),
        ("bizRefundNo", json!("a\u{0}b"), "bizRefundNo 不能包含"),
        ("orderNo", long(32), "orderNo 最多 32 个字符"),
        ("bizOrderNo", long(100), "bizOrderNo 最多 100 个字符"),
        ("outOrderNo", long(150), "outOrderNo 最多 150 个字符"),
        ("amount", json!(null), "amount 必填"),
        ("amount", json!("10"), "amount 不是有效的金额"),
        ("amount", json!(0), "amount 应在 0.01 至 999999.99 元之间"),
        ("amount", json!(-1), "amount 应在 0.01 至 999999.99 元之间"),
        (
            "amount",
            json!(1_000_000),
            "amount 应在 0.01 至 999999.99 元之间",
        ),
        ("amount", json!(0.001), "amount 最多两位小数"),
        ("amount", json!(true), "amount 不是有效的金额"),
        (
            "amount",
            json!(100.01),
            "amount 超过可退金额，剩余可退 100.00 元",
        ),
        ("reason", long(150), "reason 最多 150 个字符"),
        ("reason", json!("a\u{0}"), "reason 不能包含控制字符"),
        ("attach", long(500), "attach 最多 500 个字符"),
        ("attach", json!({"a": 1}), "attach 应为字符串"),
        ("extraParam", long(2048), "extraParam 最多 2048 个字符"),
        ("extraParam", json!(1), "extraParam 应为字符串"),
        (
            "notifyUrl",
            json!("ftp://example.com/"),
            "notifyUrl 不是有效的 http(s) 地址",
        ),
        (
            "notifyUrl",
            json!("/notice"),
            "notifyUrl 不是有效的 http(s) 地址",
        ),
        (
            "notifyUrl",
            json!(format!("http://e.com/{}", "x".repeat(190))),
            "notifyUrl 最多 200 个字符",
        ),
        (
            "clientIp",
            json!("localhost"),
            "clientIp 不是有效的 IP 地址",
        ),
        (
            "clientIp",
            json!("1.2.3.4.5"),
            "clientIp 不是有效的 IP 地址",
        ),
        ("nonceStr", long(32), "nonceStr 最多 32 个字符"),
        ("appId", long(32), "appId 最多 32 个字符"),
        ("appId", json!(1), "appId 应为字符串"),
        ("mchNo", json!("M9"), "mchNo 与应用配置不符"),
        ("sign", long(64), "sign 最多 64 个字符"),
        ("Amount", json!(1), "Amount 与字段 amount 仅大小写不同"),
        ("a&b", json!(1), "ab 不能包含"),
    ];
    for (name, value, msg) in cases {
        let mut fields = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 10});
        fields[name] = value;
        let answer = test.open("/unipay/refund", fields).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (200, 10506),
            "{}",
            answer.text
        );
        assert!(
            answer.msg().starts_with(msg),
            "{msg} expected of {}",
            answer.text
        );
        assert!(answer.data().is_null());
    }
    let none = test
        .open("/unipay/refund", json!({"bizRefundNo": "R1", "amount": 10}))
        .await;
    assert_eq!(none.msg(), "orderNo / bizOrderNo / outOrderNo 至少填写一项");
    assert_eq!(
        test.open("/unipay/query/refundOrder", json!({"bizRefundNo": "R1"}))
            .await
            .code(),
        20041
    );
}

#[tokio::test]
async fn what_is_allowed_at_its_limit_is_taken_and_kept() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let attach = "退".repeat(499) + "\n";
    let fields = json!({
        "bizOrderNo": order, "bizRefundNo": "退".repeat(100), "amount": 0.01, "reason": "\"退\"\\".repeat(30),
        "attach": attach, "notifyUrl": "http://shop.example/n?a=1&order=2", "clientIp": "::1",
        "extraParam": {"b": [1, {"c": null}], "a": "x&y"}, "unknown": {"deep": [true]},
    });
    // The second implementation signs nested values in the given order, which is sorted already.
    let answer = test.open("/unipay/refund", fields).await;
    assert_eq!(answer.code(), 0, "{}", answer.text);
    let query = json!({"bizRefundNo": "退".repeat(100)});
    let data = test.open("/unipay/query/refundOrder", query).await.data();
    assert_eq!(data["attach"], attach);
    assert_eq!(data["reason"], "\"退\"\\".repeat(30));
}

#[tokio::test]
async fn the_clock_may_be_five_minutes_off_and_the_message_tells_which_way() {
    let test = TestApp::start().await;
    let now = test.clock.now().seconds();
    let ask = |off: i64| {
        test.single(
            "/unipay/query/payOrder",
            json!({"bizOrderNo": "P", "reqTime": now + off}),
        )
    };
    for off in [-290, 0, 290] {
        assert_eq!(ask(off).await.refused_in_data().0, 20041, "{off}");
    }
    let behind = ask(-400).await;
    assert_eq!(behind.code(), 10506);
    assert!(
        behind.msg().contains("reqTime 比服务器时间慢 40"),
        "{}",
        behind.text
    );
    let ahead = ask(400).await;
    assert!(
        ahead.msg().contains("reqTime 比服务器时间快 3") || ahead.msg().contains("快 400"),
        "{}",
        ahead.text
    );
    // Milliseconds in place of seconds, and a value beyond any clock.
    for time in [now * 1000, i64::MAX] {
        let answer = test
            .single(
                "/unipay/query/payOrder",
                json!({"bizOrderNo": "P", "reqTime": time}),
            )
            .await;
        assert_eq!(answer.code(), 10506, "{}", answer.text);
        assert_eq!(answer.msg(), "reqTime 应为 Unix 秒，收到的似为毫秒");
    }
}

#[tokio::test]
async fn the_time_of_another_zone_is_told_as_such() {
    let start = Timestamp(1_760_000_000_000);
    let test = TestApp::start_with(config(&[]), Clock::manual(start)).await;
    let told = |off_s: i64| {
        let at = start.plus_ms(off_s * 1_000);
        let text = refundry::wire::field::local_text(at, &test.ctx.config.time_zone);
        let open = json!({"bizOrderNo": "P", "reqTime": text});
        let single = json!({"bizOrderNo": "P", "reqTime": at.seconds()});
        let test = &test;
        async move {
            let open = test.open("/unipay/query/payOrder", open).await.msg();
            (
                open,
                test.single("/unipay/query/payOrder", single).await.msg(),
            )
        }
    };
    for off_s in [
        -8 * 3_600,
        8 * 3_600 + 12,
        3_600,
        -(5 * 3_600 + 1_800),
        14 * 3_600,
    ] {
        let (open, single) = told(off_s).await;
        assert!(
            open.contains("应为 Asia/Shanghai 的时间，请检查时区"),
            "{off_s}: {open}"
        );
        assert!(
            single.contains("应为 UTC 的时间，请检查时区"),
            "{off_s}: {single}"
        );
    }
    for off_s in [1_800, 3_600 + 700, 16 * 3_600, -24 * 3_600] {
        let (open, single) = told(off_s).await;
        let way = if off_s > 0 {
            "比服务器时间快"
        } else {
            "比服务器时间慢"
        };
        assert!(
            open.contains(way) && single.contains(way),
            "{off_s}: {open} {single}"
        );
    }
}

#[tokio::test]
async fn a_field_given_twice_is_refused_however_it_is_written() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let body = test.open_body(json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 10}));
    for double in [
        r#""amount":10"#,
        r#""\u0061mount":90"#,
        r#""sign":"x""#,
        r#""extraParam":{"a":1,"a":2}"#,
    ] {
        let twice = format!("{},{double}}}", body.strip_suffix('}').unwrap());
        let answer = test.post("/unipay/refund", twice).await;
        assert_eq!(answer.code(), 10506, "{}", answer.text);
        assert!(answer.msg().ends_with(" 重复出现"), "{}", answer.text);
    }
    assert_eq!(
        test.open("/unipay/query/refundOrder", json!({"bizRefundNo": "R1"}))
            .await
            .code(),
        20041
    );
}

#[tokio::test]
async fn a_text_that_could_be_read_as_two_requests_is_refused() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let refund = |extra: Value| {
        let mut fields = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 10});
        fields
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        test.open("/unipay/refund", fields)
    };
    for (extra, field) in [
        (json!({"attach": "x&bizRefundNo=R2"}), "attach"),
        (json!({"attach": "x&ORDERno=R2"}), "attach"),
        (json!({"attach": "x&order\"No=R2"}), "attach"),
        (
            json!({"notifyUrl": "http://example.com/?a=1&orderNo=5"}),
            "notifyUrl",
        ),
        (json!({"extraParam": {"a": "&orderNo="}}), "extraParam"),
        (json!({"aa": "&amount=1"}), "aa"),
    ] {
        let answer = refund(extra).await;
        assert_eq!(answer.code(), 10506, "{}", answer.text);
        assert!(
            answer.msg().starts_with(&format!("{field} 含有 &")),
            "{}",
            answer.text
        );
    }
    // A field that sorts before the imitated one cannot be mistaken for it.
    let fine =
        json!({"attach": "a=1&amount=2&sign=3", "notifyUrl": "http://example.com/?attach=1&b=2"});
    assert_eq!(refund(fine).await.code(), 0);
}

#[tokio::test]
async fn the_unreadable_is_refused_as_such() {
    let test = TestApp::start().await;
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let many = (0..101)
        .map(|i| format!(r#""f{i}":1"#))
        .collect::<Vec<_>>()
        .join(",");
    let many = format!("{{{many}}}");
    let bodies = [
        "",
        " ",
        "{",
        "[]",
        "null",
        "1",
        "\"x\"",
        "{}x",
        r#"{"a":1e999}"#,
        r#"{"a":"\ud800"}"#,
        &deep,
        &many,
    ];
    for body in bodies {
        for path in PATHS.iter().filter(|path| !path.contains("callback")) {
            let answer = test.post(path, body).await;
            assert_eq!(
                (answer.status.as_u16(), answer.code()),
                (200, 10505),
                "{}",
                answer.text
            );
            assert_eq!(
                answer.names(),
                ["code", "msg", "data", "resTime", "traceId"]
            );
        }
    }
    for bytes in [
        &b"{\"a\":\"\xff\"}"[..],
        b"\xef\xbb\xbf{}",
        &[0, 159, 146, 150],
    ] {
        assert_eq!(test.post("/unipay/refund", bytes).await.code(), 10505);
    }
}

#[tokio::test]
async fn a_null_character_is_looked_for_and_kept_without_a_failure_of_ours() {
    let test = TestApp::start().await;
    let (ctx, text) = (&test.ctx, "a\0b".to_owned());
    let filter = OrderFilter {
        title: Some(text.clone()),
        ..OrderFilter::default()
    };
    let merchant = ctx.merchants.enabled(None).await.unwrap();
    let key = OrderKey::OrderNo(text.clone());
    let told = [
        people::login(
            ctx,
            &text,
            "password",
            ClientIp(Ipv4Addr::LOCALHOST.into()),
            None,
        )
        .await
        .map(drop),
        orders::find(ctx, &merchant, &key).await.map(drop),
        orders::list(ctx, "DEMO", &filter, &Place::First)
            .await
            .map(drop),
    ];
    for error in told.into_iter().filter_map(Result::err) {
        assert!(error.refusal().is_some(), "{error}");
    }
    let callback = test.post("/unipay/callback/DEMO/sandbox", "\0{}").await;
    assert!(callback.status.is_client_error(), "{callback:?}");
}

/// Makes any value, valid or wrong in any way.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0i64..20_000).prop_map(|fen| json!(fen as f64 / 100.0)),
        (0i64..200).prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "(B-SBX-OK-1|SBX-OK-1|R[0-9]|DEMO|sandbox|qr_code|127\\.0\\.0\\.1)".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "appId",
        "mchNo",
        "clientIp",
        "nonceStr",
        "reqTime",
        "orderNo",
        "bizOrderNo",
        "outOrderNo",
        "refundNo",
        "bizRefundNo",
        "amount",
        "reason",
        "extraParam",
        "attach",
        "notifyUrl",
        "channel",
        "method",
        "title",
        "payTime",
    ];
    prop_oneof![9 => prop::sample::select(KNOWN).prop_map(str::to_owned), 1 => ".{0,8}"]
}

fn run<S: Strategy>(cases: u32, given: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = proptest::test_runner::TestRunner::new(config).run(&given, test);
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn any_bytes_to_any_endpoint_are_answered() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let test = runtime.block_on(TestApp::start());
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        ".{0,100}".prop_map(String::into_bytes),
        "[\\[\\]{}:,\"\\\\a0-9.eE+-]{0,60}".prop_map(String::into_bytes),
    ];
    run(
        300,
        (prop::sample::select(PATHS), bytes),
        |(path, bytes)| {
            let answer = runtime.block_on(test.post(path, bytes));
            prop_assert!(
                answer.status.as_u16() < 500,
                "{} {}",
                answer.status,
                answer.text
            );
            prop_assert!(!answer.text.contains("10500"), "{}", answer.text);
            Ok(())
        },
    );
}

#[test]
fn any_signed_fields_to_any_endpoint_are_answered_and_balance() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let test = runtime.block_on(TestApp::start());
    let order = runtime.block_on(test.order("SBX-OK-1"));
    let fields = prop::collection::btree_map(any_name(), any_value(), 0..8);
    // Most requests start from a valid one, as hardly any would pass the authentication otherwise.
    let from_right = prop::bool::weighted(0.7);
    let accepted = std::cell::Cell::new(0);
    let given = (
        prop::sample::select(PATHS),
        fields,
        from_right,
        any::<bool>(),
    );
    run(400, given, |(path, mut fields, from_right, single)| {
        let now = match single {
            true => json!(test.clock.now().seconds()),
            false => json!(test.now_text()),
        };
        if from_right {
            let whole = json!({
                "bizOrderNo": order, "bizRefundNo": "R1", "amount": 1, "outOrderNo": "SBX-OK-7",
                "channel": "sandbox", "method": "app", "title": "t", "payTime": now,
            });
            for (name, value) in whole.as_object().unwrap() {
                fields.entry(name.clone()).or_insert(value.clone());
            }
        }
        fields.entry("reqTime".into()).or_insert(now);
        let answer = runtime.block_on(test.post(path, sign(json!(fields))));
        prop_assert!(
            answer.status.as_u16() < 500,
            "{} {}",
            answer.status,
            answer.text
        );
        if !path.contains("callback") {
            prop_assert!(answer.code() != 10500, "{}", answer.text);
            prop_assert!(
                (answer.code() == 0) != answer.data().is_null(),
                "{}",
                answer.text
            );
            accepted.set(accepted.get() + u32::from(answer.code() == 0));
        }
        Ok(())
    });
    assert!(
        accepted.get() > 20,
        "only {} requests came through",
        accepted.get()
    );
    let data = runtime
        .block_on(test.open("/unipay/query/payOrder", json!({"bizOrderNo": order})))
        .data();
    assert_eq!(data["amount"], 100, "{data}");
}

/// Signs with the server's own rule, since this test is about what comes after authentication.
fn sign(fields: Value) -> String {
    let text = fields.to_string();
    let Ok(read) = object(text.as_bytes()) else {
        return text;
    };
    let edition = match read.get("reqTime") {
        Some(Json::Number(_)) => Edition::Single,
        _ => Edition::Open,
    };
    let signer = Signer {
        secret: SECRET,
        sign_type: SignType::HmacSha256,
        edition,
    };
    let mut fields = fields;
    fields["sign"] = signer.sign_fields(&read, Empty::Dropped).into();
    fields.to_string()
}

#[tokio::test]
async fn whatever_is_posted_to_the_console_is_refused_in_a_few_words_of_ours() {
    let test = TestApp::start().await;
    let admin = Grant::everywhere(Role::Admin);
    let added = people::add(&test.ctx, "sun", admin, "blue horse battery", Actor::System);
    added.await.unwrap();
    let send = async |path: &str, cookie: &str, media_type: &str, body: Vec<u8>| {
        let post = test.http.post(format!("{}{path}", test.base));
        let post = post
            .header("Origin", &test.base)
            .header("Cookie", cookie)
            .header("Content-Type", media_type);
        post.body(body).send().await.unwrap()
    };
    let form = "application/x-www-form-urlencoded";
    let login = "name=sun&password=blue+horse+battery&next=%2F";
    let cookie = cookie(&send("/api/login", "", form, login.into()).await, COOKIE);
    let cookie = cookie.as_str();

    let post = async |path: &str, cookie: &str, media_type: &str, body: Vec<u8>| {
        let answer = send(path, cookie, media_type, body).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    };

    let functions: Vec<_> = server_fn_paths()
        .filter(|(_, method)| *method == Method::POST)
        .map(|(path, _)| path)
        .collect();
    assert!(functions.len() > 10 && functions.contains(&"/api/login"));
    let large = vec![b'a'; 1024 * 1024 + 1];
    for cookie in ["", cookie] {
        for path in &functions {
            for (expected, media_type, body) in [
                (400, form, b"\xff\xfe=\x80".to_vec()),
                (415, "application/json", b"{}".to_vec()),
                (415, "text/plain", b"a=b".to_vec()),
                (413, form, large.clone()),
            ] {
                let (status, text) = post(path, cookie, media_type, body).await;
                assert_eq!(status, expected, "{path} {media_type}: {text}");
                assert!(text.contains(" · ") && text.len() < 200, "{path}: {text}");
            }
            // Escaped bytes stand for characters, which fields check like all others.
            if *path != "/api/logout" {
                let escaped = b"name=%ff%fe&app_id=%80".to_vec();
                let (status, text) = post(path, cookie, form, escaped).await;
                assert!(status < 500, "{path}: {status} {text}");
                assert!(!text.contains("server function"), "{path}: {text}");
            }
        }
        for path in ["/api/nothing", "/api/login/x", "/api/%ff"] {
            let (status, text) = post(path, cookie, form, b"a=b".to_vec()).await;
            assert_eq!(status, 404, "{path}: {text}");
            assert!(text.len() < 100, "{text}");
        }
    }
    let get = test
        .http
        .get(format!("{}/api/login", test.base))
        .send()
        .await;
    assert_eq!(get.unwrap().status(), 405);
}
