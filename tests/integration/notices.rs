//! Notices: their content, time, number and order, over real HTTP.

use std::sync::Arc;

use crate::support::http::sign_text;
use crate::support::receiver::{Receiver, Reply};
use crate::support::{self, Core, config, new_refund};
use refundry::domain::event::Actor;
use refundry::domain::merchant::{Edition, MerchantApp};
use refundry::domain::money::Fen;
use refundry::domain::notice::{DeliveryAttempt, Notice, NoticeKey, NoticeState};
use refundry::domain::refund::{Refund, RefundStatus};
use refundry::domain::time::{HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};
use refundry::server::clock::Clock;
use refundry::server::refunds::OnRepeat;
use refundry::server::{notices, refunds};
use serde_json::{Map, Value};
use tokio::sync::Notify;

const START: Timestamp = Timestamp(1_700_000_000_000);

/// A server, and a merchant's system that receives its notices.
struct Desk {
    core: Core,
    clock: Clock,
    receiver: Receiver,
}

impl Desk {
    async fn open() -> Desk {
        Desk::with(&["--private-notify=true"]).await
    }

    async fn with(flags: &[&str]) -> Desk {
        let clock = Clock::manual(START);
        let flags = [&["--sbx-timeout=0ms", "--sbx-delay=2s"], flags].concat();
        Desk {
            core: Core::with(config(&flags), clock.clone()).await,
            clock,
            receiver: Receiver::start().await,
        }
    }

    /// Makes a refund of a new order, with notices to the merchant's system.
    async fn refund(&self, behaviour: &str, edition: Edition) -> Refund {
        let name = support::http::unique("N");
        let order = self.core.order(behaviour, &name, Fen(1_250)).await;
        let mut new = new_refund(&order, &format!("R-{name}"), Fen(1_000));
        new.edition = edition;
        new.reason = Some("不想要了".to_owned());
        new.attach = Some("id=7".to_owned());
        new.notify_url = Some(self.receiver.url.clone());
        self.issue(new).await
    }

    async fn issue(&self, new: refundry::domain::refund::NewRefund) -> Refund {
        let (ctx, merchant) = (&self.core.ctx, &self.core.merchant);
        refunds::issue(ctx, merchant, new, OnRepeat::Retry, Actor::Merchant)
            .await
            .expect("a refund")
    }

    /// Sends the due notices, and returns their number.
    async fn send(&self) -> u64 {
        notices::send_due(&self.core.ctx, "DEMO")
            .await
            .expect("a run")
    }

    async fn all(&self, refund: &Refund) -> Vec<Notice> {
        notices::of_refund(&self.core.ctx, "DEMO", &refund.refund_no)
            .await
            .expect("notices")
    }

    async fn only(&self, refund: &Refund) -> (Notice, Vec<DeliveryAttempt>) {
        let all = self.all(refund).await;
        assert_eq!(all.len(), 1);
        let key = &all[0].key;
        notices::find(&self.core.ctx, key).await.expect("a notice")
    }

    fn statuses(&self) -> Vec<String> {
        let word = |notice: &Value| {
            let at = notice.pointer("/data/status").or(notice.get("status"));
            at.and_then(Value::as_str).expect("a status").to_owned()
        };
        self.receiver.notices().iter().map(word).collect()
    }
}

/// Returns a value's text within the signed text, by the contract: compact, with keys sorted ignoring case.
fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.to_lowercase());
            let fields: Vec<_> = fields
                .into_iter()
                .map(|(name, value)| format!("\"{name}\":{value}"))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}

fn signature_of(notice: &Map<String, Value>, open: bool) -> String {
    let fields = notice
        .iter()
        .filter(|(name, value)| *name != "sign" && !value.is_null())
        .map(|(name, value)| (name.clone(), value_text(value)));
    sign_text(fields.collect(), "hmac_sha256", open)
}

fn names(body: &str) -> Vec<String> {
    support::http::ordered(body)
        .into_iter()
        .map(|(name, _)| name)
        .collect()
}

#[tokio::test]
async fn an_open_notice_has_the_documented_fields_and_a_signature_that_holds() {
    let desk = Desk::open().await;
    let refund = desk.refund("OK", Edition::Open).await;
    assert_eq!(desk.send().await, 1);
    let body = desk.receiver.bodies().remove(0);
    assert_eq!(
        names(&body),
        [
            "noticeType",
            "mchNo",
            "appId",
            "code",
            "msg",
            "data",
            "sign",
            "resTime",
            "traceId"
        ]
    );
    let notice: Map<String, Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(notice["noticeType"], "refund");
    assert_eq!(notice["sign"], signature_of(&notice, true));
    let data = &notice["data"];
    assert_eq!(data["refundNo"], refund.refund_no);
    assert_eq!(data["status"], "success");
    assert_eq!(data["amount"].to_string(), "10");
    assert_eq!(data["orderAmount"].to_string(), "12.5");
    assert_eq!(data["attach"], "id=7");
    let (sent, attempts) = desk.only(&refund).await;
    assert_eq!((sent.state, sent.attempts), (NoticeState::Delivered, 1));
    assert_eq!(attempts[0].request, body);
    assert_eq!(attempts[0].answer.as_deref(), Some("SUCCESS"));
    assert_eq!(desk.send().await, 0);
}

#[tokio::test]
async fn a_single_notice_is_flat_and_has_a_signature_that_holds() {
    let desk = Desk::open().await;
    let refund = desk.refund("FAIL", Edition::Single).await;
    desk.send().await;
    let body = desk.receiver.bodies().remove(0);
    assert_eq!(
        names(&body),
        [
            "orderNo",
            "bizOrderNo",
            "outOrderNo",
            "title",
            "refundNo",
            "bizRefundNo",
            "channel",
            "orderAmount",
            "amount",
            "reason",
            "finishTime",
            "status",
            "attach",
            "errorCode",
            "errorMsg",
            "code",
            "msg",
            "resTime",
            "sign"
        ]
    );
    let notice: Map<String, Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(notice["sign"], signature_of(&notice, false));
    assert_eq!(notice["amount"].to_string(), "1000");
    assert_eq!(notice["status"], "fail");
    assert_eq!(notice["errorCode"], "SBX_FAIL");
    assert_eq!(notice["refundNo"], refund.refund_no);
}

#[tokio::test]
async fn the_ladder_is_climbed_to_its_end_and_every_send_recorded() {
    let desk = Desk::open().await;
    let refund = desk.refund("OK", Edition::Open).await;
    desk.receiver
        .will_answer((0..16).map(|i| Reply::Text(200, format!("not now {i}"))));
    let mut at = Vec::new();
    let mut now = 0;
    while now <= 26 * HOUR_MS {
        if desk.send().await == 1 {
            at.push(now);
        }
        let next = desk.all(&refund).await[0].next_send_at;
        let Some(next) = next else { break };
        // A millisecond before its time, nothing is sent.
        desk.clock
            .advance_ms(next.0 - desk.core.ctx.clock.now().0 - 1);
        assert_eq!(desk.send().await, 0);
        desk.clock.advance_ms(1);
        now = next.0 - START.0;
    }
    let s = SECOND_MS;
    let m = MINUTE_MS;
    let h = HOUR_MS;
    let ladder = [
        15 * s,
        15 * s,
        30 * s,
        3 * m,
        10 * m,
        20 * m,
        30 * m,
        30 * m,
        30 * m,
        60 * m,
        3 * h,
        3 * h,
        3 * h,
        6 * h,
        6 * h,
    ];
    let expected: Vec<_> = std::iter::once(0)
        .chain(ladder.iter().scan(0, |sum, wait| {
            *sum += wait;
            Some(*sum)
        }))
        .collect();
    assert_eq!(at, expected);
    assert_eq!(at[15], 24 * h + 4 * m);
    let (notice, attempts) = desk.only(&refund).await;
    assert_eq!((notice.state, notice.attempts), (NoticeState::GivenUp, 16));
    assert_eq!(attempts.len(), 16);
    assert_eq!(attempts[0].answer.as_deref(), Some("not now 15"));
    assert_eq!(
        attempts[0].failure.as_deref(),
        Some("the answer is not SUCCESS")
    );

    // By hand it can still be sent, and arrives.
    let actor = Actor::Operator("li.na".to_owned());
    let (notice, send) = notices::send_again(&desk.core.ctx, &notice.key, actor.clone())
        .await
        .expect("a send");
    let send = send.expect("an attempt");
    assert_eq!((notice.state, send.attempt), (NoticeState::Delivered, 17));
    assert_eq!(send.actor, actor);
}

#[tokio::test]
async fn a_later_state_takes_the_place_of_a_notice_that_has_not_arrived() {
    let desk = Desk::open().await;
    let refund = desk.refund("FAIL", Edition::Open).await;
    desk.receiver.will_answer([Reply::Text(500, "no".into())]);
    assert_eq!(desk.send().await, 1);
    // The refund fails a second time, and is closed: two more notices.
    let actor = Actor::Operator("li.na".to_owned());
    let (ctx, merchant) = (&desk.core.ctx, &desk.core.merchant);
    refunds::retry(ctx, merchant, &refund.refund_no, None, actor.clone())
        .await
        .expect("a retry");
    refunds::close(ctx, merchant, &refund.refund_no, actor.clone())
        .await
        .expect("closed");
    assert_eq!(desk.send().await, 1, "the last, at once");
    assert_eq!(desk.statuses(), ["fail", "close"]);
    desk.clock.advance_ms(26 * HOUR_MS);
    assert_eq!(desk.send().await, 0, "and no other afterwards");

    let all = desk.all(&refund).await;
    let states: Vec<_> = all.iter().map(|notice| notice.state).collect();
    let superseded = NoticeState::Superseded;
    assert_eq!(states, [superseded, superseded, NoticeState::Delivered]);
    assert!(all.iter().all(|notice| notice.ended_at.is_some()));
    for earlier in &all[..2] {
        let error = notices::send_again(ctx, &earlier.key, actor.clone()).await;
        assert!(error.is_err(), "an earlier one would overtake a later one");
    }
    notices::send_again(ctx, &all[2].key, actor)
        .await
        .expect("the last can be sent again");
    assert_eq!(desk.statuses().len(), 3);
}

#[tokio::test]
async fn a_later_state_waits_while_an_earlier_notice_is_being_sent() {
    for arrives in [false, true] {
        let desk = Desk::open().await;
        let refund = desk.refund("FAIL", Edition::Open).await;
        let (ctx, merchant) = (&desk.core.ctx, &desk.core.merchant);
        let actor = Actor::Operator("li.na".to_owned());
        let (status, text) = if arrives {
            (200, "SUCCESS")
        } else {
            (500, "no")
        };
        let released = Arc::new(Notify::new());
        let held = Reply::Held(released.clone(), status, text.to_owned());
        desk.receiver.will_answer([held]);
        let sending = tokio::spawn({
            let ctx = ctx.clone();
            async move { notices::send_due(&ctx, "DEMO").await.expect("a run") }
        });
        desk.receiver.has_received(1).await;
        refunds::close(ctx, merchant, &refund.refund_no, actor.clone())
            .await
            .expect("closed");
        assert_eq!(desk.send().await, 0, "the first is being sent");
        let last = desk.all(&refund).await.pop().expect("a notice");
        let error = notices::send_again(ctx, &last.key, actor).await;
        assert!(error.is_err(), "nor by hand");

        released.notify_one();
        // The end of the attempt makes the later notice due at once, so this run may send it too.
        let sent = sending.await.expect("sent") + desk.send().await;
        assert_eq!(
            (sent, desk.statuses()),
            (2, vec!["fail".into(), "close".into()])
        );
        let states = desk
            .all(&refund)
            .await
            .into_iter()
            .map(|notice| notice.state);
        let first = if arrives {
            NoticeState::Delivered
        } else {
            NoticeState::Superseded
        };
        assert_eq!(states.collect::<Vec<_>>(), [first, NoticeState::Delivered]);
    }
}

#[tokio::test]
async fn a_notice_without_an_address_ends_and_can_be_sent_once_there_is_one() {
    let desk = Desk::open().await;
    let refund = desk.refund("OK", Edition::Open).await;
    let set_url = async |url: Option<String>| {
        let changed = desk.core.ctx.db.write(url, move |conn, url| {
            Box::pin(async move {
                sqlx::query("UPDATE refund SET notify_url = $1")
                    .bind(url)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        });
        changed.await.unwrap();
    };
    set_url(None).await;
    assert_eq!(desk.send().await, 1);
    let (notice, attempts) = desk.only(&refund).await;
    assert_eq!(notice.state, NoticeState::NoAddress);
    assert_eq!((notice.next_send_at, notice.ended_at), (None, Some(START)));
    assert!(attempts.is_empty(), "{attempts:?}");

    set_url(Some(desk.receiver.url.clone())).await;
    let actor = Actor::Operator("li.na".to_owned());
    let sent = notices::send_again(&desk.core.ctx, &notice.key, actor).await;
    let (notice, attempt) = sent.expect("a send");
    assert_eq!(notice.state, NoticeState::Delivered);
    assert_eq!(attempt.expect("an attempt").http_status, Some(200));
}

#[tokio::test]
async fn a_notice_tells_of_the_state_that_was_reached_then() {
    let desk = Desk::open().await;
    let refund = desk.refund("FAIL", Edition::Open).await;
    desk.send().await;
    let (ctx, merchant) = (&desk.core.ctx, &desk.core.merchant);
    let actor = Actor::Operator("li.na".to_owned());
    refunds::close(ctx, merchant, &refund.refund_no, actor)
        .await
        .expect("closed");
    while desk.send().await > 0 {}
    assert_eq!(desk.statuses(), ["fail", "close"]);
}

#[tokio::test]
async fn redirects_are_not_followed_and_long_answers_are_cut() {
    let desk = Desk::open().await;
    let refund = desk.refund("OK", Edition::Open).await;
    desk.receiver
        .will_answer([Reply::Redirect, Reply::Text(200, "退".repeat(100_000))]);
    desk.send().await;
    desk.clock.advance_ms(15 * SECOND_MS);
    desk.send().await;
    assert_eq!(desk.receiver.redirected(), 0);
    let (notice, attempts) = desk.only(&refund).await;
    assert_eq!(notice.state, NoticeState::Waiting);
    assert_eq!(attempts[1].http_status, Some(302));
    let kept = attempts[0].answer.as_deref().unwrap();
    assert!(kept.len() <= 4096 && kept.len() > 4000, "{}", kept.len());
}

#[tokio::test]
async fn white_space_and_a_byte_order_mark_around_the_answer_do_not_matter() {
    let desk = Desk::open().await;
    for (text, state) in [
        ("\u{feff}SUCCESS", NoticeState::Delivered),
        (" \r\n\u{feff}success\u{feff}\n", NoticeState::Delivered),
        ("SUC\u{feff}CESS", NoticeState::Waiting),
    ] {
        let refund = desk.refund("OK", Edition::Single).await;
        desk.receiver
            .will_answer([Reply::Text(200, text.to_owned())]);
        desk.send().await;
        assert_eq!(desk.only(&refund).await.0.state, state, "{text:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_silent_has_5_seconds() {
    let desk = Desk::open().await;
    let refund = desk.refund("OK", Edition::Open).await;
    desk.receiver.will_answer([Reply::Nothing]);
    let begun = std::time::Instant::now();
    desk.send().await;
    let took = begun.elapsed().as_millis();
    assert!((4_900..9_000).contains(&took), "{took}");
    let (_, attempts) = desk.only(&refund).await;
    assert_eq!(attempts[0].failure.as_deref(), Some("no answer within 5 s"));
}

#[tokio::test]
async fn private_networks_are_refused_by_number_and_by_name() {
    let desk = Desk::with(&[]).await;
    let by_number = desk.refund("OK", Edition::Open).await;
    let by_name = {
        let order = desk.core.order("OK", "by-name", Fen(100)).await;
        let mut new = new_refund(&order, "R-by-name", Fen(100));
        new.notify_url = Some(desk.receiver.url.replace("127.0.0.1", "localhost"));
        desk.issue(new).await
    };
    assert_eq!(desk.send().await, 2);
    assert!(desk.receiver.bodies().is_empty());
    for refund in [by_number, by_name] {
        let (_, attempts) = desk.only(&refund).await;
        let failure = attempts[0].failure.as_deref().unwrap();
        assert!(failure.contains("is not in a public network"), "{failure}");
        assert_eq!(attempts[0].http_status, None);
    }
}

#[tokio::test]
async fn a_send_whose_end_is_not_known_is_made_again() {
    let desk = Desk::open().await;
    let refund = desk.refund("OK", Edition::Open).await;
    // A node claims the notice, and dies.
    let key: NoticeKey = desk.all(&refund).await.remove(0).key;
    let (now, until) = (START, START.plus_ms(MINUTE_MS));
    desk.core
        .ctx
        .db
        .write(key, move |conn, key| {
            Box::pin(async move {
                refundry::server::store::notice::claim(conn, &key, now, until)
                    .await
                    .map_err(Into::into)
            })
        })
        .await
        .expect("a claim")
        .expect("it was free");
    assert_eq!(desk.send().await, 0, "it is claimed");
    desk.clock.advance_ms(MINUTE_MS);
    assert_eq!(desk.send().await, 1);
    let (notice, attempts) = desk.only(&refund).await;
    assert_eq!((notice.state, notice.attempts), (NoticeState::Delivered, 2));
    assert_eq!(attempts.len(), 1, "of the first nothing is known");
}

#[tokio::test]
async fn a_repeat_moves_the_address_of_what_waits() {
    let desk = Desk::open().await;
    let refund = desk.refund("OK", Edition::Open).await;
    desk.receiver.will_answer([Reply::Text(404, "no".into())]);
    desk.send().await;
    let other = Receiver::start().await;
    let mut again = new_refund(
        &desk.core.order("OK", "unused", Fen(1)).await,
        &refund.biz_refund_no,
        Fen(1),
    );
    again.notify_url = Some(other.url.clone());
    let known = desk.issue(again).await;
    assert_eq!(known.refund_no, refund.refund_no);
    desk.clock.advance_ms(15 * SECOND_MS);
    desk.send().await;
    assert_eq!((desk.receiver.bodies().len(), other.bodies().len()), (1, 1));
}

#[tokio::test]
async fn who_names_no_address_is_told_nothing_and_the_apps_own_serves_all() {
    let desk = Desk::open().await;
    let order = desk.core.order("OK", "mute", Fen(100)).await;
    let refund = desk.issue(new_refund(&order, "R-mute", Fen(50))).await;
    assert!(desk.all(&refund).await.is_empty());

    support::add_app(
        &desk.core.ctx,
        MerchantApp {
            notify_url: Some(desk.receiver.url.clone()),
            ..support::http::merchant("TOLD")
        },
    )
    .await;
    desk.clock.advance_ms(3 * SECOND_MS);
    let merchant = desk.core.ctx.merchants.enabled(Some("TOLD")).await.unwrap();
    let order = refundry::server::orders::record(
        &desk.core.ctx,
        &merchant,
        support::paid_order("OK", "told", Fen(100)),
        Actor::Merchant,
    )
    .await
    .unwrap();
    let new = new_refund(&order, "R-told", Fen(100));
    let refund = refunds::issue(
        &desk.core.ctx,
        &merchant,
        new,
        OnRepeat::Retry,
        Actor::Merchant,
    )
    .await
    .unwrap();
    assert_eq!(refund.status, RefundStatus::Success);
    let sent = notices::send_due(&desk.core.ctx, "TOLD").await.unwrap();
    assert_eq!((sent, desk.receiver.bodies().len()), (1, 1));
}

#[tokio::test]
async fn a_lease_that_a_clock_ahead_of_time_wrote_is_void() {
    let desk = Desk::open().await;
    desk.refund("OK", Edition::Open).await;
    for (leased_until, sent) in [
        (START.plus_ms(MINUTE_MS), 0),
        (START.plus_ms(24 * HOUR_MS), 1),
    ] {
        let leased = desk.core.ctx.db.write((), move |conn, ()| {
            Box::pin(async move {
                sqlx::query("UPDATE notice SET leased_until = $1")
                    .bind(leased_until.0)
                    .execute(conn)
                    .await?;
                Ok(())
            })
        });
        leased.await.unwrap();
        assert_eq!(desk.send().await, sent);
    }
}

#[tokio::test]
async fn an_address_with_a_password_is_posted_to_and_kept_without_it() {
    let desk = Desk::open().await;
    let order = desk.core.order("OK", "N-userinfo", Fen(1_250)).await;
    let mut new = new_refund(&order, "R-userinfo", Fen(1_000));
    let url = &desk.receiver.url;
    new.notify_url = Some(url.replace("http://", "http://shop:horse-battery@"));
    let refund = desk.issue(new).await;
    assert_eq!(desk.send().await, 1);
    let (notice, attempts) = desk.only(&refund).await;
    assert_eq!(notice.state, NoticeState::Delivered);
    assert_eq!(attempts[0].url, url.replace("http://", "http://***@"));
}
