//! A notice: what a merchant's system is told of a refund that reached a state, and how often it is
//! tried. Source: the gateway's contract.

use serde::{Deserialize, Serialize};

use crate::domain::event::Actor;
use crate::domain::refund::{Refund, RefundStatus};
use crate::domain::string_enum;
use crate::domain::time::{HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};

string_enum! {
    /// Where a notice stands.
    NoticeState {
        /// It is being sent, or will be again.
        Waiting = "waiting",
        /// The merchant's system has answered SUCCESS.
        Delivered = "delivered",
        /// It was sent as often as the ladder says, in vain.
        GivenUp = "given_up",
    }
}

/// How long after a send in vain the next one follows: 16 attempts over 24 h 4 m.
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

/// When a notice that was sent `attempts` times in vain, last at `now`, is sent again. `None`: no more.
pub fn next_send(attempts: i64, now: Timestamp) -> Option<Timestamp> {
    let rung = usize::try_from(attempts).ok()?.checked_sub(1)?;
    RETRY_SCHEDULE_MS.get(rung).map(|wait| now.plus_ms(*wait))
}

/// Which notice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NoticeKey {
    pub app_id: String,
    pub refund_no: String,
    /// The version of the refund that it tells of.
    pub seq: i64,
}

/// A notice: the state that it tells of, as it was then, and how its sending stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub key: NoticeKey,
    pub status: RefundStatus,
    pub out_refund_no: Option<String>,
    pub finish_time: Option<Timestamp>,
    pub error_code: Option<String>,
    pub error_msg: Option<String>,
    pub state: NoticeState,
    /// How many attempts were begun.
    pub attempts: i64,
    /// When it is sent next without anyone's help.
    pub next_send_at: Option<Timestamp>,
    /// Until then a send is under way and nobody else may begin one.
    pub leased_until: Timestamp,
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
}

impl Notice {
    /// The notice of the state that this version of a refund has reached. Due at once.
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

    /// The refund as it was when it reached the state told of.
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

    /// How the notice stands after a send that was claimed for it has ended.
    pub fn after(&self, delivered: bool, now: Timestamp) -> Notice {
        let was_waiting = self.state == NoticeState::Waiting;
        let next_send_at = next_send(self.attempts, now).filter(|_| was_waiting && !delivered);
        let state = match (delivered, next_send_at) {
            (true, _) => NoticeState::Delivered,
            (false, Some(_)) => NoticeState::Waiting,
            // One that had arrived before stays so.
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

/// One send of a notice: the bytes that went out, and those that came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    pub key: NoticeKey,
    /// Counts from 1 within the notice. A number that is missing was begun, and its end is not known.
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
    /// Why it did not arrive. `None`: it did.
    pub failure: Option<String>,
}

/// A notice as a list shows it, with why its last send did not arrive.
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
