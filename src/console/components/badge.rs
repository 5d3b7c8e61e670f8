//! Badges, which show a state by a word, a colour and a shape.

use leptos::prelude::*;

use crate::console::components::icon::{Draw, Icon};
use crate::console::preferences::{use_lang, use_texts};
use crate::console::texts;
use crate::console::view::{State, Tone};
use crate::domain::order::Channel;

/// Returns the shape of a tone.
pub fn icon_of(tone: Tone) -> Icon {
    match tone {
        Tone::Idle => Icon::Ring,
        Tone::Busy => Icon::Half,
        Tone::Good => Icon::Tick,
        Tone::Part => Icon::Part,
        Tone::Bad => Icon::Fail,
        Tone::Over => Icon::Bar,
        Tone::Alert => Icon::Alert,
    }
}

/// Shows a state.
#[component]
pub fn Badge(tone: Tone, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <span class="badge" data-tone=tone.as_str()>
            <Draw icon=icon_of(tone)/>
            {text}
        </span>
    }
}

/// Shows a channel, marked where the sandbox stands in for it.
#[component]
pub fn ChannelName(channel: Channel, test_mode: bool) -> impl IntoView {
    let t = use_texts();
    let mark = test_mode
        .then(|| view! { " " <small class="test">{t(texts::TEST_MODE)}</small> }.into_any());
    view! {
        {t(texts::channel(channel))}
        {mark}
    }
}

/// Shows the state of an order, a refund or a notice: `state_badge(order.status)`.
pub fn state_badge(state: impl State) -> impl IntoView {
    let lang = use_lang();
    view! { <Badge tone=state.tone() text=state.text().get(lang)/> }
}
