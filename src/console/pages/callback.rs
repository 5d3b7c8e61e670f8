//! One callback: as it came, and what became of it.

use leptos::prelude::*;

use crate::console::components::*;
use crate::console::hooks::use_app_id;
use crate::console::hooks::use_number;
use crate::console::rpc::records::load_callback;
use crate::console::texts;

/// `/apps/:app_id/callbacks/:number`
#[component]
pub fn CallbackPage() -> impl IntoView {
    let (app_id, number) = (use_app_id(), use_number());
    let callback = Loader::new(move || (app_id.get(), number.get(), 0), load_callback);
    view! { <DetailPage detail=callback kind=texts::CALLBACK act=|_, _| ().into_any()/> }
}
