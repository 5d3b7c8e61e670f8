//! Every behaviour in the sandbox's table, from a merchant's side, with the money counted in the sandbox's own ledger.

use refundry::domain::event::Actor;
use refundry::domain::people::{Grant, Role, Scope};
use refundry::domain::refund::{RefundKey, ReviewReason};
use refundry::domain::time::Timestamp;
use refundry::server::channels::sandbox::faults::Faults;
use refundry::server::clock::Clock;
use refundry::server::config::Config;
use refundry::server::people::sessions::COOKIE;
use refundry::server::{people, refunds};
use serde_json::{Value, json};

use crate::support::database::SERVER;
use crate::support::http::{TestApp, config, cookie};

/// A time longer than the sandbox's delay in tests.
const DELAY_MS: i64 = 600;

/// Starts a server whose clock, also the sandbox's, stands still until it is moved.
async fn start_still() -> TestApp {
    let clock = Clock::manual(Timestamp(1_760_000_000_000));
    TestApp::start_with(config(&[]), clock).await
}

async fn refund(test: &TestApp, order: &str, biz_refund_no: &str) -> Value {
    let fields = json!({"bizOrderNo": order, "bizRefundNo": biz_refund_no, "amount": 30});
    let answer = test.open("/unipay/refund", fields).await;
    assert_eq!(answer.code(), 0, "{}", answer.text);
    answer.data()
}

async fn sync(test: &TestApp, biz_refund_no: &str) -> Value {
    let answer = test
        .open("/unipay/syncRefund", json!({"bizRefundNo": biz_refund_no}))
        .await;
    assert_eq!(answer.code(), 0, "{}", answer.text);
    assert_eq!(answer.data_names(), ["orderStatus", "adjust"]);
    answer.data()
}

async fn balance(test: &TestApp, order: &str) -> (Value, Value) {
    let data = test
        .open("/unipay/query/payOrder", json!({"bizOrderNo": order}))
        .await
        .data();
    (
        data["refundableBalance"].clone(),
        data["refundStatus"].clone(),
    )
}

async fn moved(test: &TestApp, refund: &Value) -> i64 {
    let row = test.book(refund["refundNo"].as_str().unwrap()).await;
    row.map_or(0, |row| row["moved"].as_i64().unwrap())
}

#[tokio::test]
async fn ok_succeeds_in_the_answer() {
    let test = TestApp::start().await;
    let order = test.order("SBX-OK-1").await;
    let data = refund(&test, &order, "R1").await;
    assert_eq!(data["status"], "success");
    let row = test.book(data["refundNo"].as_str().unwrap()).await.unwrap();
    let expected = json!({
        "refundNo": data["refundNo"], "amount": 3000, "status": "success", "moved": 1,
    });
    assert_eq!(row, expected);
    assert_eq!(
        balance(&test, &order).await,
        (json!(70), json!("partial_refund"))
    );
}

#[tokio::test]
async fn async_succeeds_by_callback() {
    let test = TestApp::start_with(config(&["--sbx-delay=1500ms"]), Clock::System).await;
    let order = test.order("SBX-ASYNC-1").await;
    let data = refund(&test, &order, "R1").await;
    assert_eq!(data["status"], "progress");
    assert_eq!(
        balance(&test, &order).await,
        (json!(70), json!("refunding"))
    );
    assert_eq!(test.settled("R1").await["status"], "success");
    assert_eq!(moved(&test, &data).await, 1);
}

#[tokio::test]
async fn async_without_callback_waits_for_a_sync() {
    let test = start_still().await;
    let order = test.order("SBX-ASYNC-NOCB-1").await;
    let data = refund(&test, &order, "R1").await;
    assert_eq!(
        sync(&test, "R1").await,
        json!({"orderStatus": "progress", "adjust": false})
    );
    test.clock.advance_ms(DELAY_MS);
    let query = test
        .open("/unipay/query/refundOrder", json!({"bizRefundNo": "R1"}))
        .await;
    assert_eq!(query.data()["status"], "progress", "nobody told us yet");
    assert_eq!(
        sync(&test, "R1").await,
        json!({"orderStatus": "success", "adjust": true})
    );
    assert_eq!(
        sync(&test, "R1").await,
        json!({"orderStatus": "success", "adjust": false})
    );
    assert_eq!(moved(&test, &data).await, 1);
}

#[tokio::test]
async fn fail_gives_the_amount_back_and_a_repeat_goes_out_again() {
    let test = TestApp::start().await;
    let order = test.order("SBX-FAIL-1").await;
    let data = refund(&test, &order, "R1").await;
    assert_eq!(data["status"], "fail");
    assert!(
        data["errorMsg"].as_str().is_some_and(|msg| !msg.is_empty()),
        "{data}"
    );
    assert_eq!(
        balance(&test, &order).await,
        (json!(100), json!("no_refund"))
    );

    let again = refund(&test, &order, "R1").await;
    assert_eq!(
        again["refundNo"], data["refundNo"],
        "the same refund under its own number"
    );
    assert_eq!(again["status"], "fail");
    assert_eq!(moved(&test, &data).await, 0);
}

#[tokio::test]
async fn late_fail_and_closed_give_the_amount_back_when_asked() {
    let test = start_still().await;
    for (out, status) in [("SBX-LATEFAIL-1", "fail"), ("SBX-CLOSED-1", "close")] {
        let order = test.order(out).await;
        let data = refund(&test, &order, out).await;
        assert_eq!(data["status"], "progress");
        test.clock.advance_ms(DELAY_MS);
        assert_eq!(
            sync(&test, out).await,
            json!({"orderStatus": status, "adjust": true})
        );
        assert_eq!(
            balance(&test, &order).await,
            (json!(100), json!("no_refund"))
        );
        assert_eq!(moved(&test, &data).await, 0);
    }
}

#[tokio::test]
async fn a_timeout_stays_in_progress_and_moved_once() {
    let test = TestApp::start().await;
    let order = test.order("SBX-TIMEOUT-1").await;
    let data = refund(&test, &order, "R1").await;
    assert_eq!(data["status"], "progress");
    assert_eq!(moved(&test, &data).await, 1);
    assert_eq!(
        refund(&test, &order, "R1").await["status"],
        "progress",
        "a repeat tells the state"
    );
    assert_eq!(
        sync(&test, "R1").await,
        json!({"orderStatus": "success", "adjust": true})
    );
    assert_eq!(moved(&test, &data).await, 1);
}

#[tokio::test]
async fn what_the_channel_never_saw_is_submitted_again_under_its_number() {
    let test = TestApp::start().await;
    for out in ["SBX-LOST-1", "SBX-FLAKY-1"] {
        let order = test.order(out).await;
        let data = refund(&test, &order, out).await;
        assert_eq!(data["status"], "progress");
        assert_eq!(test.book(data["refundNo"].as_str().unwrap()).await, None);
        assert_eq!(
            sync(&test, out).await,
            json!({"orderStatus": "success", "adjust": true})
        );
        assert_eq!(moved(&test, &data).await, 1);
        assert_eq!(balance(&test, &order).await.0, json!(70));
    }
}

#[tokio::test]
async fn what_was_accepted_and_is_absent_is_left_to_an_operator() {
    let test = TestApp::start().await;
    let order = test.order("SBX-ABSENT-1").await;
    let data = refund(&test, &order, "R1").await;
    assert_eq!(data["status"], "progress");
    assert_eq!(
        sync(&test, "R1").await,
        json!({"orderStatus": "progress", "adjust": false})
    );
    let single = test
        .single("/unipay/syncPay", json!({"bizRefundNo": "R1"}))
        .await;
    assert_eq!(single.data()["status"], "pay_not_found");
    assert!(single.single_signature_holds("hmac_sha256"));
    assert_eq!(moved(&test, &data).await, 0);
    assert_eq!(
        balance(&test, &order).await,
        (json!(70), json!("refunding")),
        "still held"
    );
}

#[tokio::test]
async fn a_callback_counts_once_and_only_when_signed() {
    let test = start_still().await;
    let order = test.order("SBX-ASYNC-NOCB-1").await;
    let data = refund(&test, &order, "R1").await;
    let body = json!({
        "refundNo": data["refundNo"], "amount": 3000, "status": "success", "outRefundNo": "X1",
    })
    .to_string();
    let call = async |path: &str, signature: &str, body: &str| {
        let sent = test
            .http
            .post(format!("{}/unipay/callback/{path}", test.base))
            .header("sandbox-signature", signature)
            .body(body.to_owned());
        let answer = sent.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let right = hmac(&body);
    assert_eq!(call("DEMO/sandbox", &"00".repeat(32), &body).await.0, 400);
    assert_eq!(call("DEMO/sandbox", "no hex", &body).await.0, 400);
    assert_eq!(
        call("DEMO/sandbox", &right, &body.replace("3000", "3001"))
            .await
            .0,
        400
    );
    let status = |data: Value| data["status"].clone();
    let query = async || {
        status(
            test.open("/unipay/query/refundOrder", json!({"bizRefundNo": "R1"}))
                .await
                .data(),
        )
    };
    assert_eq!(query().await, "progress");

    // A callback with a valid signature and another amount changes nothing but flags the refund.
    let other = body.replace("3000", "3001");
    assert_eq!(call("DEMO/sandbox", &hmac(&other), &other).await.0, 200);
    assert_eq!(query().await, "progress");
    let reason = async || {
        let merchant = test.ctx.merchants.enabled(None).await.unwrap();
        let key = RefundKey::BizRefundNo("R1".to_owned());
        let (refund, _) = refunds::find(&test.ctx, &merchant, &key).await.unwrap();
        refund.review_reason
    };
    assert_eq!(reason().await, Some(ReviewReason::AmountDiffers));

    for _ in 0..3 {
        assert_eq!(
            call("DEMO/sandbox", &right, &body).await,
            (200, "success".to_owned())
        );
    }
    assert_eq!(query().await, "success");
    assert_eq!(reason().await, Some(ReviewReason::AmountDiffers));
    assert_eq!(
        balance(&test, &order).await,
        (json!(70), json!("partial_refund"))
    );

    // The channel is told that nobody took it, in its own format.
    for path in [
        "NOBODY/sandbox",
        "DEMO/wechat_pay",
        "DEMO/sandbox/NO-ACCOUNT",
    ] {
        let (status, text) = call(path, &right, &body).await;
        assert_eq!((status, text.as_str()), (400, "fail"), "{path}");
    }
    let (status, text) = call("DEMO/nothing", &right, &body).await;
    let envelope: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &envelope["code"]), (404, &json!(20011)));
}

#[tokio::test]
async fn a_callback_that_we_failed_to_keep_is_not_answered_as_taken() {
    let test = start_still().await;
    let order = test.order("SBX-ASYNC-NOCB-1").await;
    let data = refund(&test, &order, "R1").await;
    // Longer than what is left of the database's last pages.
    let body = json!({
        "refundNo": data["refundNo"], "amount": 3000, "status": "success", "outRefundNo": "X1",
        "padding": "x".repeat(30_000),
    })
    .to_string();
    let call = async |signature: &str| {
        let url = format!("{}/unipay/callback/DEMO/sandbox", test.base);
        let call = test.http.post(url).header("sandbox-signature", signature);
        let answer = call.body(body.clone()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let fails = async |signature: &str| {
        let (status, text) = call(signature).await;
        assert!(status == 500 && text.contains("10500"), "{status} {text}");
    };
    let right = hmac(&body);
    if std::env::var(SERVER).is_err() {
        limit_pages(&test, 1).await;
        fails(&right).await;
        limit_pages(&test, 1_000_000).await;
        assert_eq!(call(&right).await, (200, "success".to_owned()));
    }
    test.ctx.db.close().await;
    fails(&right).await;
}

/// Limits the embedded database to `pages` pages, or to its present number if that is larger.
async fn limit_pages(test: &TestApp, pages: u32) {
    let sql = format!("PRAGMA max_page_count = {pages}");
    let limited = test.ctx.db.write(sql, |conn, sql| {
        Box::pin(async move {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(conn).await?;
            Ok(())
        })
    });
    limited.await.unwrap();
}

fn hmac(body: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac =
        Hmac::<sha2::Sha256>::new_from_slice(crate::support::http::SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn credentials_among_the_headers_of_a_callback_are_not_kept() {
    let test = TestApp::start().await;
    let sent = test
        .http
        .post(format!("{}/unipay/callback/DEMO/sandbox", test.base))
        .header("Authorization", "Basic horse-battery")
        .header("Cookie", "session=horse-battery")
        .header("X-Request-Id", "kept-as-it-came")
        .body("{}");
    sent.send().await.unwrap();
    let mut conn = test.ctx.db.read().await.unwrap();
    let row = sqlx::query("SELECT headers FROM callback").fetch_one(&mut *conn);
    let headers: String = sqlx::Row::get(&row.await.unwrap(), 0);
    assert!(
        headers.contains("x-request-id: kept-as-it-came"),
        "{headers}"
    );
    assert!(headers.contains("authorization: (left out)"), "{headers}");
    assert!(!headers.contains("horse"), "{headers}");
}

#[tokio::test]
async fn the_faults_are_an_administrators_and_the_book_is_not() {
    let test = TestApp::start().await;
    let url = format!("{}/sandbox/faults/DEMO-sandbox", test.base);
    let logged_in = async |name: &str, grant: Grant| {
        let added = people::add(&test.ctx, name, grant, "blue horse battery", Actor::System);
        added.await.unwrap();
        let login = test.http.post(format!("{}/api/login", test.base));
        let login = login
            .header("Origin", &test.base)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("name={name}&password=blue+horse+battery&next=%2F"));
        let answer = login.send().await.unwrap();
        cookie(&answer, COOKIE)
    };
    let get = async |cookie: &str| {
        let answer = test.http.get(&url).header("Cookie", cookie).send().await;
        answer.unwrap().status().as_u16()
    };
    let set = async |cookie: &str, headers: &[(&str, &str)]| {
        let post = test.http.post(&url).header("Cookie", cookie);
        let post = headers
            .iter()
            .fold(post, |post, (name, value)| post.header(*name, *value));
        let answer = post.body(r#"{"faults": "silent"}"#).send().await.unwrap();
        answer.status().as_u16()
    };
    let ours: &[_] = &[("Origin", test.base.as_str())];
    let elsewhere = ("Origin", "https://shop.example.com");
    assert_eq!((get("").await, set("", ours).await), (401, 401));
    let of_one_app = Grant {
        scope: Scope::App("DEMO".to_owned()),
        role: Role::Admin,
    };
    let operator = logged_in("zhao", Grant::everywhere(Role::Operator)).await;
    let admin_of_one = logged_in("qian", of_one_app).await;
    for cookie in [operator, admin_of_one] {
        assert_eq!((get(&cookie).await, set(&cookie, ours).await), (403, 403));
    }
    let admin = logged_in("sun", Grant::everywhere(Role::Admin)).await;
    assert_eq!(get(&admin).await, 200);
    for foreign in [&[][..], &[elsewhere], &[("Sec-Fetch-Site", "cross-site")]] {
        assert_eq!(set(&admin, foreign).await, 403, "{foreign:?}");
    }
    let sandbox = test.ctx.channels.sandbox().unwrap();
    let faults = async || sandbox.faults("DEMO-sandbox").await.unwrap().faults;
    assert_eq!(faults().await, Faults::Fine);
    assert_eq!(set(&admin, ours).await, 200);
    assert_eq!(faults().await, Faults::Silent);
    let mut conn = test.ctx.db.read().await.unwrap();
    let sql = "SELECT actor FROM audit WHERE action = 'sandbox_faults_set'";
    let by: String = sqlx::query_scalar(sql).fetch_one(&mut *conn).await.unwrap();
    assert_eq!(by, "operator:sun");
    drop(conn);
    assert_eq!(test.book("NONE").await, None);
}

#[tokio::test]
async fn a_page_of_another_site_posts_nothing_and_a_program_is_no_page() {
    let test = TestApp::start().await;
    test.order("SBX-OK-1").await;
    let query = async |headers: &[(&str, &str)]| {
        let post = test
            .http
            .post(format!("{}/unipay/query/payOrder", test.base));
        let post = headers
            .iter()
            .fold(post, |post, (name, value)| post.header(*name, *value));
        let body = test.open_body(json!({"bizOrderNo": "B-SBX-OK-1"}));
        post.body(body).send().await.unwrap().status().as_u16()
    };
    let own = test.base.as_str();
    for ours in [
        &[][..],
        &[("Origin", own)],
        &[("Sec-Fetch-Site", "same-origin")],
    ] {
        assert_eq!(query(ours).await, 200, "{ours:?}");
    }
    for foreign in [
        &[("Origin", "https://shop.example.com")][..],
        &[("Origin", "null")],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", own)],
        &[("Sec-Fetch-Site", "same-site")],
    ] {
        assert_eq!(query(foreign).await, 403, "{foreign:?}");
    }
}

#[tokio::test]
async fn a_demonstration_is_reached_under_the_names_of_this_machine_alone() {
    let here = TestApp::start_with(config(&[]), Clock::System).await;
    let demo = Config {
        demo: true,
        ..config(&[])
    };
    let demo = TestApp::start_with(demo, Clock::System).await;
    let get = async |test: &TestApp, host: &str, path: &str| {
        let get = test.http.get(format!("{}{path}", test.base));
        let answer = get.header("Host", host).send().await.unwrap();
        answer.status().as_u16()
    };
    for path in ["/login", "/docs", "/healthz", "/favicon.svg"] {
        assert_eq!(get(&demo, "evil.example", path).await, 421, "{path}");
    }
    for host in [
        "localhost",
        "LOCALHOST:3000",
        "127.0.0.1",
        "127.1.2.3:80",
        "[::1]:3000",
    ] {
        assert_eq!(get(&demo, host, "/login").await, 200, "{host}");
    }
    assert_eq!(get(&here, "desk.example", "/login").await, 200);
}
