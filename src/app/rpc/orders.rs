//! Payment orders.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::{Json, Packed, Trouble};
use crate::app::view::{Entry, Stamp};
use crate::domain::order::Order;
use crate::domain::refund::Refund;

/// An order with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    pub order: Order,
    pub created: Stamp,
    pub paid: Option<Stamp>,
    /// The zone of all times.
    pub zone: String,
    /// Its refunds, newest first.
    pub refunds: Vec<RefundOfOrder>,
    /// Its events, newest first.
    pub timeline: Vec<Entry>,
    /// Whether this operator may refund and sync.
    pub may_move_money: bool,
    /// Why the order cannot be refunded at all, whatever the amount, in the operator's language.
    pub obstacle: Option<String>,
    /// A merchant's refund number for the refund that this page may ask for. Fixed when the page is
    /// made: however often the form is sent, it is one refund.
    pub biz_refund_no: String,
}

/// One of an order's refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOfOrder {
    pub refund: Refund,
    pub created: Stamp,
}

/// Loads an order.
#[server(endpoint = "order", input = GetUrl, output = Json)]
pub async fn load_order(app: String, order_no: String) -> Result<Packed<OrderView>, Trouble> {
    Ok(Packed::of(
        &crate::server::console::orders::load(&app, &order_no).await?,
    ))
}

/// Asks the channel for the order's true state. Leads back to the order.
#[server(endpoint = "order/sync", output = Json)]
pub async fn sync_order(app: String, order_no: String) -> Result<(), Trouble> {
    crate::server::console::orders::sync(&app, &order_no).await
}

/// Issues a refund of an order, as typed. Leads to the refund.
#[server(endpoint = "order/refund", output = Json)]
pub async fn refund_order(
    app: String,
    order_no: String,
    #[server(default)] amount: String,
    #[server(default)] reason: String,
    #[server(default)] biz_refund_no: String,
    #[server(default)] expected: String,
) -> Result<(), Trouble> {
    let typed = crate::app::refund_form::Typed {
        amount,
        reason,
        biz_refund_no,
        expected,
    };
    crate::server::console::orders::refund(&app, &order_no, typed).await
}
