//! Idempotency, balances, and requests whose caller disconnects or whose time runs out.

use std::time::Duration;

use futures::future::join_all;
use refundry::domain::event::EventKind;
use refundry::domain::time::DAY_MS;
use refundry::server::clock::Clock;
use refundry::server::refunds;
use serde_json::{Value, json};

use crate::support::http::{TestApp, config};

#[tokio::test]
async fn concurrent_partial_refunds_share_what_was_paid_and_none_is_busy() {
    let test = TestApp::start().await;
    for out in ["SBX-OK-1", "SBX-ASYNC-1"] {
        let order = test.order(out).await;
        let all = (0..30).map(|i| {
            let fields =
                json!({"bizOrderNo": order, "bizRefundNo": format!("{out}-{i}"), "amount": 7});
            test.open("/unipay/refund", fields)
        });
        let answers = join_all(all).await;
        let (accepted, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.code() == 0);
        assert_eq!(accepted.len(), 14, "14 times 7 yuan fit into 100");
        for answer in refused {
            assert_eq!(answer.code(), 10506, "{}", answer.text);
            assert_eq!(answer.msg(), "amount 超过可退金额，剩余可退 2.00 元");
        }
        let mut total = 0;
        for answer in accepted {
            test.settled(answer.data()["bizRefundNo"].as_str().unwrap())
                .await;
            let row = test
                .book(answer.data()["refundNo"].as_str().unwrap())
                .await
                .unwrap();
            assert_eq!((&row["moved"], &row["amount"]), (&json!(1), &json!(700)));
            total += 700;
        }
        assert_eq!(total, 9_800);
        assert_eq!(test.refundable(&order).await, 2);
    }
}

#[tokio::test]
async fn one_number_is_one_refund_however_often_and_fast_it_comes() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let fields = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 40});
    let answers = join_all((0..20).map(|_| test.open("/unipay/refund", fields.clone()))).await;
    let first = answers[0].data()["refundNo"].clone();
    for answer in &answers {
        assert_eq!(
            (answer.code(), &answer.data()["refundNo"]),
            (0, &first),
            "{}",
            answer.text
        );
        let status = answer.data()["status"].clone();
        assert!(
            status == "progress" || status == "success",
            "{}",
            answer.text
        );
    }
    assert_eq!(
        test.book(first.as_str().unwrap()).await.unwrap()["moved"],
        1
    );

    // A repeat's other fields are ignored, except those that may change.
    let other = test.order("SBX-OK-2").await;
    let repeat = json!({
        "bizOrderNo": other, "bizRefundNo": "R1", "amount": 1, "reason": "x", "attach": "new",
        "notifyUrl": "https://example.com/n",
    });
    let answer = test.open("/unipay/refund", repeat).await;
    assert_eq!((answer.code(), &answer.data()["refundNo"]), (0, &first));
    let query = test
        .open("/unipay/query/refundOrder", json!({"refundNo": first}))
        .await
        .data();
    assert_eq!(
        (&query["amount"], &query["attach"]),
        (&json!(40), &json!("new"))
    );
    assert_eq!(
        (&query["bizOrderNo"], &query["reason"]),
        (&json!(order), &Value::Null)
    );
    assert_eq!(test.refundable(&order).await, 60);
}

/// Checks that repeated requests in another case are one refund. The open edition's signature ignores case, so that an
/// eavesdropper can repeat a request with its number in another case, even before the merchant's own request arrives.
#[tokio::test]
async fn one_signed_request_is_one_refund_in_whatever_case_and_order_it_comes() {
    let test = TestApp::start().await;
    for (number, first_is_the_copy) in [("r1-a", true), ("r2-b", false)] {
        let order = test.order(&format!("SBX-OK-{first_is_the_copy}")).await;
        let fields = json!({"bizOrderNo": order, "bizRefundNo": number, "amount": 40});
        let own = test.open_body(fields);
        let copy = own.replace(number, &number.to_uppercase());
        let (first, second) = match first_is_the_copy {
            true => (copy, own),
            false => (own, copy),
        };
        let first = test.post("/unipay/refund", first).await;
        let second = test.post("/unipay/refund", second).await;
        assert_eq!((first.code(), second.code()), (0, 0), "{}", second.text);
        assert_eq!(first.data(), second.data());

        // The merchant finds the refund by his own number.
        for path in ["/unipay/query/refundOrder", "/unipay/sync/order/refund"] {
            let found = test.open(path, json!({"bizRefundNo": number})).await;
            assert_eq!(found.code(), 0, "{}", found.text);
        }
        assert_eq!(test.refundable(&order).await, 60);
    }
}

#[tokio::test]
async fn copies_in_other_letters_at_the_same_moment_are_one_refund() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let copies = ["abc", "Abc", "aBc", "abC", "ABc", "AbC", "aBC", "ABC"];
    let fields = json!({"bizOrderNo": order, "bizRefundNo": "abc", "amount": 10});
    let signed = test.open_body(fields);
    let answers = join_all(copies.iter().cycle().take(24).map(|copy| {
        let body = signed.replace("\"abc\"", &format!("\"{copy}\""));
        test.post("/unipay/refund", body)
    }))
    .await;
    let first = answers[0].data()["refundNo"].clone();
    for answer in &answers {
        let told = (answer.code(), &answer.data()["refundNo"]);
        assert_eq!(told, (0, &first), "{}", answer.text);
    }
    let moved = test.book(first.as_str().unwrap()).await.unwrap()["moved"].clone();
    assert_eq!(moved, 1);
}

#[tokio::test]
async fn the_single_edition_sees_case_and_says_which_number_is_known() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let refund = |number: &str| json!({"bizOrderNo": order, "bizRefundNo": number, "amount": 1000});
    assert_eq!(
        test.single("/unipay/refund", refund("r1-a")).await.code(),
        0
    );
    let answer = test.single("/unipay/refund", refund("R1-A")).await;
    let (code, msg) = answer.refused_in_data();
    assert_eq!(code, 10506);
    assert!(msg.contains("r1-a"), "{msg}");
    assert!(!msg.contains('换'), "no other number is advised: {msg}");
    assert_eq!(
        test.single("/unipay/query/refundOrder", json!({"bizRefundNo": "R1-A"}))
            .await
            .refused_in_data()
            .0,
        20041
    );
}

/// Numbers that differ to a computer, but not to the signature or to a person, are refused.
#[tokio::test]
async fn numbers_that_look_alike_or_have_two_forms_are_refused() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    for number in [
        "straße",
        "ﬁ1",
        "ſ1",
        "ı1",
        "R 1",
        "R1 ",
        "R\u{200b}1",
        "R\u{202e}1",
        "Ｒ1",
        "R１",
    ] {
        let fields = json!({"bizOrderNo": order, "bizRefundNo": number, "amount": 1});
        let answer = test.open("/unipay/refund", fields).await;
        assert_eq!(answer.code(), 10506, "{number:?}");
        assert!(answer.msg().starts_with("bizRefundNo"), "{}", answer.text);
    }
}

#[tokio::test]
async fn the_order_is_found_by_the_first_of_three_numbers() {
    let test = TestApp::start().await;
    let (one, two) = (test.order("SBX-OK-1").await, test.order("SBX-OK-2").await);
    let order_no = |biz: &str| {
        let query = test.open("/unipay/query/payOrder", json!({"bizOrderNo": biz}));
        async move { query.await.data()["orderNo"].clone() }
    };
    let (no_one, no_two) = (order_no(&one).await, order_no(&two).await);
    let cases = [
        (
            json!({"orderNo": no_one, "bizOrderNo": two, "outOrderNo": "SBX-OK-2"}),
            &no_one,
        ),
        (
            json!({"bizOrderNo": two, "outOrderNo": "SBX-OK-1"}),
            &no_two,
        ),
        (json!({"outOrderNo": "SBX-OK-1"}), &no_one),
        (
            json!({"orderNo": "", "bizOrderNo": null, "outOrderNo": "SBX-OK-2"}),
            &no_two,
        ),
    ];
    for (i, (mut fields, expected)) in cases.into_iter().enumerate() {
        fields["bizRefundNo"] = json!(format!("R{i}"));
        fields["amount"] = json!(0.01);
        assert_eq!(test.open("/unipay/refund", fields).await.code(), 0);
        let query = json!({"bizRefundNo": format!("R{i}")});
        assert_eq!(
            &test.open("/unipay/query/refundOrder", query).await.data()["orderNo"],
            expected
        );
    }
    // Our own order number has priority, even where it matches nothing.
    let wrong = json!({"orderNo": "NONE", "bizOrderNo": one, "bizRefundNo": "R9", "amount": 1});
    assert_eq!(test.open("/unipay/refund", wrong).await.code(), 20041);
}

#[tokio::test]
async fn the_refund_window_ends() {
    let clock = Clock::manual(refundry::domain::time::Timestamp(1_760_000_000_000));
    let test = TestApp::start_with(config(&[]), clock).await;
    let order = test.order("SBX-OK-1").await;
    let refund = |no: &str| json!({"bizOrderNo": order, "bizRefundNo": no, "amount": 1});
    test.clock.advance_ms(365 * DAY_MS - 1_000);
    assert_eq!(test.open("/unipay/refund", refund("R1")).await.code(), 0);
    test.clock.advance_ms(2_000);
    let answer = test.open("/unipay/refund", refund("R2")).await;
    assert_eq!(answer.code(), 20044);
    assert!(answer.msg().contains("365"), "{}", answer.text);
}

#[tokio::test]
async fn while_the_channel_is_asked_repeats_wait_for_nothing_and_syncs_are_refused() {
    let test = TestApp::start_with(config(&["--sbx-timeout=2500ms"]), Clock::System).await;
    let order = test.order("SBX-TIMEOUT-1").await;
    let fields = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 10});
    let first = test.open("/unipay/refund", fields.clone());
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let repeat = test.open("/unipay/refund", fields.clone()).await;
        assert_eq!(
            (repeat.code(), repeat.data()["status"].as_str()),
            (0, Some("progress"))
        );
        let open = test
            .open("/unipay/sync/order/refund", json!({"bizRefundNo": "R1"}))
            .await;
        assert_eq!((open.code(), open.data()), (20081, Value::Null));
        assert_eq!(open.msg(), "退款同步处理中，请勿重复操作");
        assert!(open.open_signature_holds("hmac_sha256"));
        let single = test
            .single("/unipay/syncPay", json!({"bizRefundNo": "R1"}))
            .await;
        assert_eq!((single.code(), single.data()), (10007, Value::Null));
        assert_eq!(single.msg(), "退款同步处理中，请勿重复操作");
        assert_eq!(single.names(), ["msg", "code", "data", "traceId"]);
    };
    let (first, ()) = tokio::join!(first, meanwhile);
    assert_eq!(
        (first.code(), first.data()["status"].as_str()),
        (0, Some("progress"))
    );
    let sync = test
        .open("/unipay/syncPay", json!({"bizRefundNo": "R1"}))
        .await;
    assert_eq!(
        sync.data(),
        json!({"orderStatus": "success", "adjust": true})
    );
}

#[tokio::test]
async fn a_request_that_takes_too_long_tells_how_the_refund_stands() {
    let slow = config(&["--sbx-timeout=4s", "--request-time-limit=1s"]);
    let test = TestApp::start_with(slow, Clock::System).await;
    let order = test.order("SBX-TIMEOUT-1").await;
    let fields = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 10});
    let began = std::time::Instant::now();
    let answer = test.open("/unipay/refund", fields).await;
    assert!(began.elapsed() < Duration::from_millis(3_500));
    assert_eq!(
        (answer.code(), answer.data()["status"].as_str()),
        (0, Some("progress")),
        "{}",
        answer.text
    );
    assert_answered(&test, answer.data()["refundNo"].as_str().unwrap()).await;
}

#[tokio::test]
async fn a_refund_goes_on_when_its_caller_goes_away() {
    let test = TestApp::start_with(config(&["--sbx-timeout=2500ms"]), Clock::System).await;
    let order = test.order("SBX-TIMEOUT-1").await;
    let fields = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 10});
    let gone = test
        .http
        .post(format!("{}/unipay/refund", test.base))
        .body(test.open_body(fields))
        .timeout(Duration::from_millis(800))
        .send()
        .await;
    assert!(gone.is_err_and(|error| error.is_timeout()));
    let query = test
        .open("/unipay/query/refundOrder", json!({"bizRefundNo": "R1"}))
        .await
        .data();
    assert_answered(&test, query["refundNo"].as_str().unwrap()).await;
}

/// Waits until the refund's timeline has the answer to its submission.
async fn assert_answered(test: &TestApp, refund_no: &str) {
    for _ in 0..500 {
        let events = refunds::timeline(&test.ctx, "DEMO", refund_no)
            .await
            .unwrap();
        if events.iter().any(|event| event.kind == EventKind::Answered) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the submission of {refund_no} was dropped half way");
}

#[tokio::test]
async fn every_sync_path_answers_for_refunds_and_orders() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let fields = json!({"bizOrderNo": order, "bizRefundNo": "R1", "amount": 10});
    let refund_no = test.open("/unipay/refund", fields).await.data()["refundNo"].clone();
    let done = json!({"orderStatus": "success", "adjust": false});
    for path in [
        "/unipay/syncPay",
        "/unipay/syncRefund",
        "/unipay/sync/refund",
        "/unipay/sync/order/refund",
    ] {
        for key in [json!({"refundNo": refund_no}), json!({"bizRefundNo": "R1"})] {
            assert_eq!(test.open(path, key).await.data(), done, "{path}");
        }
        // Our own number has priority, even over a correct one of the merchant's.
        let both = json!({"refundNo": "NONE", "bizRefundNo": "R1"});
        assert_eq!(test.open(path, both).await.code(), 20041);
        let none = test.open(path, json!({})).await;
        assert_eq!(
            (none.code(), none.msg().contains("refundNo / bizRefundNo")),
            (10506, true)
        );
    }
    for path in [
        "/unipay/syncPay",
        "/unipay/sync/pay",
        "/unipay/sync/order/pay",
    ] {
        assert_eq!(
            test.open(path, json!({"bizOrderNo": order})).await.data(),
            done,
            "{path}"
        );
        let single = test.single(path, json!({"bizOrderNo": order})).await;
        assert_eq!(single.data()["status"], "success");
        assert_eq!(
            test.open(path, json!({"bizOrderNo": "NONE"})).await.code(),
            20041
        );
    }
    // An order that only the channel knows is recorded from its answer.
    let found = test
        .open(
            "/unipay/sync/order/pay",
            json!({"bizOrderNo": "SBX-OK-NEW"}),
        )
        .await;
    assert_eq!(
        found.data(),
        json!({"orderStatus": "success", "adjust": true}),
        "{}",
        found.text
    );
    assert_eq!(
        test.open(
            "/unipay/query/payOrder",
            json!({"bizOrderNo": "SBX-OK-NEW"})
        )
        .await
        .code(),
        0
    );
}
