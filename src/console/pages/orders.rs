//! The list of orders.

use leptos::prelude::*;

use crate::console::components::*;
use crate::console::texts;
use crate::console::view::ListName;
use crate::domain::filter::Sort;
use crate::domain::order::{OrderStatus, RefundSide};

static ORDERS: List = List {
    name: ListName::Orders,
    title: texts::ORDERS,
    filters: &[
        Filter::CHANNEL,
        Filter::Choice {
            name: "status",
            label: texts::STATUS,
            any: texts::ANY_STATUS,
            options: || choices(OrderStatus::ALL, OrderStatus::as_str, texts::order_status),
        },
        Filter::Choice {
            name: "refund",
            label: texts::REFUND_SIDE,
            any: texts::ANY_REFUND_SIDE,
            options: || choices(RefundSide::ALL, RefundSide::as_str, texts::refund_side),
        },
        Filter::Amounts,
        Filter::Days,
        Filter::TITLE,
        Filter::NUMBER,
    ],
    chips: &[],
    columns: &[
        Column::new(texts::ORDER_NO),
        Column::new(texts::BIZ_ORDER_NO),
        Column::new(texts::TITLE),
        Column::new(texts::CHANNEL),
        Column::amounts(texts::AMOUNT_YUAN).sorts(Sort::AmountAsc, Sort::AmountDesc),
        Column::amounts(texts::REFUNDABLE).wide(),
        Column::new(texts::STATUS),
        Column::new(texts::REFUND_SIDE),
        Column::times(texts::CREATED).sorts(Sort::TimeAsc, Sort::TimeDesc),
    ],
    empty: |query| match query.narrows() {
        true => (texts::NOTHING_MATCHES, texts::NO_ORDERS_MATCH_WHY),
        false => (texts::NO_ORDERS, texts::NO_ORDERS_WHY),
    },
    sync: None,
    go_on: None,
};

/// Shows the list: `/apps/:app_id/orders`.
#[component]
pub fn OrdersPage() -> impl IntoView {
    view! { <ListPage list=&ORDERS/> }
}
