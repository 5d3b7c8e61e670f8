//! Evidence: statements of channels about refunds, each with its source.

use crate::domain::money::Fen;
use crate::domain::refund::{Refund, WaitReason};
use crate::domain::string_enum;
use crate::domain::text::sanitized;
use crate::domain::time::Timestamp;

string_enum! {
    /// The source of evidence.
    Source {
        /// The channel's answer to a submission.
        Answer = "answer",
        /// A callback of the channel.
        Callback = "callback",
        /// The channel's answer when asked for the refund's state.
        Sync = "sync",
    }
}

/// A channel's statement about a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The channel has the refund and is still working on it.
    Accepted { out_refund_no: Option<String> },
    /// The money moved. `at`: the time that the channel states, by its own clock.
    Success {
        out_refund_no: Option<String>,
        at: Option<Timestamp>,
    },
    /// The channel refused the refund for good.
    Fail { code: String, msg: String },
    /// The channel closed the refund.
    Close { msg: String },
    /// The channel could not bring the money to the payer. This is neither success nor failure until a person decides
    /// at the channel.
    Abnormal { msg: String },
    /// The channel did nothing, and the submission may be repeated later.
    RetryLater { delay: Delay, msg: String },
    /// The channel does not know the refund. Counts as evidence only once the channel's visibility delay has passed.
    NotFound,
    /// The channel gave no answer, or one that leaves the outcome open.
    Unknown { why: String },
}

/// The reason why a channel postponed a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// The channel received too many requests.
    RateLimit,
    /// The merchant's balance at the channel is too low.
    Funds,
}

impl From<Delay> for WaitReason {
    fn from(delay: Delay) -> WaitReason {
        match delay {
            Delay::RateLimit => WaitReason::RateLimit,
            Delay::Funds => WaitReason::Funds,
        }
    }
}

/// An outcome with the amount that the channel names, if it names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub outcome: Outcome,
    /// Amount of this refund alone, not the sum of several.
    pub amount: Option<Fen>,
}

impl Statement {
    /// Shortens the channel's texts, see [`Outcome::cleaned`].
    pub fn cleaned(self) -> Statement {
        Statement {
            outcome: self.outcome.cleaned(),
            ..self
        }
    }
}

impl From<Outcome> for Statement {
    /// Makes a statement that names no amount.
    fn from(outcome: Outcome) -> Statement {
        Statement {
            outcome,
            amount: None,
        }
    }
}

string_enum! {
    /// An [`Outcome`] without its details.
    OutcomeKind {
        Accepted = "accepted",
        Success = "success",
        Fail = "fail",
        Close = "close",
        NotFound = "not_found",
        Abnormal = "abnormal",
        RetryLater = "retry_later",
        Unknown = "unknown",
    }
}

/// Maximum lengths of the stored texts of a channel's statement, in bytes.
const OUT_REFUND_NO_BYTES: usize = 150;
const CODE_BYTES: usize = 64;
const MSG_BYTES: usize = 1_000;

impl Outcome {
    /// Returns the outcome without its details.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Outcome::Accepted { .. } => OutcomeKind::Accepted,
            Outcome::Success { .. } => OutcomeKind::Success,
            Outcome::Fail { .. } => OutcomeKind::Fail,
            Outcome::Close { .. } => OutcomeKind::Close,
            Outcome::NotFound => OutcomeKind::NotFound,
            Outcome::Abnormal { .. } => OutcomeKind::Abnormal,
            Outcome::RetryLater { .. } => OutcomeKind::RetryLater,
            Outcome::Unknown { .. } => OutcomeKind::Unknown,
        }
    }

    /// Shortens the channel's texts to their stored lengths and replaces characters that a database does not store. A
    /// text that cannot be stored would keep the refund from ever being settled.
    pub fn cleaned(self) -> Outcome {
        let number = |number: Option<String>| number.map(|no| sanitized(&no, OUT_REFUND_NO_BYTES));
        match self {
            Outcome::Accepted { out_refund_no } => Outcome::Accepted {
                out_refund_no: number(out_refund_no),
            },
            Outcome::Success { out_refund_no, at } => Outcome::Success {
                out_refund_no: number(out_refund_no),
                at,
            },
            Outcome::Fail { code, msg } => Outcome::Fail {
                code: sanitized(&code, CODE_BYTES),
                msg: sanitized(&msg, MSG_BYTES),
            },
            Outcome::Close { msg } => Outcome::Close {
                msg: sanitized(&msg, MSG_BYTES),
            },
            Outcome::Abnormal { msg } => Outcome::Abnormal {
                msg: sanitized(&msg, MSG_BYTES),
            },
            Outcome::RetryLater { delay, msg } => Outcome::RetryLater {
                delay,
                msg: sanitized(&msg, MSG_BYTES),
            },
            Outcome::NotFound => Outcome::NotFound,
            Outcome::Unknown { why } => Outcome::Unknown {
                why: sanitized(&why, MSG_BYTES),
            },
        }
    }
}

/// A channel's statement, with its source and the submission that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub source: Source,
    /// Attempt number of the submission that the statement is about: the answered one (`Answer`), the last one when the
    /// channel was asked (`Sync`), or the last one of the number in the callback when it arrived (`Callback`).
    pub attempt: i64,
    pub outcome: Outcome,
    /// Amount that the channel names, if it names one.
    pub amount: Option<Fen>,
    /// Time at which the channel was asked or its callback arrived, by our clock.
    pub at: Timestamp,
}

impl Evidence {
    /// Returns true where the channel names another amount than the refund's.
    pub fn is_about_another_amount(&self, refund: &Refund) -> bool {
        self.amount.is_some_and(|amount| amount != refund.amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_texts_are_cut_and_can_be_stored() {
        let raw = Outcome::Fail {
            code: "C\0".to_owned(),
            msg: "很".repeat(1_000),
        };
        let Outcome::Fail { code, msg } = raw.cleaned() else {
            panic!("the kind stays")
        };
        assert_eq!(code, "C\u{fffd}");
        assert_eq!(msg, "很".repeat(333));
    }
}
