//! The list of refunds.

use leptos::prelude::*;

use crate::app::components::*;
use crate::app::rpc::lists::ListName;
use crate::app::words;
use crate::domain::filter::Sort;

static REFUNDS: List = List {
    name: ListName::Refunds,
    title: words::REFUNDS,
    filters: &[
        Filter::CHANNEL,
        Filter::Amounts,
        Filter::Days,
        Filter::TITLE,
        Filter::NUMBER,
    ],
    chips: &["status", "attention"],
    columns: &[
        Column::new(words::REFUND_NO),
        Column::new(words::BIZ_REFUND_NO),
        Column::new(words::BIZ_ORDER_NO).wide(),
        Column::new(words::TITLE),
        Column::new(words::CHANNEL),
        Column::amounts(words::AMOUNT_YUAN).sorts(Sort::AmountAsc, Sort::AmountDesc),
        Column::new(words::STATUS),
        Column::times(words::CREATED).sorts(Sort::TimeAsc, Sort::TimeDesc),
    ],
    empty: |query| {
        if !query.narrows() {
            (words::NO_REFUNDS, words::NO_REFUNDS_WHY)
        } else if !query.without(&["attention"]).narrows() {
            (words::NOTHING_TO_DO, words::NOTHING_TO_DO_WHY)
        } else {
            (words::NOTHING_MATCHES, words::NO_REFUNDS_MATCH_WHY)
        }
    },
    sync: None,
    go_on: Some(("orders", words::TO_ORDERS)),
};

/// `/apps/:app/refunds`
#[component]
pub fn RefundsPage() -> impl IntoView {
    view! { <ListPage list=&REFUNDS/> }
}
