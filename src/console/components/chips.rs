//! Chips: the states of a list with their counts, each a link that narrows the list to it.

use leptos::prelude::*;

use crate::console::components::badge::icon_of;
use crate::console::components::icon::{Draw, Icon};
use crate::console::hooks::ListUrl;
use crate::console::preferences::use_texts;
use crate::console::texts;
use crate::console::view::Chip;

/// Shows a row of chips, or nothing for a list without chips.
#[component]
pub fn Chips(chips: Vec<Chip>) -> impl IntoView {
    let t = use_texts();
    if chips.is_empty() {
        return ().into_any();
    }
    let chips = chips
        .into_iter()
        .map(|chip| view! { <OneChip chip/> }.into_any())
        .collect_view();
    view! { <nav class="chips" aria-label=t(texts::STATUS)>{chips}</nav> }.into_any()
}

/// Shows a chip: a link that sets the list's parameter to the chip's value, or removes the parameter where it has
/// that value already.
#[component]
fn OneChip(chip: Chip) -> impl IntoView {
    let list = expect_context::<ListUrl>();
    let Chip {
        name,
        value,
        text,
        tone,
        count,
    } = chip;
    let removable = !value.is_empty();
    let is_set = Memo::new({
        let (name, value) = (name.clone(), value.clone());
        move |_| list.query.with(|query| query.get(&name) == value)
    });
    let href = move || {
        let value = if is_set.get() { "" } else { &value };
        list.href(&list.query.get().first_page().with(&name, value))
    };
    let current = move || is_set.get().then_some("true");
    let cross =
        move || (is_set.get() && removable).then(|| view! { <Draw icon=Icon::Cross/> }.into_any());
    view! {
        <a class="chip" href=href aria-current=current data-tone=tone.map(|tone| tone.as_str()) data-noscroll>
            {tone.map(|tone| view! { <Draw icon=icon_of(tone)/> }.into_any())}
            {text}
            <span class="total">{texts::count(count)}</span>
            {cross}
        </a>
    }
}
