//! Server functions for payment orders.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::console::view::ApiError;
use crate::console::view::OrderView;

/// Loads an order.
#[server(endpoint = "order", input = GetUrl)]
pub async fn load_order(app_id: String, order_no: String) -> Result<OrderView, ApiError> {
    crate::server::desk::orders::load(&app_id, &order_no).await
}

/// Asks the channel for the order's true state, and redirects to the order.
#[server(endpoint = "order/sync")]
pub async fn sync_order(app_id: String, order_no: String) -> Result<(), ApiError> {
    crate::server::desk::orders::sync(&app_id, &order_no).await
}

/// Issues a refund of an order from the typed values, and redirects to the refund.
#[server(endpoint = "order/refund")]
pub async fn refund_order(
    app_id: String,
    order_no: String,
    #[server(default)] amount: String,
    #[server(default)] reason: String,
    #[server(default)] biz_refund_no: String,
    #[server(default)] expected: String,
) -> Result<(), ApiError> {
    let typed = crate::console::view::refund_form::Typed {
        amount,
        reason,
        biz_refund_no,
        expected,
    };
    crate::server::desk::orders::refund(&app_id, &order_no, typed).await
}
