//! Lists of facts: names and values in two columns.

use leptos::prelude::*;

use crate::console::preferences::use_texts;
use crate::domain::lang::Text;

/// Shows a list of [`Fact`]s.
#[component]
pub fn Facts(children: Children) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// Shows one fact.
#[component]
pub fn Fact(name: Text, children: Children) -> impl IntoView {
    let t = use_texts();
    view! {
        <div>
            <dt>{t(name)}</dt>
            <dd>{children()}</dd>
        </div>
    }
}
