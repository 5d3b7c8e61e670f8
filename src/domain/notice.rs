//! Notices: messages to a merchant's system that a refund has reached a state, each sent until it arrives. Source: the
//! gateway's contract.

use serde::{Deserialize, Serialize};

use crate::domain::event::Actor;
use crate::domain::refund::{Refund, RefundStatus};
use crate::domain::string_enum;
use crate::domain::time::{HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};

string_enum! {
    /// The state of a notice.
    NoticeState {
        /// It is being sent, or will be sent.
        Waiting = "waiting",
        /// The merchant's system has answered SUCCESS.
        Delivered = "delivered",
        /// All attempts of the schedule failed.
        GivenUp = "given_up",
        /// The refund reached another state before it arrived; the newer notice replaces it.
        Superseded = "superseded",
        /// Neither the refund nor its app names an address any more.
        NoAddress = "no_address",
    }
}

/// Time between two attempts, for each attempt after the first: 16 attempts over 24 h 4 min.
const RETRY_SCHEDULE_MS: [i64; 15] = [
    15 * SECOND_MS,
    15 * SECOND_MS,
    30 * SECOND_MS,
    3 * MINUTE_MS,
    10 * MINUTE_MS,
    20 * MINUTE_MS,
    30 * MINUTE_MS,
    30 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    3 * HOUR_MS,
    3 * HOUR_MS,
    3 * HOUR_MS,
    6 * HOUR_MS,
    6 * HOUR_MS,
];

/// Returns the time of the next attempt, after attempt number `attempts` failed at `now`; `None` after the last one.
pub fn next_send(attempts: i64, now: Timestamp) -> Option<Timestamp> {
    let rung = usize::try_from(attempts).ok()?.checked_sub(1)?;
    RETRY_SCHEDULE_MS.get(rung).map(|wait| now.plus_ms(*wait))
}

/// The key of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NoticeKey {
    pub app_id: String,
    pub refund_no: String,
    /// The version of the refund that the notice is about.
    pub seq: i64,
}

/// A notice: the refund's state at one version, and the progress of the delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub key: NoticeKey,
    pub status: RefundStatus,
    pub out_refund_no: Option<String>,
    pub finish_time: Option<Timestamp>,
    pub error_code: Option<String>,
    pub error_msg: Option<String>,
    pub state: NoticeState,
    /// Number of attempts begun.
    pub attempts: i64,
    /// Time of the next automatic attempt; `None` where there is none.
    pub next_send_at: Option<Timestamp>,
    /// End of the lease of the sender that is sending it; no other sender takes it before.
    pub leased_until: Timestamp,
    pub created_at: Timestamp,
    /// Time at which it reached a state other than waiting.
    pub ended_at: Option<Timestamp>,
}

impl Notice {
    /// Makes the notice of the state that this version of a refund has reached. The notice is due at once.
    pub fn of(refund: &Refund, now: Timestamp) -> Notice {
        Notice {
            key: NoticeKey {
                app_id: refund.app_id.clone(),
                refund_no: refund.refund_no.clone(),
                seq: refund.version,
            },
            status: refund.status,
            out_refund_no: refund.out_refund_no.clone(),
            finish_time: refund.finish_time(),
            error_code: refund.error_code.clone(),
            error_msg: refund.error_msg.clone(),
            state: NoticeState::Waiting,
            attempts: 0,
            next_send_at: Some(now),
            leased_until: Timestamp::default(),
            created_at: now,
            ended_at: None,
        }
    }

    /// Returns the refund with the state that the notice is about.
    pub fn as_it_was(&self, refund: &Refund) -> Refund {
        Refund {
            status: self.status,
            out_refund_no: self.out_refund_no.clone(),
            settled_at: self.finish_time,
            channel_time: None,
            error_code: self.error_code.clone(),
            error_msg: self.error_msg.clone(),
            ..refund.clone()
        }
    }

    /// Returns the notice after it was found that there is no address to send it to.
    pub fn without_address(&self, now: Timestamp) -> Notice {
        let was_waiting = self.state == NoticeState::Waiting;
        Notice {
            state: if was_waiting {
                NoticeState::NoAddress
            } else {
                self.state
            },
            next_send_at: None,
            leased_until: Timestamp::default(),
            ended_at: if was_waiting {
                Some(now)
            } else {
                self.ended_at
            },
            ..self.clone()
        }
    }

    /// Returns the notice after an attempt has ended.
    pub fn after(&self, delivered: bool, now: Timestamp) -> Notice {
        let was_waiting = self.state == NoticeState::Waiting;
        let next_send_at = next_send(self.attempts, now).filter(|_| was_waiting && !delivered);
        let state = match (delivered, next_send_at) {
            (true, _) => NoticeState::Delivered,
            (false, Some(_)) => NoticeState::Waiting,
            // A notice that had ended before, and was sent again by hand, keeps its state.
            (false, None) if !was_waiting => self.state,
            (false, None) => NoticeState::GivenUp,
        };
        let ended_now = state != NoticeState::Waiting && state != self.state;
        Notice {
            state,
            next_send_at,
            leased_until: Timestamp::default(),
            ended_at: if ended_now { Some(now) } else { self.ended_at },
            ..self.clone()
        }
    }
}

/// An attempt to deliver a notice, with the bytes sent and received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    pub key: NoticeKey,
    /// Number within the notice, counted from 1. A missing number is an attempt whose end is not known.
    pub attempt: i64,
    pub at: Timestamp,
    pub took_ms: i64,
    pub actor: Actor,
    pub url: String,
    /// The body that was sent.
    pub request: String,
    pub http_status: Option<i64>,
    /// The answer's body, at most [`crate::domain::limits::SAID_BYTES`].
    pub answer: Option<String>,
    /// The reason why the notice did not arrive; `None` where it did.
    pub failure: Option<String>,
}

/// A notice as a list shows it, with the reason why its last attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    pub notice: Notice,
    pub failure: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_sends_take_24_hours_and_4_minutes() {
        let mut now = Timestamp(0);
        let mut attempts = 1;
        while let Some(next) = next_send(attempts, now) {
            now = next;
            attempts += 1;
        }
        assert_eq!(attempts, 16);
        assert_eq!(now, Timestamp(24 * HOUR_MS + 4 * MINUTE_MS));
        assert_eq!(next_send(0, now), None);
    }
}
