//! The page of a callback: the request as received, and its verdict.

use leptos::prelude::*;

use crate::console::components::*;
use crate::console::hooks::use_app_id;
use crate::console::hooks::use_number;
use crate::console::rpc::records::load_callback;
use crate::console::texts;

/// Shows a callback: `/apps/:app_id/callbacks/:number`.
#[component]
pub fn CallbackPage() -> impl IntoView {
    let (app_id, number) = (use_app_id(), use_number());
    let callback = Loader::new(move || (app_id.get(), number.get(), 0), load_callback);
    view! { <DetailPage detail=callback kind=texts::CALLBACK show_action=|_, _| ().into_any()/> }
}
