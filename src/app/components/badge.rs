//! States: one word, one colour and one shape each, everywhere.

use leptos::prelude::*;

use super::icon::{Draw, Icon};
use crate::app::look::use_lang;
use crate::app::words;
use crate::domain::callback::Verdict;
use crate::domain::lang::Text;
use crate::domain::notice::NoticeState;
use crate::domain::order::{OrderStatus, RefundSide};
use crate::domain::refund::{FindingWord, RefundStatus};
use crate::domain::words as declare_words;

declare_words! {
    /// What a state means to the person at the desk; each has a colour and a shape. The style sheet knows
    /// it by its word.
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

impl Tone {
    /// The shape of the tone.
    pub fn icon(self) -> Icon {
        match self {
            Tone::Idle => Icon::Ring,
            Tone::Busy => Icon::Half,
            Tone::Good => Icon::Tick,
            Tone::Part => Icon::Part,
            Tone::Bad => Icon::Fail,
            Tone::Over => Icon::Bar,
            Tone::Alert => Icon::Alert,
        }
    }
}

/// How a state is shown.
pub trait State {
    fn tone(&self) -> Tone;
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
        words::order_status(*self)
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
        words::refund_side(*self)
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
        words::refund_status(*self)
    }
}

impl State for FindingWord {
    fn tone(&self) -> Tone {
        match self {
            FindingWord::Accepted => Tone::Busy,
            FindingWord::Success => Tone::Good,
            FindingWord::Fail => Tone::Bad,
            FindingWord::Close => Tone::Over,
            FindingWord::NotFound => Tone::Alert,
            FindingWord::Unknown => Tone::Idle,
        }
    }

    fn text(&self) -> Text {
        words::finding(*self)
    }
}

impl State for NoticeState {
    fn tone(&self) -> Tone {
        match self {
            NoticeState::Waiting => Tone::Busy,
            NoticeState::Delivered => Tone::Good,
            NoticeState::GivenUp => Tone::Alert,
        }
    }

    fn text(&self) -> Text {
        words::notice_state(*self)
    }
}

impl State for Verdict {
    fn tone(&self) -> Tone {
        match self {
            Verdict::Accepted => Tone::Good,
            Verdict::Ignored => Tone::Over,
            Verdict::NotFound => Tone::Alert,
            Verdict::BadSignature => Tone::Bad,
        }
    }

    fn text(&self) -> Text {
        words::verdict(*self)
    }
}

/// A state.
#[component]
pub fn Badge(tone: Tone, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <span class="badge" data-tone=tone.word()>
            <Draw icon=tone.icon()/>
            {text}
        </span>
    }
}

/// The badge of an order's or a refund's state: `state_badge(order.status)`.
pub fn state_badge(state: impl State) -> impl IntoView {
    let lang = use_lang();
    view! { <Badge tone=state.tone() text=state.text().get(lang)/> }
}
