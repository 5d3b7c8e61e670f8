//! Channel accounts: the scope of outside numbers, the remaining work of a disabled account, test mode from a
//! merchant's side, and callbacks of an account that the app has left.

use std::collections::HashMap;

use crate::support::http::{TestApp, config as served, merchant};
use crate::support::{Core, add_app, config, new_refund, paid_order, test_channel};
use hmac::{Hmac, KeyInit, Mac};
use refundry::domain::account::ChannelAccount;
use refundry::domain::error::Refusal;
use refundry::domain::event::Actor;
use refundry::domain::merchant::MerchantApp;
use refundry::domain::money::Fen;
use refundry::domain::order::{Channel, NewOrder};
use refundry::domain::refund::{Refund, RefundKey, RefundStatus};
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::error::Error;
use refundry::server::merchants::accounts;
use refundry::server::refunds::OnRepeat;
use refundry::server::{orders, refunds};
use serde_json::json;

const START: Timestamp = Timestamp(1_760_000_000_000);
/// Time within which every node sees a change of an account.
const SEEN_AFTER_MS: i64 = 2_000;

/// Makes two apps that use one account.
async fn two_apps() -> (Core, MerchantApp) {
    let core = Core::start(Clock::manual(START)).await;
    let other = MerchantApp {
        channels: core.merchant.channels.clone(),
        ..merchant("OTHER")
    };
    add_app(&core.ctx, other.clone()).await;
    (core, other)
}

async fn record(ctx: &Ctx, app: &MerchantApp, new: NewOrder) -> Result<(), Error> {
    orders::record(ctx, app, new, Actor::Merchant)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_payment_of_an_account_is_one_order_whatever_app_tells_it() {
    let (core, other) = two_apps().await;
    let new = || paid_order("OK", "1", Fen(1_000));
    record(&core.ctx, &core.merchant, new()).await.unwrap();
    let refused = record(&core.ctx, &other, new()).await.unwrap_err();
    let field = "outOrderNo".into();
    assert_eq!(refused.refusal(), Some(&Refusal::Inconsistent { field }));
    // At another account, the same number is another payment.
    let apart = merchant("APART");
    add_app(&core.ctx, apart.clone()).await;
    record(&core.ctx, &apart, new()).await.unwrap();
}

#[tokio::test]
async fn an_order_of_a_channel_that_the_app_does_not_have_is_refused() {
    let core = Core::start(Clock::manual(START)).await;
    let new = NewOrder {
        channel: Channel::AliPay,
        ..paid_order("OK", "1", Fen(1_000))
    };
    let refused = record(&core.ctx, &core.merchant, new).await.unwrap_err();
    let channel = "ali_pay".into();
    let not_enabled = Refusal::ChannelNotEnabled { channel };
    assert_eq!(refused.refusal(), Some(&not_enabled));
}

async fn issue(core: &Core, behaviour: &str, name: &str) -> Result<Refund, Error> {
    let order = core.order(behaviour, name, Fen(1_000)).await;
    let new = new_refund(&order, &format!("R-{name}"), Fen(400));
    let (ctx, merchant) = (&core.ctx, &core.merchant);
    refunds::issue(ctx, merchant, new, OnRepeat::Retry, Actor::Merchant).await
}

#[tokio::test]
async fn a_disabled_account_takes_no_new_refund_and_ends_those_it_has() {
    let core = Core::start(Clock::manual(START)).await;
    let (ctx, clock) = (&core.ctx, &core.ctx.clock);
    let begun = issue(&core, "ASYNC-NOCB", "1").await.unwrap();
    accounts::set_enabled(ctx, "DEMO-sandbox", false, Actor::System)
        .await
        .unwrap();
    clock.advance_ms(SEEN_AFTER_MS);
    let refused = issue(&core, "OK", "2").await.unwrap_err();
    let channel = "sandbox".into();
    let not_enabled = Refusal::ChannelNotEnabled { channel };
    assert_eq!(refused.refusal(), Some(&not_enabled));

    clock.advance_ms(120_000);
    assert_eq!(refunds::sync_lanes(ctx).await.unwrap(), ["DEMO-sandbox"]);
    assert_eq!(refunds::sync_due(ctx, "DEMO-sandbox").await.unwrap(), 1);
    let key = RefundKey::RefundNo(begun.refund_no);
    let (ended, _) = refunds::find(ctx, &core.merchant, &key).await.unwrap();
    assert_eq!(ended.status, RefundStatus::Success);

    accounts::set_enabled(ctx, "DEMO-sandbox", true, Actor::System)
        .await
        .unwrap();
    clock.advance_ms(SEEN_AFTER_MS);
    assert!(issue(&core, "OK", "3").await.is_ok());
}

#[tokio::test]
async fn due_refunds_of_two_apps_at_one_account_are_one_lane() {
    let (core, other) = two_apps().await;
    issue(&core, "ASYNC-NOCB", "1").await.unwrap();
    let (ctx, new) = (&core.ctx, paid_order("ASYNC-NOCB", "2", Fen(1_000)));
    let order = orders::record(ctx, &other, new, Actor::Merchant)
        .await
        .unwrap();
    let new = new_refund(&order, "R", Fen(400));
    refunds::issue(ctx, &other, new, OnRepeat::Retry, Actor::Merchant)
        .await
        .unwrap();
    ctx.clock.advance_ms(120_000);
    assert_eq!(refunds::sync_lanes(ctx).await.unwrap(), ["DEMO-sandbox"]);
    assert_eq!(refunds::sync_due(ctx, "DEMO-sandbox").await.unwrap(), 2);
    for app in [&core.merchant, &other] {
        let number = if app.app_id == "OTHER" { "R" } else { "R-1" };
        let key = RefundKey::BizRefundNo(number.to_owned());
        let (refund, _) = refunds::find(ctx, app, &key).await.unwrap();
        assert_eq!(refund.status, RefundStatus::Success, "{}", app.app_id);
    }
}

/// Calls back, signed with `key`, that a refund was paid out. Returns the reply's status.
async fn call_back(core: &Core, refund: &Refund, account_id: Option<&str>, key: &str) -> u16 {
    let body = json!({
        "refundNo": refund.channel_no(), "amount": refund.amount.0, "status": "success", "outRefundNo": "X",
    })
    .to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    let headers = HashMap::from([("sandbox-signature".to_owned(), signature)]);
    let (ctx, body) = (&core.ctx, body.as_bytes());
    let reply = refunds::callback(ctx, "DEMO", Channel::Sandbox, account_id, &headers, body);
    reply.await.unwrap().status
}

/// Gives the app another account for its channel.
async fn move_app(core: &Core, account: ChannelAccount) {
    let ctx = &core.ctx;
    let account_id = account.account_id.clone();
    accounts::add(ctx, account, Actor::System).await.unwrap();
    ctx.db
        .write(account_id, move |conn, account_id| {
            Box::pin(async move {
                let sql = "UPDATE app_channel SET account_id = $1 WHERE app_id = 'DEMO'";
                sqlx::query(sql).bind(account_id).execute(conn).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    ctx.clock.advance_ms(SEEN_AFTER_MS);
}

#[tokio::test]
async fn what_was_begun_at_an_account_stays_there_when_the_app_goes_to_another() {
    let core = Core::start(Clock::manual(START)).await;
    let begun = issue(&core, "ASYNC-NOCB", "1").await.unwrap();
    let new = ChannelAccount::in_test_mode("NEW", Channel::Sandbox, "another key".into());
    move_app(&core, new).await;
    let merchant = core.ctx.merchants.known("DEMO").await.unwrap();

    // A new order belongs to the new account, and may have a number that the former one has used.
    let again = NewOrder {
        biz_order_no: "B-again".to_owned(),
        ..paid_order("ASYNC-NOCB", "1", Fen(1_000))
    };
    let order = orders::record(&core.ctx, &merchant, again, Actor::Merchant).await;
    assert_eq!(order.unwrap().account_id, "NEW");

    // The callback address without an account is that of the new one: the former key is refused, and with the right
    // key there is no such refund.
    assert_eq!(call_back(&core, &begun, None, "123456").await, 400);
    assert_eq!(call_back(&core, &begun, None, "another key").await, 400);
    assert_eq!(call_back(&core, &begun, Some("NEW"), "123456").await, 400);
    let key = RefundKey::RefundNo(begun.refund_no.clone());
    let now = async || refunds::find(&core.ctx, &merchant, &key).await.unwrap().0;
    assert_eq!(now().await.status, RefundStatus::Progress);
    assert_eq!(
        call_back(&core, &begun, Some("DEMO-sandbox"), "123456").await,
        200
    );
    assert_eq!(now().await.status, RefundStatus::Success);

    // The same bytes of two accounts are two callbacks.
    let sql = "SELECT account_id, verdict FROM callback WHERE verdict <> 'bad_signature' ORDER BY account_id";
    let mut conn = core.ctx.db.read().await.unwrap();
    let kept: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut *conn).await.unwrap();
    let expected = [("DEMO-sandbox", "accepted"), ("NEW", "not_found")];
    let expected = expected.map(|(account, verdict)| (account.to_owned(), verdict.to_owned()));
    assert_eq!(kept, expected);
    drop(conn);

    let (ctx, headers) = (&core.ctx, HashMap::new());
    let unknown = Some("NOWHERE");
    let unknown = refunds::callback(ctx, "DEMO", Channel::Sandbox, unknown, &headers, b"{}");
    let channel = "sandbox".into();
    let not_enabled = Refusal::ChannelNotEnabled { channel };
    assert_eq!(unknown.await.unwrap_err().refusal(), Some(&not_enabled));
}

#[tokio::test]
async fn in_test_mode_answers_name_the_real_channel_and_the_sandbox_pays() {
    let test = TestApp::start_empty(served(&[]), Clock::manual(START)).await;
    let shop = MerchantApp {
        is_default: true,
        channels: vec![test_channel("SHOP", Channel::WechatPay)],
        ..merchant("SHOP")
    };
    test.add(shop).await;
    let order = json!({
        "appId": "SHOP", "bizOrderNo": "P1", "outOrderNo": "SBX-ASYNC-1", "channel": "wechat_pay", "method": "jsapi",
        "title": "tea", "amount": 10, "payTime": test.now_text(),
    });
    let answer = test.open("/unipay/order/record", order).await;
    assert_eq!(answer.code(), 0, "{}", answer.text);
    // WeChat Pay's rule holds in test mode too, so that what passes there passes with real money.
    let refund = json!({"appId": "SHOP", "bizOrderNo": "P1", "bizRefundNo": "R1", "amount": 4});
    let refused = test.open("/unipay/refund", refund.clone()).await;
    assert!(refused.msg().contains("clientIp"), "{}", refused.text);
    let mut refund = refund;
    refund["clientIp"] = "203.0.113.7".into();
    let answer = test.open("/unipay/refund", refund).await;
    assert_eq!(answer.code(), 0, "{}", answer.text);

    // The callback goes to the address with the real channel's name.
    test.clock.advance_ms(2_000);
    let settled = test.settled("R1").await;
    assert_eq!(
        (&settled["status"], &settled["channel"]),
        (&json!("success"), &json!("wechat_pay"))
    );
    let row = test
        .book(settled["refundNo"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(row["moved"], 1);
}

#[tokio::test]
async fn without_the_sandbox_a_channel_in_test_mode_is_not_reached() {
    let mut settings = config(&[]);
    settings.sandbox = false;
    let core = Core::with(settings, Clock::manual(START)).await;
    let refused = issue(&core, "OK", "1").await.unwrap_err();
    let channel = "sandbox".into();
    let not_enabled = Refusal::ChannelNotEnabled { channel };
    assert_eq!(refused.refusal(), Some(&not_enabled));
}
