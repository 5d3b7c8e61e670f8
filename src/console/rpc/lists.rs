//! Server functions for lists.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::console::view::ListName;
use crate::console::view::{ApiError, ListView};

/// Loads one page of an app's list. `query` is the query part of the page's URL.
#[server(endpoint = "list", input = GetUrl)]
pub async fn load_list(
    app_id: String,
    name: ListName,
    #[server(default)] query: String,
) -> Result<ListView, ApiError> {
    crate::server::desk::lists::load(&app_id, name, &query).await
}
