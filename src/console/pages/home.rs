//! The start page.

use leptos::prelude::*;
use leptos_router::components::Redirect;

use crate::console::components::{Empty, Loaded, PageNavigation};
use crate::console::paths::app_path;
use crate::console::texts;

/// Redirects to the orders of the default app: `/`.
#[component]
pub fn HomePage() -> impl IntoView {
    let PageNavigation(navigation) = expect_context();
    view! {
        <Loaded resource=navigation let:navigation>
            {match navigation.apps.first() {
                Some(app) => view! { <Redirect path=app_path(&app.app_id, "orders")/> }.into_any(),
                None => view! { <Empty title=texts::NO_APPS why=texts::NO_APPS_WHY/> }.into_any(),
            }}
        </Loaded>
    }
}
