//! One callback: as it came, and what became of it.

use leptos::prelude::*;

use crate::app::components::*;
use crate::app::rpc::records::load_callback;
use crate::app::words;

/// `/apps/:app/callbacks/:number`
#[component]
pub fn CallbackPage() -> impl IntoView {
    let (app, number) = (use_app_id(), use_number());
    let callback = Ask::new(move || (app.get(), number.get(), 0), load_callback);
    view! { <SheetPage sheet=callback kind=words::CALLBACK act=|_, _| ().into_any()/> }
}
