//! A refund: an intent that is written down before anyone is told, and settled by evidence.
//!
//! The refund itself stands here, its submissions in `submission`, [`Evidence`] in `evidence`, everything that can
//! happen to a refund in `transitions`, and the schedule of its syncs in `schedule`.

use serde::{Deserialize, Serialize};

use crate::domain::merchant::Edition;
use crate::domain::money::Fen;
use crate::domain::order::{Channel, Order, OrderKey};
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

mod evidence;
mod schedule;
mod submission;
mod transitions;

pub use evidence::{Delay, Evidence, Outcome, OutcomeKind, Source, Statement};
pub use submission::{Lease, NewNumber, Submission, Submissions, WaitReason};
pub use transitions::{Booking, Effect, RepeatedFields, Settlement};

string_enum! {
    /// The state of a refund.
    RefundStatus {
        /// Asked for; the amount is held.
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
    /// The reason for which a person has to look at a refund.
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
        /// The channel speaks of another amount than the one that was asked for.
        AmountDiffers = "amount_differs",
        /// The channel cannot bring the money to the payer, and waits for somebody to decide.
        Abnormal = "abnormal",
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
    pub order_no: String,
    pub channel: Channel,
    /// The channel account of its order.
    pub account_id: String,
    pub amount: Fen,
    pub reason: Option<String>,
    pub attach: Option<String>,
    pub notify_url: Option<String>,
    pub client_ip: Option<String>,
    /// The edition in which the merchant asked for it.
    pub edition: Edition,
    pub status: RefundStatus,
    pub submissions: Submissions,
    pub review_reason: Option<ReviewReason>,
    /// A person has looked at the refund since it was flagged for `review_reason`.
    pub reviewed: bool,
    pub error_code: Option<String>,
    pub error_msg: Option<String>,
    pub created_at: Timestamp,
    /// The moment since when it is in progress, or was before it settled: when it was asked for, retried or
    /// found open again.
    pub opened_at: Timestamp,
    /// The moment when it succeeded, failed or was closed, by our clock. Only this one is compared.
    pub settled_at: Option<Timestamp>,
    /// The moment when the money moved, as the channel states it by its own clock.
    pub channel_time: Option<Timestamp>,
    /// Counts its events: event number `n` made version `n`.
    pub version: i64,
}

impl Refund {
    /// Makes a refund of an order as it is asked for at `now`: in progress, and not yet submitted. `refund_no` is
    /// our number, and the first under which the channel is to see it; `params` is what the channel is to be told.
    pub fn requested(
        new: NewRefund,
        order: &Order,
        refund_no: String,
        params: String,
        now: Timestamp,
    ) -> Refund {
        let first = Submission::first(refund_no.clone(), params, now);
        Refund {
            app_id: order.app_id.clone(),
            refund_no,
            biz_refund_no: new.biz_refund_no,
            out_refund_no: None,
            order_no: order.order_no.clone(),
            channel: order.channel,
            account_id: order.account_id.clone(),
            amount: new.amount,
            reason: new.reason,
            attach: new.attach,
            notify_url: new.notify_url,
            client_ip: new.client_ip,
            edition: new.edition,
            status: RefundStatus::Progress,
            submissions: Submissions::of(first),
            review_reason: None,
            reviewed: false,
            error_code: None,
            error_msg: None,
            created_at: now,
            opened_at: now,
            settled_at: None,
            channel_time: None,
            version: 1,
        }
    }

    /// Returns the moment that merchants are told as the refund's end: the channel's, or else ours.
    pub fn finish_time(&self) -> Option<Timestamp> {
        self.channel_time.or(self.settled_at)
    }

    /// Names the last lease on this refund.
    pub fn lease(&self) -> Lease {
        Lease {
            app_id: self.app_id.clone(),
            refund_no: self.refund_no.clone(),
            attempt: self.submissions.last().attempt,
            lease_no: self.submissions.last().lease_no,
        }
    }

    /// Returns the number under which the channel sees the refund now.
    pub fn channel_no(&self) -> &str {
        &self.submissions.current().channel_no
    }

    /// Returns the moment of the last submission that went out; before the first, of the request.
    pub fn submitted_at(&self) -> Timestamp {
        let current = self.submissions.current();
        current.submitted_at.unwrap_or(self.created_at)
    }

    /// Returns the moment when the refund is to be submitted or its channel to be asked. `None`: no more.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.submissions.last().due_at
    }

    /// Returns the end of the last lease on this refund.
    pub fn leased_until(&self) -> Timestamp {
        self.submissions.last().leased_until
    }

    /// Returns the merchant's number in upper case, as the open edition's signature sees it. Two refunds of
    /// one app never share it.
    pub fn biz_refund_key(&self) -> String {
        self.biz_refund_no.to_uppercase()
    }
}

/// A refund as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    pub order: OrderKey,
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
