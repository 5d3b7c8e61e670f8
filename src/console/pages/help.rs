//! The list of shortcuts as a page, for browsers without scripts.

use leptos::prelude::*;

use crate::console::components::{Keys, PageTitle};
use crate::console::preferences::use_texts;
use crate::console::texts;

/// Lists the shortcuts: `/help`.
#[component]
pub fn HelpPage() -> impl IntoView {
    let t = use_texts();
    view! {
        <PageTitle text=t(texts::KEYBOARD)/>
        <h1>{t(texts::KEYBOARD)}</h1>
        <Keys/>
    }
}
