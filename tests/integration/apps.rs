//! Changes of apps while they are served: settings, two secrets at once, hosts of notices, requests without signatures.

use refundry::domain::audit::{Action, AuditEntry};
use refundry::domain::error::{Reason, Refusal};
use refundry::domain::event::Actor;
use refundry::domain::filter::{AuditFilter, Place};
use refundry::domain::merchant::{MerchantApp, SealedApp};
use refundry::domain::order::Channel;
use refundry::domain::secret::Secret;
use refundry::domain::time::{HOUR_MS, SECOND_MS, Timestamp};
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::error::Error;
use refundry::server::store::sealed::{APP_OLD_SECRET, APP_SECRET};
use refundry::server::{audit, merchants, notices, vault};
use serde_json::{Map, Value, json};

use crate::support::http::{
    Answer, PRIVATE_SECRET, SECRET, TestApp, config, merchant, ordered, sign_text_by, signed_by,
};
use crate::support::receiver::{Receiver, Reply};
use crate::support::{Core, accounts, test_channel};

const START: Timestamp = Timestamp(1_760_000_000_000);
const QUERY: &str = "/unipay/query/payOrder";
/// Time after which a change is seen by every server.
const SEEN_MS: i64 = 2 * SECOND_MS;

async fn start(flags: &[&str]) -> TestApp {
    TestApp::start_with(config(flags), Clock::manual(START)).await
}

async fn new_secret(ctx: &Ctx, keep_old_ms: i64) -> Result<(), Error> {
    let secret = Secret::from(PRIVATE_SECRET);
    merchants::new_secret(ctx, "DEMO", &secret, keep_old_ms, Actor::System).await
}

/// Queries an order that does not exist, signed by a secret.
async fn query(test: &TestApp, secret: &str) -> Answer {
    let now = json!(test.now_text());
    let fields = json!({"bizOrderNo": "NONE"});
    let body = signed_by(secret, fields, now, "hmac_sha256", true);
    test.post(QUERY, body).await
}

/// Tells whether a secret signed an answer of the open edition.
fn is_signed_by(answer: &str, secret: &str) -> bool {
    let fields = ordered(answer).into_iter();
    let (sign, fields): (Vec<_>, Vec<_>) = fields
        .filter(|(_, raw)| raw != "null")
        .map(|(name, raw)| (name, serde_json::from_str::<String>(&raw).unwrap_or(raw)))
        .partition(|(name, _)| name == "sign");
    sign.first()
        .is_some_and(|(_, sign)| *sign == sign_text_by(secret, fields, "hmac_sha256", true))
}

async fn told(ctx: &Ctx, app_id: &str) -> Vec<AuditEntry> {
    let (filter, first) = (AuditFilter::default(), Place::First);
    let page = audit::list(&ctx.db, app_id, &filter, &first).await.unwrap();
    page.rows
}

fn field_of(refused: Result<(), Error>) -> String {
    let error = refused.unwrap_err();
    let refusal = error.refusal().expect("no internal error");
    refusal.field_name().expect("a field").to_owned()
}

#[tokio::test]
async fn both_secrets_are_good_during_a_change_and_each_answer_is_signed_like_its_request() {
    let test = start(&[]).await;
    assert_eq!(query(&test, SECRET).await.code(), 20041);
    new_secret(&test.ctx, HOUR_MS).await.unwrap();
    test.clock.advance_ms(SEEN_MS);
    for secret in [SECRET, PRIVATE_SECRET] {
        let answer = query(&test, secret).await;
        assert_eq!(answer.code(), 20041, "{}", answer.text);
        assert!(is_signed_by(&answer.text, secret), "{}", answer.text);
    }
    assert_eq!(query(&test, "neither of the two").await.code(), 20052);

    // It ends at its time, by the clock.
    test.clock.advance_ms(HOUR_MS - SEEN_MS - 1);
    assert_eq!(query(&test, SECRET).await.code(), 20041);
    test.clock.advance_ms(1);
    assert_eq!(query(&test, SECRET).await.code(), 20052);
    assert_eq!(query(&test, PRIVATE_SECRET).await.code(), 20041);
    // What is no longer valid is not kept.
    let deleted = merchants::delete_expired_secrets(&test.ctx).await;
    assert_eq!(deleted.unwrap(), 1);
    assert_eq!(stored_old_secret(&test.ctx).await, None);
}

#[tokio::test]
async fn an_old_secret_is_ended_at_once_or_by_hand() {
    let test = start(&[]).await;
    new_secret(&test.ctx, 0).await.unwrap();
    test.clock.advance_ms(SEEN_MS);
    assert_eq!(query(&test, SECRET).await.code(), 20052);
    assert_eq!(query(&test, PRIVATE_SECRET).await.code(), 20041);
    let none = merchants::drop_old_secret(&test.ctx, "DEMO", Actor::System).await;
    assert_eq!(field_of(none), "oldSecret");

    let third = Secret::from("gW7yLr2mNc9xTb4vKq6zDf3j");
    let keep = merchants::new_secret(&test.ctx, "DEMO", &third, HOUR_MS, Actor::System).await;
    keep.unwrap();
    test.clock.advance_ms(SEEN_MS);
    assert_eq!(query(&test, PRIVATE_SECRET).await.code(), 20041);
    let dropped = merchants::drop_old_secret(&test.ctx, "DEMO", Actor::System).await;
    dropped.unwrap();
    test.clock.advance_ms(SEEN_MS);
    assert_eq!(query(&test, PRIVATE_SECRET).await.code(), 20052);
    assert_eq!(query(&test, third.reveal()).await.code(), 20041);

    let actions: Vec<_> = told(&test.ctx, "DEMO").await;
    let actions: Vec<_> = actions.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            Action::AppOldSecretDropped.as_str(),
            Action::AppSecretReplaced.as_str(),
            Action::AppSecretReplaced.as_str(),
        ]
    );
    for entry in told(&test.ctx, "DEMO").await {
        let text = format!("{entry:?}");
        for secret in [SECRET, PRIVATE_SECRET, third.reveal()] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

async fn stored_old_secret(ctx: &Ctx) -> Option<String> {
    let mut conn = ctx.db.read().await.unwrap();
    let old = sqlx::query_scalar("SELECT old_secret FROM merchant_app WHERE app_id = 'DEMO'");
    old.fetch_one(&mut *conn).await.unwrap()
}

#[tokio::test]
async fn an_old_secret_is_sealed_for_its_own_place_and_anew_with_the_others() {
    let core = Core::with(config(&[]), Clock::manual(START)).await;
    new_secret(&core.ctx, HOUR_MS).await.unwrap();
    let sealed = refundry::domain::secret::Sealed(stored_old_secret(&core.ctx).await.unwrap());
    assert!(!sealed.0.contains(SECRET));
    let open = |column| core.ctx.vault.open(column, &["DEMO"], &sealed);
    assert!(open(&APP_OLD_SECRET).unwrap().is(SECRET));
    assert!(open(&APP_SECRET).is_err());
    // The app's secret, its old one, and that of its account.
    let sealed = vault::sealed_by(&core.ctx.db).await.unwrap();
    let counts: Vec<_> = sealed.values().map(|(_, count)| *count).collect();
    assert_eq!(counts, [3]);
}

#[tokio::test]
async fn a_weak_secret_is_refused() {
    let core = Core::with(config(&[]), Clock::manual(START)).await;
    let short = "nM4vTq8sXw2bKd7fHj3pZr6";
    for (weak, short) in [
        (short.to_owned(), true),
        ("a".repeat(24), false),
        ("0123456789abcdef0123456789abcdef".to_owned(), false),
    ] {
        let secret = Secret::from(weak);
        let refused = merchants::new_secret(&core.ctx, "DEMO", &secret, 0, Actor::System).await;
        let error = refused.unwrap_err();
        match error.refusal().unwrap() {
            Refusal::Field {
                field,
                reason: Reason::TooShort { .. },
            } if short => assert_eq!(field, "secret"),
            Refusal::Field {
                field,
                reason: Reason::Guessable { .. },
            } if !short => assert_eq!(field, "secret"),
            other => panic!("{other:?}"),
        }
        let app = merchant("WEAK").with_secret(secret);
        let accounts = accounts(&app);
        let added = merchants::add(&core.ctx, app, accounts, Actor::System).await;
        assert_eq!(field_of(added), "secret");
    }
}

/// Returns the secret that signed a notice of the open edition.
fn signer_of(body: &str) -> &'static str {
    let notice: Map<String, Value> = serde_json::from_str(body).unwrap();
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.to_lowercase());
            let fields = fields
                .iter()
                .map(|(name, value)| format!("\"{name}\":{value}"));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    };
    let fields = notice.iter().filter(|(name, _)| *name != "sign");
    let fields: Vec<_> = fields
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    let signs = |secret: &&&str| {
        notice["sign"] == sign_text_by(secret, fields.clone(), "hmac_sha256", true)
    };
    [SECRET, PRIVATE_SECRET]
        .iter()
        .find(signs)
        .expect("a signature that holds")
}

#[tokio::test]
async fn a_receiver_gets_its_notices_whichever_of_the_two_secrets_it_has() {
    let test = start(&["--private-notify=true", "--sbx-timeout=0ms"]).await;
    new_secret(&test.ctx, 240 * HOUR_MS).await.unwrap();
    test.clock.advance_ms(SEEN_MS);
    for (secret, attempts) in [(SECRET, 1), (PRIVATE_SECRET, 2)] {
        let receiver = Receiver::start().await;
        let number = format!("R-{attempts}");
        let order = test
            .order_of("DEMO", &format!("SBX-OK-{attempts}"), json!(1))
            .await;
        let refund = json!({
            "bizOrderNo": order, "bizRefundNo": number, "amount": 1, "notifyUrl": receiver.url,
        });
        assert_eq!(test.open("/unipay/refund", refund).await.code(), 0);
        // The receiver refuses what its own secret has not signed.
        for attempt in 1..=attempts {
            let fits = attempt == attempts;
            let refusal = Reply::Text(200, "bad signature".to_owned());
            receiver.will_answer([if fits { Reply::Success } else { refusal }]);
            assert_eq!(notices::send_due(&test.ctx, "DEMO").await.unwrap(), 1);
            let body = receiver.bodies().pop().unwrap();
            assert_eq!(signer_of(&body) == secret, fits, "{attempt}: {body}");
            test.clock.advance_ms(15 * SECOND_MS);
        }
        assert_eq!(notices::send_due(&test.ctx, "DEMO").await.unwrap(), 0);
    }
}

async fn change(ctx: &Ctx, app_id: &str, edit: fn(&mut SealedApp)) -> Result<(), Error> {
    let edit = move |app: &mut SealedApp| {
        edit(app);
        Ok(())
    };
    merchants::change(ctx, app_id, Vec::new(), Actor::System, edit).await
}

#[tokio::test]
async fn settings_are_changed_while_an_app_is_served_and_the_audit_has_what_differs() {
    let test = start(&[]).await;
    assert_eq!(query(&test, SECRET).await.code(), 20041);
    change(&test.ctx, "DEMO", |app| {
        app.name = "New".to_owned();
        app.mch_no = None;
        app.channels[0].refund_window_days = 7;
        app.channels[0].enabled = false;
    })
    .await
    .unwrap();
    let entry = told(&test.ctx, "DEMO").await.remove(0);
    assert_eq!(entry.action, Action::AppChanged.as_str());
    let json = |text: Option<String>| serde_json::from_str::<Value>(&text.unwrap()).unwrap();
    let before = json!({
        "name": "Demo", "mchNo": "M0000000001", "channels": ["sandbox=365 by DEMO-sandbox"],
    });
    let after = json!({
        "name": "New", "mchNo": null, "channels": ["sandbox=7 by DEMO-sandbox, disabled"],
    });
    assert_eq!((json(entry.before), json(entry.after)), (before, after));
    test.clock.advance_ms(SEEN_MS);
    let app = test.ctx.merchants.enabled(None).await.unwrap();
    assert_eq!((app.name.as_str(), app.mch_no.as_deref()), ("New", None));
    assert_eq!(app.channels[0].refund_window_days, 7);

    merchants::set_enabled(&test.ctx, "DEMO", false, Actor::System)
        .await
        .unwrap();
    test.clock.advance_ms(SEEN_MS);
    assert_eq!(query(&test, SECRET).await.code(), 20023);
    merchants::set_enabled(&test.ctx, "DEMO", true, Actor::System)
        .await
        .unwrap();
    test.clock.advance_ms(SEEN_MS);
    assert_eq!(query(&test, SECRET).await.code(), 20041);

    for (edit, field) in [
        (
            (|app| app.name = String::new()) as fn(&mut SealedApp),
            "name",
        ),
        (|app| app.notify_url = Some("shop".to_owned()), "notifyUrl"),
        (|app| app.mch_no = Some("a&b".to_owned()), "mchNo"),
        (
            |app| app.notify_hosts = vec!["A.example".to_owned()],
            "notifyHosts",
        ),
        (
            |app| app.notify_hosts = (0..100).map(|n| format!("shop{n}.example")).collect(),
            "notifyHosts",
        ),
        (
            |app| app.channels[0].account_id = "NOWHERE".to_owned(),
            "account",
        ),
        (
            |app| app.channels.push(test_channel("DEMO", Channel::Sandbox)),
            "channel",
        ),
    ] {
        assert_eq!(field_of(change(&test.ctx, "DEMO", edit).await), field);
    }
    for unknown in [
        change(&test.ctx, "NOWHERE", |_| {}).await,
        merchants::set_enabled(&test.ctx, "NOWHERE", true, Actor::System).await,
        merchants::drop_old_secret(&test.ctx, "NOWHERE", Actor::System).await,
    ] {
        assert_eq!(field_of(unknown), "app");
    }
    assert_eq!(told(&test.ctx, "DEMO").await.len(), 3);
}

#[tokio::test]
async fn the_place_of_the_default_app_passes_from_one_to_another() {
    let core = Core::with(config(&[]), Clock::manual(START)).await;
    crate::support::add_app(&core.ctx, merchant("TWO")).await;
    change(&core.ctx, "TWO", |app| app.is_default = true)
        .await
        .unwrap();
    core.ctx.clock.advance_ms(SEEN_MS);
    assert_eq!(
        core.ctx.merchants.enabled(None).await.unwrap().app_id,
        "TWO"
    );
    let entry = told(&core.ctx, "DEMO").await.remove(0);
    assert_eq!(entry.after.as_deref(), Some("{\"default\":false}"));
    change(&core.ctx, "TWO", |app| app.is_default = false)
        .await
        .unwrap();
    core.ctx.clock.advance_ms(SEEN_MS);
    assert!(core.ctx.merchants.enabled(None).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_made_at_once_on_two_nodes_are_all_made() {
    let core = Core::with(config(&[]), Clock::manual(START)).await;
    let other = core.another_node(config(&[])).await;
    let days = |node: Ctx, days: i64| {
        let edit = move |app: &mut SealedApp| {
            app.channels[0].refund_window_days += days;
            Ok(())
        };
        async move { merchants::change(&node, "DEMO", Vec::new(), Actor::System, edit).await }
    };
    let changes = (0..10).flat_map(|_| {
        [
            tokio::spawn(days(core.ctx.clone(), 1)),
            tokio::spawn(days(other.clone(), 10)),
        ]
    });
    for changed in changes.collect::<Vec<_>>() {
        changed.await.unwrap().unwrap();
    }
    core.ctx.clock.advance_ms(SEEN_MS);
    let app = core.ctx.merchants.enabled(None).await.unwrap();
    assert_eq!(app.channels[0].refund_window_days, 365 + 10 + 100);
}

#[tokio::test]
async fn a_notify_url_off_the_apps_list_is_refused() {
    let test = start(&[]).await;
    test.add(MerchantApp {
        notify_hosts: vec!["shop.example".to_owned(), ".pay.example".to_owned()],
        ..merchant("SHOP")
    })
    .await;
    let order = test.order_of("SHOP", "SBX-OK-1", json!(1)).await;
    let refund = async |url: &str| {
        let fields = json!({
            "appId": "SHOP", "bizOrderNo": order, "bizRefundNo": "R1", "amount": 0.01, "notifyUrl": url,
        });
        test.open("/unipay/refund", fields).await
    };
    for url in ["https://evil.example/n", "https://pay.example/n"] {
        let refused = refund(url).await;
        assert_eq!(refused.code(), 10506, "{}", refused.text);
        assert!(refused.msg().starts_with("notifyUrl "), "{}", refused.text);
    }
    assert_eq!(refund("https://a.pay.example/n").await.code(), 0);
    // A repeat names one of them too.
    assert_eq!(refund("https://evil.example/n").await.code(), 10506);
}

#[tokio::test]
async fn a_request_without_a_signature_is_taken_from_no_other_sites_page() {
    let test = start(&[]).await;
    test.add(MerchantApp {
        sign_required: false,
        ..merchant("FREE")
    })
    .await;
    let body = json!({"appId": "FREE", "bizOrderNo": "P", "reqTime": test.now_text()}).to_string();
    let own = test.base.clone();
    /// Stands for HTTP 403: such a request reaches no app.
    const FORBIDDEN: i64 = 403;
    for (headers, code) in [
        (vec![("content-type", "application/json")], 20041),
        (
            vec![("content-type", "Application/JSON; charset=utf-8")],
            20041,
        ),
        (vec![], 10506),
        (vec![("content-type", "text/plain")], 10506),
        (vec![("content-type", "text/plain;application/json")], 10506),
        (
            vec![
                ("content-type", "application/json"),
                ("sec-fetch-site", "same-origin"),
                ("origin", own.as_str()),
            ],
            20041,
        ),
        (
            vec![
                ("content-type", "application/json"),
                ("sec-fetch-site", "cross-site"),
            ],
            FORBIDDEN,
        ),
        (
            vec![
                ("content-type", "application/json"),
                ("origin", "https://evil.example"),
            ],
            FORBIDDEN,
        ),
        (
            vec![("content-type", "application/json"), ("origin", "null")],
            FORBIDDEN,
        ),
    ] {
        let mut post = test.http.post(format!("{own}{QUERY}")).body(body.clone());
        for (name, value) in &headers {
            post = post.header(*name, *value);
        }
        let answer = post.send().await.unwrap();
        if code == FORBIDDEN {
            assert_eq!(answer.status(), 403, "{headers:?}");
            continue;
        }
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["code"], code, "{headers:?}: {answer}");
    }
    // Signed requests prove by the signature where they come from.
    let signed = test.open_body(json!({"bizOrderNo": "P"}));
    let post = test.http.post(format!("{own}{QUERY}")).body(signed);
    let answer = post
        .header("content-type", "text/plain")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], 20041);
}
