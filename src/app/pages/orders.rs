//! The list of orders.

use leptos::prelude::*;

use crate::app::components::*;
use crate::app::rpc::lists::ListName;
use crate::app::words;
use crate::domain::filter::Sort;
use crate::domain::order::{OrderStatus, RefundSide};

static ORDERS: List = List {
    name: ListName::Orders,
    title: words::ORDERS,
    filters: &[
        Filter::CHANNEL,
        Filter::Choice {
            name: "status",
            label: words::STATUS,
            any: words::ANY_STATUS,
            options: || choices(OrderStatus::ALL, OrderStatus::word, words::order_status),
        },
        Filter::Choice {
            name: "refund",
            label: words::REFUND_SIDE,
            any: words::ANY_REFUND_SIDE,
            options: || choices(RefundSide::ALL, RefundSide::word, words::refund_side),
        },
        Filter::Amounts,
        Filter::Days,
        Filter::TITLE,
        Filter::NUMBER,
    ],
    chips: &[],
    columns: &[
        Column::new(words::ORDER_NO),
        Column::new(words::BIZ_ORDER_NO),
        Column::new(words::TITLE),
        Column::new(words::CHANNEL),
        Column::amounts(words::AMOUNT_YUAN).sorts(Sort::AmountAsc, Sort::AmountDesc),
        Column::amounts(words::REFUNDABLE).wide(),
        Column::new(words::STATUS),
        Column::new(words::REFUND_SIDE),
        Column::times(words::CREATED).sorts(Sort::TimeAsc, Sort::TimeDesc),
    ],
    empty: |query| match query.narrows() {
        true => (words::NOTHING_MATCHES, words::NO_ORDERS_MATCH_WHY),
        false => (words::NO_ORDERS, words::NO_ORDERS_WHY),
    },
    sync: None,
    go_on: None,
};

/// `/apps/:app/orders`
#[component]
pub fn OrdersPage() -> impl IntoView {
    view! { <ListPage list=&ORDERS/> }
}
