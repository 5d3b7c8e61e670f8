//! The messages about the month's refunds: callbacks of the channel, and notices to a merchant's system that
//! listens at one address and does not at another.

use crate::demo::data::{Month, merchant};
use crate::domain::callback::{Callback, Verdict};
use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::notice::{DeliveryAttempt, Notice, NoticeKey, NoticeState};
use crate::domain::order::Order;
use crate::domain::refund::{Refund, RefundStatus, ReviewReason};
use crate::domain::time::{DAY_MS, MINUTE_MS, SECOND_MS, Timestamp};
use crate::server::config::Config;
use crate::server::error::Result;
use crate::server::numbers::{Kind, Sequence};

/// Address at which nothing listens: a notice sent there fails at once.
const SILENT_URL: &str = "http://127.0.0.1:9/refundry/notice";
/// Age up to which refunds have notices.
const TOLD_MS: i64 = 4 * DAY_MS;
/// Place among the refunds that have notices of the one whose address has been taken away.
const WITHOUT_ADDRESS: usize = 4;

/// The messages of a month.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    pub callbacks: Vec<Callback>,
    pub notices: Vec<Notice>,
    pub attempts: Vec<DeliveryAttempt>,
}

/// Makes the messages of a month, and sets the notify URL of the refunds that have notices.
///
/// # Errors
/// Fails where a notice cannot be written.
pub fn of_month(month: &mut Month, config: &Config, now: Timestamp) -> Result<Messages> {
    let mut messages = Messages {
        callbacks: callbacks(month, config, now),
        ..Messages::default()
    };
    let recent = |refund: &&mut Refund| {
        let finished = refund.settled_at.filter(|_| !refund.holds());
        finished.is_some_and(|at| at.plus_ms(TOLD_MS) > now && at < now)
    };
    let recent = month.refunds.iter_mut().filter(recent);
    for (i, refund) in recent.enumerate() {
        if i == WITHOUT_ADDRESS {
            let notice = Notice::of(refund, now);
            messages.notices.push(notice.without_address(now));
            continue;
        }
        refund.notify_url = Some(SILENT_URL.to_owned());
        let order = month
            .orders
            .iter()
            .find(|order| order.order_no == refund.order_no);
        if let Some(order) = order {
            let failed = |event: &&Event| {
                event.number == refund.refund_no && event.after.as_deref() == Some("fail")
            };
            if refund.status == RefundStatus::Close
                && let Some(failed) = month.events.iter().find(failed)
            {
                messages.notices.push(superseded(refund, failed));
            }
            messages.notice(refund, order, i, config, now)?;
        }
    }
    Ok(messages)
}

impl Messages {
    /// Makes a notice and its attempts up to now. Every third notice never arrived; every third of the others arrived at
    /// the second attempt.
    fn notice(
        &mut self,
        refund: &Refund,
        order: &Order,
        i: usize,
        config: &Config,
        now: Timestamp,
    ) -> Result<()> {
        let app = merchant();
        let mut at = refund.settled_at.unwrap_or(now);
        let mut notice = Notice::of(refund, at);
        while notice.state == NoticeState::Waiting && at <= now {
            notice.attempts += 1;
            let arrives = !i.is_multiple_of(3) && (i % 3 == 1 || notice.attempts > 1);
            let silent = i.is_multiple_of(3);
            let took_ms = if silent { 2 } else { 41 + 7 * notice.attempts };
            let trace = format!("{:012x}", at.0 & 0xffff_ffff_ffff);
            let zone = &config.time_zone;
            let request =
                crate::wire::notice::of(&app, &app.secret, refund, order, at, zone, &trace)?;
            let (http_status, answer, failure) = match (arrives, silent) {
                (true, _) => (Some(200), Some("SUCCESS"), None),
                (false, true) => (
                    None,
                    None,
                    Some("error trying to connect: Connection refused"),
                ),
                (false, false) => (
                    Some(502),
                    Some("<html><body><h1>502 Bad Gateway</h1></body></html>"),
                    Some("answered with HTTP 502"),
                ),
            };
            self.attempts.push(DeliveryAttempt {
                key: notice.key.clone(),
                attempt: notice.attempts,
                at,
                took_ms,
                actor: Actor::System,
                url: SILENT_URL.to_owned(),
                request,
                http_status,
                answer: answer.map(str::to_owned),
                failure: failure.map(str::to_owned),
            });
            notice = notice.after(arrives, at);
            at = notice.next_send_at.unwrap_or(at);
        }
        self.notices.push(notice);
        Ok(())
    }
}

/// Makes the notice of the failure of a refund that was closed afterwards.
fn superseded(refund: &Refund, failed: &Event) -> Notice {
    let notice = Notice::of(refund, failed.at);
    Notice {
        key: NoticeKey {
            seq: failed.seq,
            ..notice.key
        },
        status: RefundStatus::Fail,
        finish_time: Some(failed.at),
        state: NoticeState::Superseded,
        next_send_at: None,
        ended_at: refund.settled_at,
        ..notice
    }
}

fn refund_of<'m>(month: &'m Month, event: &Event) -> Option<&'m Refund> {
    let mut refunds = month.refunds.iter();
    refunds.find(|refund| refund.refund_no == event.number)
}

/// Makes the callbacks of the month's timelines, and some that were refused.
fn callbacks(month: &Month, config: &Config, now: Timestamp) -> Vec<Callback> {
    let numbers = Sequence::beginning_at(&config.number_prefix, &config.time_zone, 1);
    let heard = month
        .events
        .iter()
        .filter(|event| event.kind == EventKind::Callback);
    let mut callbacks: Vec<_> = heard
        .filter_map(|event| Some((event, refund_of(month, event)?)))
        .map(|(event, refund)| Callback {
            app_id: event.app_id.clone(),
            callback_no: numbers.number(Kind::Callback, event.at, 0),
            channel: refund.channel,
            account_id: refund.account_id.clone(),
            received_at: event.at,
            headers: HEADERS.to_owned(),
            body: event.said.clone().unwrap_or_default(),
            verdict: match event.changed() {
                true => Verdict::Accepted,
                false if refund.review_reason == Some(ReviewReason::AmountDiffers) => {
                    Verdict::AmountDiffers
                }
                false => Verdict::Ignored,
            },
            refund_no: Some(event.number.clone()),
            times: 1,
            last_at: event.at,
        })
        .collect();
    let Some(last) = callbacks.last().cloned() else {
        return callbacks;
    };
    let strange = [
        (Verdict::Ignored, 3, last.body.replace("SBXR-", "SBXR-A")),
        (
            Verdict::NotFound,
            2,
            r#"{"refundNo":"R0000","amount":1250,"status":"success","outRefundNo":"SBXR-R0000"}"#
                .to_owned(),
        ),
        (
            Verdict::BadSignature,
            1,
            r#"{"refundNo":"R1","amount":999999,"status":"success","outRefundNo":"X"}"#.to_owned(),
        ),
    ];
    for (i, (verdict, times, body)) in (1..).zip(strange) {
        let at = now.plus_ms(-i * 37 * MINUTE_MS);
        callbacks.push(Callback {
            callback_no: numbers.number(Kind::Callback, at, 0),
            received_at: at,
            body,
            verdict,
            refund_no: last
                .refund_no
                .clone()
                .filter(|_| verdict == Verdict::Ignored),
            times,
            last_at: at.plus_ms((times - 1) * 15 * SECOND_MS),
            ..last.clone()
        });
    }
    callbacks
}

const HEADERS: &str = "content-type: application/json\nhost: 127.0.0.1\nsandbox-signature: 5f0c3d0a7be1c9d2f7d1b3b06a9f4e6c8d2e1f4a3b5c6d7e8f9a0b1c2d3e4f5a\n";
