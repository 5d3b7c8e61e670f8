//! A notice: tells a merchant's system that a refund has reached a state, and is sent until it arrives. Source: the
//! gateway's contract.

use serde::{Deserialize, Serialize};

use crate::domain::event::Actor;
use crate::domain::refund::{Refund, RefundStatus};
use crate::domain::string_enum;
use crate::domain::time::{HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};

string_enum! {
    /// The state of a notice.
    NoticeState {
        /// It is being sent, or will be.
        Waiting = "waiting",
        /// The merchant's system has answered SUCCESS.
        Delivered = "delivered",
        /// It was sent as often as the schedule says, and has not arrived.
        GivenUp = "given_up",
        /// It had not arrived when the refund reached another state: the notice of that one takes its place.
        Superseded = "superseded",
        /// Neither the refund nor its app names an address any more.
        NoAddress = "no_address",
    }
}

/// The waits between the attempts: 16 attempts over 24 h 4 m.
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

/// Returns when a notice is sent again whose attempt number `attempts` failed at `now`; `None` after the last one.
pub fn next_send(attempts: i64, now: Timestamp) -> Option<Timestamp> {
    let rung = usize::try_from(attempts).ok()?.checked_sub(1)?;
    RETRY_SCHEDULE_MS.get(rung).map(|wait| now.plus_ms(*wait))
}

/// The key of a notice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NoticeKey {
    pub app_id: String,
    pub refund_no: String,
    /// The version of the refund that it tells of.
    pub seq: i64,
}

/// A notice: the state that it tells of, as it was then, and the progress of its delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub key: NoticeKey,
    pub status: RefundStatus,
    pub out_refund_no: Option<String>,
    pub finish_time: Option<Timestamp>,
    pub error_code: Option<String>,
    pub error_msg: Option<String>,
    pub state: NoticeState,
    /// The number of attempts that were begun.
    pub attempts: i64,
    /// The time at which the server sends it next by itself.
    pub next_send_at: Option<Timestamp>,
    /// The end of the claim of the sender who is sending it: nobody else sends it before.
    pub leased_until: Timestamp,
    pub created_at: Timestamp,
    /// The time at which it reached a state other than waiting.
    pub ended_at: Option<Timestamp>,
}

impl Notice {
    /// Makes the notice of the state that this version of a refund has reached. It is due at once.
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

    /// Returns the refund as it was when it reached the state that the notice tells of.
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

    /// Returns the notice as it stands once there is no address to send it to.
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

    /// Returns the notice as it stands after a send that was claimed for it has ended.
    pub fn after(&self, delivered: bool, now: Timestamp) -> Notice {
        let was_waiting = self.state == NoticeState::Waiting;
        let next_send_at = next_send(self.attempts, now).filter(|_| was_waiting && !delivered);
        let state = match (delivered, next_send_at) {
            (true, _) => NoticeState::Delivered,
            (false, Some(_)) => NoticeState::Waiting,
            // A notice that had ended before and was sent by hand stays as it was.
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

/// An attempt to deliver a notice: the bytes that went out, and those that came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    pub key: NoticeKey,
    /// Counts from 1 within the notice. Where a number is missing, the end of that attempt is not known.
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
    /// The reason why it did not arrive; `None` where it did.
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
