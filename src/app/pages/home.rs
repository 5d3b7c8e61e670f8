//! Leads to the orders of the default app.

use leptos::prelude::*;
use leptos_router::components::Redirect;

use crate::app::components::{DeskOfPage, Empty, Loaded, app_path};
use crate::app::words;

/// `/`
#[component]
pub fn HomePage() -> impl IntoView {
    let DeskOfPage(desk) = expect_context();
    view! {
        <Loaded resource=desk let:desk>
            {match desk.apps.first() {
                Some(app) => view! { <Redirect path=app_path(&app.app_id, "orders")/> }.into_any(),
                None => view! { <Empty title=words::NO_APPS why=words::NO_APPS_WHY/> }.into_any(),
            }}
        </Loaded>
    }
}
