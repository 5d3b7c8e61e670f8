//! Server functions of restored mode.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::console::view::{ApiError, DetailView};

/// Loads the state of restored mode.
#[server(endpoint = "restored", input = GetUrl)]
pub async fn load_restored() -> Result<DetailView, ApiError> {
    crate::server::desk::restored::load().await
}

/// Ends restored mode, and redirects to its page. `confirmation` is the phrase that the page asks to type.
#[server(endpoint = "restored/end")]
pub async fn end_restored(
    #[server(default)] note: String,
    #[server(default)] confirmation: String,
) -> Result<(), ApiError> {
    crate::server::desk::restored::end(&note, &confirmation).await
}
