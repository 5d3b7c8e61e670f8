//! States of things. Each has one word, one colour and one shape everywhere.

use crate::console::texts;
use crate::domain::callback::Verdict;
use crate::domain::lang::Text;
use crate::domain::notice::NoticeState;
use crate::domain::order::{OrderStatus, RefundSide};
use crate::domain::refund::{OutcomeKind, RefundStatus};
use crate::domain::string_enum;

string_enum! {
    /// The meaning of a state to the operator, which decides its colour (`data-tone` in the style sheet) and its shape
    /// (`icon_of`).
    Tone {
        /// Nothing has happened yet.
        Idle = "idle",
        /// Under way.
        Busy = "busy",
        /// Done.
        Good = "good",
        /// Done in part.
        Part = "part",
        /// Refused or failed.
        Bad = "bad",
        /// Over, without a result.
        Over = "over",
        /// A person has to look.
        Alert = "alert",
    }
}

/// A state that can be shown.
pub trait State {
    /// Returns the state's tone.
    fn tone(&self) -> Tone;
    /// Returns the state's word.
    fn text(&self) -> Text;
}

impl State for OrderStatus {
    fn tone(&self) -> Tone {
        match self {
            OrderStatus::Wait => Tone::Idle,
            OrderStatus::Progress => Tone::Busy,
            OrderStatus::Success => Tone::Good,
            OrderStatus::Close | OrderStatus::Cancel | OrderStatus::Timeout => Tone::Over,
            OrderStatus::Fail => Tone::Bad,
        }
    }

    fn text(&self) -> Text {
        texts::order_status(*self)
    }
}

impl State for RefundSide {
    fn tone(&self) -> Tone {
        match self {
            RefundSide::NoRefund => Tone::Idle,
            RefundSide::Refunding => Tone::Busy,
            RefundSide::PartialRefund => Tone::Part,
            RefundSide::Refunded => Tone::Good,
        }
    }

    fn text(&self) -> Text {
        texts::refund_side(*self)
    }
}

impl State for RefundStatus {
    fn tone(&self) -> Tone {
        match self {
            RefundStatus::Progress => Tone::Busy,
            RefundStatus::Success => Tone::Good,
            RefundStatus::Fail => Tone::Bad,
            RefundStatus::Close => Tone::Over,
        }
    }

    fn text(&self) -> Text {
        texts::refund_status(*self)
    }
}

impl State for OutcomeKind {
    fn tone(&self) -> Tone {
        match self {
            OutcomeKind::Accepted => Tone::Busy,
            OutcomeKind::Success => Tone::Good,
            OutcomeKind::Fail => Tone::Bad,
            OutcomeKind::Close => Tone::Over,
            OutcomeKind::NotFound => Tone::Alert,
            OutcomeKind::Unknown | OutcomeKind::RetryLater => Tone::Idle,
            OutcomeKind::Abnormal => Tone::Bad,
        }
    }

    fn text(&self) -> Text {
        texts::outcome_kind(*self)
    }
}

impl State for NoticeState {
    fn tone(&self) -> Tone {
        match self {
            NoticeState::Waiting => Tone::Busy,
            NoticeState::Delivered => Tone::Good,
            NoticeState::GivenUp | NoticeState::NoAddress => Tone::Alert,
            NoticeState::Superseded => Tone::Over,
        }
    }

    fn text(&self) -> Text {
        texts::notice_state(*self)
    }
}

impl State for Verdict {
    fn tone(&self) -> Tone {
        match self {
            Verdict::Accepted => Tone::Good,
            Verdict::Ignored => Tone::Over,
            Verdict::NotFound | Verdict::AmountDiffers => Tone::Alert,
            Verdict::BadSignature => Tone::Bad,
        }
    }

    fn text(&self) -> Text {
        texts::verdict(*self)
    }
}
