//! The keys, as a page of its own for when scripts are off.

use leptos::prelude::*;

use crate::console::components::{Keys, PageTitle};
use crate::console::preferences::use_texts;
use crate::console::texts;

/// `/help`
#[component]
pub fn HelpPage() -> impl IntoView {
    let t = use_texts();
    view! {
        <PageTitle text=t(texts::KEYBOARD)/>
        <h1>{t(texts::KEYBOARD)}</h1>
        <Keys/>
    }
}
