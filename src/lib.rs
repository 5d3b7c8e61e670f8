//! Refundry.
use leptos::prelude::*;
#[component]
pub fn App() -> impl IntoView { view! { <p>"hello"</p> } }
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() { leptos::mount::hydrate_body(App); }
