//! What components and pages ask of the address and of the page around them.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

/// Set while a page is on its way: what is shown is then dimmed, and stays until the new is there.
#[derive(Clone, Copy)]
pub struct Waiting(pub RwSignal<bool>);

/// The app whose pages are shown: the `DEMO` of `/apps/DEMO/orders`; empty outside of any.
pub fn use_app_id() -> Memo<String> {
    let path = use_location().pathname;
    Memo::new(move |_| {
        path.with(|path| {
            let mut parts = path.split('/').skip(1);
            match (parts.next(), parts.next()) {
                (Some("apps"), Some(app_id)) => leptos_router::location::Url::unescape(app_id),
                _ => String::new(),
            }
        })
    })
}

/// The number that the page is about: the last segment of `/apps/:app_id/orders/:number`.
pub fn use_number() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("number").unwrap_or_default()))
}
