//! A channel's callback as received, and its verdict.

use serde::{Deserialize, Serialize};

use crate::domain::order::Channel;
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

string_enum! {
    /// The verdict on a callback.
    Verdict {
        /// Genuine, and changed the refund's state.
        Accepted = "accepted",
        /// Genuine, and changed nothing.
        Ignored = "ignored",
        /// Signed by the channel, but names no refund of ours.
        NotFound = "not_found",
        /// Signed by the channel, but states another amount than our refund: a person has to look.
        AmountDiffers = "amount_differs",
        /// Unreadable, or not signed by the channel.
        BadSignature = "bad_signature",
    }
}

impl Verdict {
    /// Tells whether the channel may stop repeating the callback.
    pub fn taken(self) -> bool {
        matches!(
            self,
            Verdict::Accepted | Verdict::Ignored | Verdict::AmountDiffers
        )
    }
}

/// A callback. A repeated one is counted, not stored again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    pub app_id: String,
    pub callback_no: String,
    pub channel: Channel,
    pub account_id: String,
    /// Time at which it was first received.
    pub received_at: Timestamp,
    /// Headers, as lines of `name: value`.
    pub headers: String,
    pub body: String,
    pub verdict: Verdict,
    pub refund_no: Option<String>,
    /// Number of times received.
    pub times: i64,
    /// Time at which it was last received.
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
