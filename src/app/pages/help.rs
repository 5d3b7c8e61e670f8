//! The keys, as a page of its own for when scripts are off.

use leptos::prelude::*;

use crate::app::components::{Keys, PageTitle};
use crate::app::look::use_words;
use crate::app::words;

/// `/help`
#[component]
pub fn HelpPage() -> impl IntoView {
    let t = use_words();
    view! {
        <PageTitle text=t(words::KEYBOARD)/>
        <h1>{t(words::KEYBOARD)}</h1>
        <Keys/>
    }
}
