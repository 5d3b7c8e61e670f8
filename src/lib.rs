//! Refundry, a refund desk: an operators' console and a merchants' gateway over one domain.
//!
//! `domain` is pure and compiled for server and browser; `wire` is the merchants' protocol without I/O; `server` holds
//! all that does I/O; `console` is the operators' pages, rendered by the server and hydrated in the browser.
//! `ARCHITECTURE.md` is the map.

pub mod console;
#[cfg(not(target_arch = "wasm32"))]
pub mod demo;
pub mod domain;
#[cfg(not(target_arch = "wasm32"))]
pub mod server;
#[cfg(not(target_arch = "wasm32"))]
pub mod wire;

/// Hydrates the page that the server rendered. Called by the page's module script.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    let path = leptos::prelude::location().pathname().unwrap_or_default();
    if !console::pages::load_for(&path).await {
        // Without hydration, the page still works as plain HTML.
        return;
    }
    leptos::mount::hydrate_body(console::Console);
    // Marks the root element once the page's lazily loaded parts are hydrated too.
    leptos::prelude::request_animation_frame(|| {
        if let Some(root) = leptos::prelude::document().document_element() {
            let _ = root.set_attribute("data-hydrated", "");
        }
    });
}
