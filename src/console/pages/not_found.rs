//! The page at an address that does not exist.

use leptos::prelude::*;

use crate::console::components::PageTitle;
use crate::console::preferences::use_texts;
use crate::console::texts;

/// Shows that there is no such page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    let t = use_texts();
    view! {
        <PageTitle text=t(texts::NOT_FOUND)/>
        <main class="alone">
            <h1>{t(texts::NOT_FOUND)}</h1>
            <p>{t(texts::NOT_FOUND_WHY)}</p>
            <p>
                <a href="/">{t(texts::TO_ORDERS)}</a>
            </p>
        </main>
    }
}
