//! A refund: an intent that is written down before anyone is told, and settled by evidence.
//!
//! What a refund is stands here; [`settle`] holds the whole table of what evidence does to it, and
//! `schedule` when its channel is asked without anyone's help.

use serde::{Deserialize, Serialize};

use crate::domain::merchant::Edition;
use crate::domain::money::Fen;
use crate::domain::order::Channel;
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

mod schedule;
pub mod transitions;

pub use transitions::{Effect, Evidence, Outcome, OutcomeKind, Settlement, Source};

string_enum! {
    /// The state of a refund.
    RefundStatus {
        /// SignedRequest for; the amount is held.
        Progress = "progress",
        /// The money is back with the payer.
        Success = "success",
        /// Refused for good; the amount was given back to the order.
        Fail = "fail",
        /// Given up; the amount was given back to the order.
        Close = "close",
    }
}

string_enum! {
    /// Why a person has to look at a refund.
    ReviewReason {
        /// The channel accepted it, and now does not know it.
        Absent = "absent",
        /// It succeeded at the channel after we had given the amount back. The balance was mended.
        LateSuccess = "late_success",
        /// It succeeded at the channel after we had given the amount back, and the amount has been
        /// used since: more was paid out than was paid in.
        Overpaid = "overpaid",
        /// The channel now says something else than before, about money that has moved or may move.
        Contradicted = "contradicted",
        /// It has been in progress for too long.
        Overdue = "overdue",
    }
}

/// A refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub app_id: String,
    /// Our number.
    pub refund_no: String,
    /// The merchant's number: the idempotency key within the app.
    pub biz_refund_no: String,
    /// The channel's number, once it told us.
    pub out_refund_no: Option<String>,
    /// The number under which the channel knows the refund.
    pub channel_no: String,
    pub order_no: String,
    pub channel: Channel,
    pub amount: Fen,
    pub reason: Option<String>,
    pub attach: Option<String>,
    pub notify_url: Option<String>,
    pub client_ip: Option<String>,
    /// The edition it was asked for in.
    pub edition: Edition,
    pub status: RefundStatus,
    /// How often it was submitted to the channel.
    pub attempt: i64,
    /// How many of these submissions have no definite answer. A refusal of one of them says nothing
    /// about the others.
    pub unresolved_submissions: i64,
    /// The channel has said that it has this refund.
    pub acknowledged: bool,
    pub review_reason: Option<ReviewReason>,
    /// A person has looked at what `attention` tells.
    pub reviewed: bool,
    pub error_code: Option<String>,
    pub error_msg: Option<String>,
    pub created_at: Timestamp,
    /// Since when it is in progress, or was before it settled: when it was asked for, taken up again
    /// or found open again.
    pub opened_at: Timestamp,
    /// When it was last submitted.
    pub submitted_at: Timestamp,
    /// When the money moved, or when it failed or was closed.
    pub finished_at: Option<Timestamp>,
    /// When its channel is to be asked without anyone's help. `None`: not any more.
    pub next_sync_at: Option<Timestamp>,
    /// Until then a submission or a sync of it is under way and nobody else may start one.
    pub leased_until: Timestamp,
    /// Counts its events: event number `n` made version `n`.
    pub version: i64,
}

impl Refund {
    /// Returns the merchant's number in upper case, as the open edition's signature sees it. Two refunds of
    /// one app never share it.
    pub fn biz_refund_key(&self) -> String {
        self.biz_refund_no.to_uppercase()
    }
}

/// A refund as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    pub order: crate::domain::order::OrderKey,
    pub biz_refund_no: String,
    pub amount: Fen,
    pub reason: Option<String>,
    pub attach: Option<String>,
    pub notify_url: Option<String>,
    pub client_ip: Option<String>,
    pub edition: Edition,
    /// What the asker saw as refundable. Where given, a balance that has changed since refuses the
    /// refund: the console's guard against stale pages.
    pub expected_refundable: Option<Fen>,
}

/// How a request names a refund. Where both are given the first wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundKey {
    /// Our number.
    RefundNo(String),
    /// The merchant's number, letter by letter.
    BizRefundNo(String),
    /// The merchant's number in upper case, see [`Refund::biz_refund_key`].
    BizRefundKey(String),
}

impl RefundKey {
    /// Names a refund by the merchant's number, the way the request's edition compares it. The open
    /// edition's signature covers the text in upper case: whoever listens in can send a signed request
    /// again with the number in other letters, and both have to be one refund.
    pub fn of_merchant(biz_refund_no: &str, edition: Edition) -> RefundKey {
        match edition {
            Edition::Single => RefundKey::BizRefundNo(biz_refund_no.to_owned()),
            Edition::Open => RefundKey::BizRefundKey(biz_refund_no.to_uppercase()),
        }
    }
}

/// A refund as a list shows it, with what it has from its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRow {
    pub refund: Refund,
    pub biz_order_no: String,
    pub title: String,
}

/// A refund as the inbox shows it, with what was last heard of it from its channel, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewQueueRow {
    pub refund: Refund,
    pub biz_order_no: String,
    pub heard: Option<(OutcomeKind, Timestamp)>,
}
