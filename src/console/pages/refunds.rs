//! The list of refunds.

use leptos::prelude::*;

use crate::console::components::*;
use crate::console::texts;
use crate::console::view::ListName;
use crate::domain::filter::Sort;

static REFUNDS: List = List {
    name: ListName::Refunds,
    title: texts::REFUNDS,
    filters: &[
        Filter::CHANNEL,
        Filter::Amounts,
        Filter::Days,
        Filter::TITLE,
        Filter::NUMBER,
    ],
    chips: &["status", "review"],
    columns: &[
        Column::new(texts::REFUND_NO),
        Column::new(texts::BIZ_REFUND_NO),
        Column::new(texts::BIZ_ORDER_NO).wide(),
        Column::new(texts::TITLE),
        Column::new(texts::CHANNEL),
        Column::amounts(texts::AMOUNT_YUAN).sorts(Sort::AmountAsc, Sort::AmountDesc),
        Column::new(texts::STATUS),
        Column::times(texts::CREATED).sorts(Sort::TimeAsc, Sort::TimeDesc),
    ],
    empty: |query| {
        if !query.narrows() {
            (texts::NO_REFUNDS, texts::NO_REFUNDS_WHY)
        } else if !query.without(&["review"]).narrows() {
            (texts::NOTHING_TO_DO, texts::NOTHING_TO_DO_WHY)
        } else {
            (texts::NOTHING_MATCHES, texts::NO_REFUNDS_MATCH_WHY)
        }
    },
    sync: None,
    go_on: Some(("orders", texts::TO_ORDERS)),
};

/// Shows the list: `/apps/:app_id/refunds`.
#[component]
pub fn RefundsPage() -> impl IntoView {
    view! { <ListPage list=&REFUNDS/> }
}
