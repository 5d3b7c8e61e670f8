//! Payment orders.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::Trouble;
use crate::app::view::{Days, Stamp};
use crate::domain::filter::Page;
use crate::domain::order::Order;

/// One page of the list of orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderList {
    pub page: Page<OrderRow>,
    /// The zone of all times in the list.
    pub zone: String,
    pub days: Days,
}

/// One row of the list of orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    pub order: Order,
    pub created: Stamp,
}

/// Lists an app's orders. `query` is the query part of the page's URL.
#[server(endpoint = "orders", input = GetUrl)]
pub async fn list_orders(
    app: String,
    #[server(default)] query: String,
) -> Result<OrderList, Trouble> {
    crate::server::console::orders::list(&app, &query).await
}
