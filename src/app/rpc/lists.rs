//! The lists.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::{Json, Packed, Trouble};
use crate::app::view::ListView;
use crate::domain::words;

words! {
    /// Which list.
    ListName {
        Orders = "orders",
        Refunds = "refunds",
        Inbox = "inbox",
        Notices = "notices",
        Callbacks = "callbacks",
        Syncs = "syncs",
    }
}

/// One page of an app's list. `query` is the query part of the page's URL.
#[server(endpoint = "list", input = GetUrl, output = Json)]
pub async fn load_list(
    app: String,
    name: ListName,
    #[server(default)] query: String,
) -> Result<Packed<ListView>, Trouble> {
    Ok(Packed::of(
        &crate::server::console::lists::load(&app, name, &query).await?,
    ))
}
