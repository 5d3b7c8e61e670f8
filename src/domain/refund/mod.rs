//! A refund: an intent that is stored before the channel is called, and settled by evidence.
//!
//! This file has the refund itself, `requests` tells copies of a request from new ones, `submission` has the refund's
//! submissions, `evidence` what channels state ([`Evidence`]), `transitions` everything that can happen to a refund, and
//! `schedule` the times of its syncs.

use serde::{Deserialize, Serialize};

use crate::domain::merchant::Edition;
use crate::domain::money::Fen;
use crate::domain::order::{Channel, Order, OrderKey};
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

mod evidence;
mod requests;
mod schedule;
mod submission;
mod transitions;

pub use evidence::{Delay, Evidence, Outcome, OutcomeKind, Source, Statement};
pub use requests::{NewestRequests, SignedRequest};
pub use submission::{Lease, NewNumber, Submission, Submissions, WaitReason};
pub use transitions::{Booking, Effect, RepeatedFields, Settlement};

string_enum! {
    /// The state of a refund.
    RefundStatus {
        /// The refund was requested; the order holds its amount.
        Progress = "progress",
        /// The money is back with the payer.
        Success = "success",
        /// The refund was refused for good; the amount was given back to the order.
        Fail = "fail",
        /// The refund was given up; the amount was given back to the order.
        Close = "close",
    }
}

string_enum! {
    /// The reason for which a person has to look at a refund.
    ReviewReason {
        /// The channel accepted the refund, and now does not know it.
        Absent = "absent",
        /// The refund succeeded at the channel after the order had got the amount back. The balance was corrected.
        LateSuccess = "late_success",
        /// The refund succeeded at the channel after the order had got the amount back and used it otherwise: more was
        /// paid out than was paid in.
        Overpaid = "overpaid",
        /// The channel contradicts its earlier statement about money that has moved or may move.
        Contradicted = "contradicted",
        /// The channel names another amount than the refund's.
        AmountDiffers = "amount_differs",
        /// The channel cannot bring the money to the payer, and waits for a person's decision.
        Abnormal = "abnormal",
        /// The refund has been in progress for too long.
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
    /// The channel's number, where the channel has named one.
    pub out_refund_no: Option<String>,
    pub order_no: String,
    pub channel: Channel,
    /// The channel account of its order.
    pub account_id: String,
    pub amount: Fen,
    pub reason: Option<String>,
    pub attach: Option<String>,
    pub notify_url: Option<String>,
    /// True where the merchant wants no notices of this refund.
    pub not_notify: bool,
    pub client_ip: Option<String>,
    /// The edition of the merchant's request.
    pub edition: Edition,
    /// The merchant's requests that `attach`, `notify_url` and `client_ip` are from.
    #[serde(skip)]
    pub requests: NewestRequests,
    pub status: RefundStatus,
    pub submissions: Submissions,
    pub review_reason: Option<ReviewReason>,
    /// True once a person has looked at the refund since it was flagged for `review_reason`.
    pub reviewed: bool,
    pub error_code: Option<String>,
    pub error_msg: Option<String>,
    pub created_at: Timestamp,
    /// Start of the current or last time in progress: the request, the last retry, or the last reopening.
    pub opened_at: Timestamp,
    /// Time of success, failure or closing, by our clock. Comparisons use this one, never `channel_time`.
    pub settled_at: Option<Timestamp>,
    /// Time at which the money moved, as the channel states it by its own clock.
    pub channel_time: Option<Timestamp>,
    /// Number of the refund's events: event `n` made version `n`.
    pub version: i64,
}

impl Refund {
    /// Makes a refund of an order that is requested at `now`: in progress and not yet submitted. `refund_no` is our
    /// number, and the first number for the channel; `params` are the parameters of the submission.
    pub fn requested(
        new: NewRefund,
        order: &Order,
        refund_no: String,
        params: String,
        now: Timestamp,
    ) -> Refund {
        let first = Submission::first(refund_no.clone(), params, now);
        let mut requests = NewestRequests::default();
        if let Some(request) = &new.request {
            requests.add(request);
        }
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
            not_notify: new.not_notify,
            client_ip: new.client_ip,
            edition: new.edition,
            requests,
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

    /// Returns the end of the refund as merchants are told it: the channel's time, or else ours.
    pub fn finish_time(&self) -> Option<Timestamp> {
        self.channel_time.or(self.settled_at)
    }

    /// Returns the last lease on this refund.
    pub fn lease(&self) -> Lease {
        Lease {
            app_id: self.app_id.clone(),
            refund_no: self.refund_no.clone(),
            attempt: self.submissions.last().attempt,
            lease_no: self.submissions.last().lease_no,
        }
    }

    /// Returns the number under which the channel currently knows the refund.
    pub fn channel_no(&self) -> &str {
        &self.submissions.current().channel_no
    }

    /// Returns the time of the last submission that was sent, or of the request where none was sent yet.
    pub fn submitted_at(&self) -> Timestamp {
        let current = self.submissions.current();
        current.submitted_at.unwrap_or(self.created_at)
    }

    /// Returns the time at which the refund is to be submitted or the channel asked for it. `None`: neither.
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

/// The content of a request for a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    pub order: OrderKey,
    pub biz_refund_no: String,
    pub amount: Fen,
    pub reason: Option<String>,
    pub attach: Option<String>,
    pub notify_url: Option<String>,
    /// True where the merchant wants no notices of this refund.
    pub not_notify: bool,
    pub client_ip: Option<String>,
    pub edition: Edition,
    /// The merchant's request; `None` for a refund that was made in the console.
    pub request: Option<SignedRequest>,
    /// Refundable amount of the order as the requester saw it. If the balance has changed since, the refund is refused;
    /// this guards the console against stale pages.
    pub expected_refundable: Option<Fen>,
}

/// The number by which a request names a refund. Of several, the first of this list is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundKey {
    /// Our number.
    RefundNo(String),
    /// The merchant's number, in its exact spelling.
    BizRefundNo(String),
    /// The merchant's number in upper case, see [`Refund::biz_refund_key`].
    BizRefundKey(String),
}

impl RefundKey {
    /// Makes the key of a merchant's number, compared as the request's edition does. The open edition's signature
    /// covers the text in upper case: an eavesdropper can repeat a signed request with the number in another case, and
    /// both must name the same refund.
    pub fn of_merchant(biz_refund_no: &str, edition: Edition) -> RefundKey {
        match edition {
            Edition::Single => RefundKey::BizRefundNo(biz_refund_no.to_owned()),
            Edition::Open => RefundKey::BizRefundKey(biz_refund_no.to_uppercase()),
        }
    }
}

/// A refund with what a list shows of its order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRow {
    pub refund: Refund,
    pub biz_order_no: String,
    pub title: String,
}

/// A refund in the review queue, with the channel's last statement and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewQueueRow {
    pub refund: Refund,
    pub biz_order_no: String,
    pub heard: Option<(OutcomeKind, Timestamp)>,
}
