//! Chips: the states of a list with their counts, each a link that narrows the list to it.

use leptos::prelude::*;

use super::badge::Tone;
use super::filters::ListUrl;
use super::icon::{Draw, Icon};
use crate::app::look::use_words;
use crate::app::words;
use crate::domain::filter::Count;
use crate::domain::lang::Text;

/// A row of [`Chip`]s.
#[component]
pub fn Chips(label: Text, children: Children) -> impl IntoView {
    let t = use_words();
    view! { <nav class="chips" aria-label=t(label)>{children()}</nav> }
}

/// One chip: sets the list's parameter `name` to `value`, or takes it away again where it has that.
#[component]
pub fn Chip(
    name: &'static str,
    value: &'static str,
    text: Text,
    #[prop(optional, into)] tone: Option<Tone>,
    #[prop(optional, into)] count: Option<Count>,
) -> impl IntoView {
    let t = use_words();
    let list = expect_context::<ListUrl>();
    let is_set = move || list.query.with(|query| query.get(name) == value);
    let href = move || {
        let value = if is_set() { "" } else { value };
        list.href(&list.query.get().first_page().with(name, value))
    };
    let current = move || is_set().then_some("true");
    let cross = move || {
        (is_set() && !value.is_empty()).then(|| view! { <Draw icon=Icon::Cross/> }.into_any())
    };
    view! {
        <a class="chip" href=href aria-current=current data-tone=tone.map(Tone::word) data-noscroll>
            {tone.map(|tone| view! { <Draw icon=tone.icon()/> }.into_any())}
            {t(text)}
            {count.map(|count| view! { <span class="total">{words::count(count)}</span> }.into_any())}
            {cross}
        </a>
    }
}
