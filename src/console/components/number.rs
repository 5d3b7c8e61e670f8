//! Components for numbers, amounts and moments.

use leptos::prelude::*;

use crate::console::components::icon::{Draw, Icon};
use crate::console::preferences::use_lang;
use crate::console::texts;
use crate::console::view::Stamp;
use crate::domain::lang::Text;
use crate::domain::money::Fen;

/// Shows a long number with a button that copies it. `what` names the number for the button: "Copy order number".
#[component]
pub fn Number(
    #[prop(into)] number: String,
    what: Text,
    /// Page that the number links to.
    #[prop(optional, into)]
    href: Option<String>,
    /// True where the number is the subject of its table row: the whole row links to `href`, `j` and `k` move from row
    /// to row, `c` copies, and the tab key skips the copy button.
    #[prop(optional)]
    of_row: bool,
) -> impl IntoView {
    let lang = use_lang();
    let label = texts::copy(what, lang);
    let text = number.clone();
    let shown = match href {
        Some(href) => {
            view! { <a class="mono" href=href data-row=of_row><Given text/></a> }.into_any()
        }
        None => view! { <span class="mono"><Given text/></span> }.into_any(),
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

/// Shows a number that may be absent.
#[component]
pub fn MaybeNumber(number: Option<String>, what: Text) -> impl IntoView {
    match number {
        Some(number) => view! { <Number number what/> }.into_any(),
        None => view! { <Nothing/> }.into_any(),
    }
}

/// Shows a text that merchants, payers or channels wrote. A change of the writing direction within it ends with it: it could
/// otherwise turn round the text after it.
#[component]
pub fn Given(text: String) -> impl IntoView {
    view! { <bdi>{text}</bdi> }
}

/// Shows a text of others that may be absent.
#[component]
pub fn MaybeText(text: Option<String>) -> impl IntoView {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => view! { <Given text/> }.into_any(),
        None => view! { <Nothing/> }.into_any(),
    }
}

/// Shows a dash in place of an absent value.
#[component]
pub fn Nothing() -> impl IntoView {
    let lang = use_lang();
    view! { <span class="faint">{texts::NONE.get(lang)}</span> }
}

/// Shows an amount. The head of its column names the currency, or else `unit` adds it.
#[component]
pub fn Money(amount: Fen, #[prop(optional)] unit: bool) -> impl IntoView {
    let lang = use_lang();
    let text = match unit {
        true => texts::yuan(amount, lang),
        false => amount.to_string(),
    };
    view! { <span class="money" class:faint=amount == Fen::ZERO>{text}</span> }
}

/// Shows a moment in the operator's zone to the second, and its age on hover. The zone is named once, in the
/// table's head or the list of facts.
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
