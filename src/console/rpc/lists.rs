//! The lists.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::console::rpc::{Json, Packed};
use crate::console::view::ListName;
use crate::console::view::{ApiError, ListView};

/// Loads one page of an app's list. `query` is the query part of the page's URL.
#[server(endpoint = "list", input = GetUrl, output = Json)]
pub async fn load_list(
    app_id: String,
    name: ListName,
    #[server(default)] query: String,
) -> Result<Packed<ListView>, ApiError> {
    Ok(Packed::of(
        &crate::server::desk::lists::load(&app_id, name, &query).await?,
    ))
}
