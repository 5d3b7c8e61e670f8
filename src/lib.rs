//! Refundry, a refund desk: an operators' console and a merchants' gateway over one domain.
//!
//! `domain` is pure and compiled for server and browser, `wire` is the merchants' protocol without I/O,
//! `server` holds everything that does I/O, `console` is what operators see, rendered by the server and
//! taken over by the browser. `ARCHITECTURE.md` is the map.

pub mod console;
#[cfg(not(target_arch = "wasm32"))]
pub mod demo;
pub mod domain;
#[cfg(not(target_arch = "wasm32"))]
pub mod server;
#[cfg(not(target_arch = "wasm32"))]
pub mod wire;

/// Takes over the page that the server rendered. Called by the page's module script.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    let path = leptos::prelude::location().pathname().unwrap_or_default();
    if !console::pages::load_for(&path).await {
        // It then stays the plain page that it is.
        return;
    }
    leptos::mount::hydrate_body(console::Console);
    // Says so on the root element, once what was loaded has been taken over too.
    leptos::prelude::request_animation_frame(|| {
        if let Some(root) = leptos::prelude::document().document_element() {
            let _ = root.set_attribute("data-hydrated", "");
        }
    });
}
