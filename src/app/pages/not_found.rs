//! What stands at an address that leads nowhere.

use leptos::prelude::*;

use crate::app::components::PageTitle;
use crate::app::look::use_words;
use crate::app::words;

/// Any other address.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    let t = use_words();
    view! {
        <PageTitle text=t(words::NOT_FOUND)/>
        <main class="alone">
            <h1>{t(words::NOT_FOUND)}</h1>
            <p>{t(words::NOT_FOUND_WHY)}</p>
            <p>
                <a href="/">{t(words::TO_ORDERS)}</a>
            </p>
        </main>
    }
}
