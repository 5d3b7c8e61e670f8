//! Numbers, amounts and moments.

use leptos::prelude::*;

use crate::console::components::icon::{Draw, Icon};
use crate::console::preferences::use_lang;
use crate::console::texts;
use crate::console::view::Stamp;
use crate::domain::lang::Text;
use crate::domain::money::Fen;

/// A long number, with a button that copies it. `what` names it for the button.
#[component]
pub fn Number(
    #[prop(into)] number: String,
    what: Text,
    /// Where the number leads.
    #[prop(optional, into)]
    href: Option<String>,
    /// The number is what its table row is about: the whole row leads to `href`, `j` and `k` go from
    /// row to row, and `c` copies. The button is then no stop of its own for the tab key.
    #[prop(optional)]
    of_row: bool,
) -> impl IntoView {
    let lang = use_lang();
    let label = texts::copy(what, lang);
    let text = number.clone();
    let shown = match href {
        Some(href) => view! { <a class="mono" href=href data-row=of_row>{text}</a> }.into_any(),
        None => view! { <span class="mono">{text}</span> }.into_any(),
    };
    view! {
        <span class="number">
            {shown}
            <button
                type="button"
                class="copy"
                data-copy=number
                data-done=texts::COPIED.get(lang)
                aria-label=label.clone()
                title=label
                tabindex=of_row.then_some("-1")
            >
                <Draw icon=Icon::Copy/>
            </button>
        </span>
    }
}

/// A number that may be absent.
#[component]
pub fn MaybeNumber(number: Option<String>, what: Text) -> impl IntoView {
    match number {
        Some(number) => view! { <Number number what/> }.into_any(),
        None => view! { <Nothing/> }.into_any(),
    }
}

/// A text that may be absent.
#[component]
pub fn MaybeText(text: Option<String>) -> impl IntoView {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => text.into_any(),
        None => view! { <Nothing/> }.into_any(),
    }
}

/// Stands where there is no value.
#[component]
pub fn Nothing() -> impl IntoView {
    let lang = use_lang();
    view! { <span class="faint">{texts::NONE.get(lang)}</span> }
}

/// An amount. The currency stands in the head of its column, or is said by `unit`.
#[component]
pub fn Money(amount: Fen, #[prop(optional)] unit: bool) -> impl IntoView {
    let lang = use_lang();
    let text = match unit {
        true => texts::yuan(amount, lang),
        false => amount.to_string(),
    };
    view! { <span class="money" class:faint=amount == Fen::ZERO>{text}</span> }
}

/// A moment: date and second in the operator's zone, how long ago on hover. Name the zone once, in
/// the head of the table or the list of facts.
#[component]
pub fn When(stamp: Stamp) -> impl IntoView {
    let lang = use_lang();
    view! {
        <time
            datetime=stamp.local.replace(' ', "T")
            title=texts::ago(stamp.ago_s, lang)
        >
            {stamp.local.clone()}
        </time>
    }
}
