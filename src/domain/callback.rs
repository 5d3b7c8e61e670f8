//! A callback of a channel as it came, and its verdict.

use serde::{Deserialize, Serialize};

use crate::domain::order::Channel;
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

string_enum! {
    /// The verdict on a callback.
    Verdict {
        /// It changed the refund's state.
        Accepted = "accepted",
        /// It is true, and changed nothing.
        Ignored = "ignored",
        /// It is signed, and names no refund of ours.
        NotFound = "not_found",
        /// It is signed, and names a refund of ours with another amount: a person has to look.
        AmountDiffers = "amount_differs",
        /// Its signature is not the channel's, or it cannot be read.
        BadSignature = "bad_signature",
    }
}

impl Verdict {
    /// Tells whether the channel need not call again.
    pub fn taken(self) -> bool {
        matches!(
            self,
            Verdict::Accepted | Verdict::Ignored | Verdict::AmountDiffers
        )
    }
}

/// A callback. The same one again is counted, not kept twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    pub app_id: String,
    pub callback_no: String,
    pub channel: Channel,
    /// The time at which it came first.
    pub received_at: Timestamp,
    /// `name: value` lines.
    pub headers: String,
    pub body: String,
    pub verdict: Verdict,
    pub refund_no: Option<String>,
    /// The number of times that it came.
    pub times: i64,
    /// The time at which it came last.
    pub last_at: Timestamp,
}

/// A callback as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackRow {
    pub callback_no: String,
    pub channel: Channel,
    pub received_at: Timestamp,
    pub verdict: Verdict,
    pub refund_no: Option<String>,
    pub times: i64,
}
