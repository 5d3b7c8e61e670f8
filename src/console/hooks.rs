//! Hooks: values that components and pages read from the address and from the surrounding page.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map};

/// A signal that is set while a page loads. The old page stays, dimmed, until the new one is there.
#[derive(Clone, Copy)]
pub struct Waiting(pub RwSignal<bool>);

/// Returns the id of the app whose page is shown: `DEMO` for `/apps/DEMO/orders`, empty outside of `/apps`.
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

/// Returns the number that the page is about: the last segment of `/apps/:app_id/orders/:number`.
pub fn use_number() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("number").unwrap_or_default()))
}
