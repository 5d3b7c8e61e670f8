//! The review queue, and the lists of notices, callbacks and syncs.

use leptos::prelude::*;

use crate::console::components::*;
use crate::console::rpc::refunds::SyncRefund;
use crate::console::texts;
use crate::console::view::ListName;
use crate::console::view::query::Query;
use crate::domain::lang::Text;
use crate::domain::refund::OutcomeKind;

static REVIEW_QUEUE: List = List {
    name: ListName::ReviewQueue,
    title: texts::REVIEW_QUEUE_TITLE,
    filters: &[],
    chips: &["review"],
    columns: &[
        Column::new(texts::REFUND_NO),
        Column::new(texts::BIZ_ORDER_NO).wide(),
        Column::new(texts::OPEN_FOR),
        Column::amounts(texts::HELD_YUAN),
        Column::new(texts::LAST_EVIDENCE),
        Column::new(texts::NEXT_PROBE),
        Column::new(texts::RAISED),
        Column::new(texts::ACTIONS),
    ],
    empty: |query| match query.narrows() {
        true => (texts::NOTHING_TO_DO, texts::NOTHING_TO_DO_WHY),
        false => (texts::REVIEW_QUEUE_EMPTY, texts::REVIEW_QUEUE_EMPTY_WHY),
    },
    go_on: Some(("refunds", texts::TO_REFUNDS)),
    sync: Some(FormAction::of::<SyncRefund>),
};

/// Shows the review queue: `/apps/:app_id/review`.
#[component]
pub fn ReviewQueuePage() -> impl IntoView {
    view! { <ListPage list=&REVIEW_QUEUE/> }
}

static NOTICES: List = List {
    name: ListName::Notices,
    title: texts::NOTICES,
    filters: &[Filter::Days, Filter::NUMBER],
    chips: &["state"],
    columns: &[
        Column::new(texts::REFUND_NO),
        Column::new(texts::NOTICE_STATUS),
        Column::new(texts::NOTICE_STATE),
        Column::amounts(texts::NOTICE_ATTEMPTS),
        Column::new(texts::NEXT_ATTEMPT),
        Column::new(texts::LAST_FAILURE),
        Column::times(texts::WRITTEN),
    ],
    empty: |query| {
        let nothing = (texts::NO_NOTICES, texts::NO_NOTICES_WHY);
        why_empty(query, nothing, texts::NO_NOTICES_MATCH_WHY)
    },
    go_on: Some(("refunds", texts::TO_REFUNDS)),
    sync: None,
};

/// Shows the notices: `/apps/:app_id/notices`.
#[component]
pub fn NoticesPage() -> impl IntoView {
    view! { <ListPage list=&NOTICES/> }
}

static CALLBACKS: List = List {
    name: ListName::Callbacks,
    title: texts::CALLBACKS,
    filters: &[Filter::CHANNEL, Filter::Days, Filter::NUMBER],
    chips: &["verdict"],
    columns: &[
        Column::new(texts::CALLBACK_NO),
        Column::new(texts::VERDICT),
        Column::new(texts::CHANNEL),
        Column::new(texts::REFUND),
        Column::amounts(texts::TIMES),
        Column::times(texts::RECEIVED),
    ],
    empty: |query| {
        let nothing = (texts::NO_CALLBACKS, texts::NO_CALLBACKS_WHY);
        why_empty(query, nothing, texts::NO_CALLBACKS_MATCH_WHY)
    },
    go_on: Some(("refunds", texts::TO_REFUNDS)),
    sync: None,
};

/// Shows the callbacks: `/apps/:app_id/callbacks`.
#[component]
pub fn CallbacksPage() -> impl IntoView {
    view! { <ListPage list=&CALLBACKS/> }
}

static SYNCS: List = List {
    name: ListName::Syncs,
    title: texts::SYNCS,
    filters: &[
        Filter::Choice {
            name: "outcome",
            label: texts::OUTCOME,
            any: texts::ANY_OUTCOME,
            options: || choices(OutcomeKind::ALL, OutcomeKind::as_str, texts::outcome_kind),
        },
        Filter::Days,
        Filter::NUMBER,
    ],
    chips: &["changed"],
    columns: &[
        Column::new(texts::REFUND_NO),
        Column::new(texts::ASKED_BY),
        Column::new(texts::OUTCOME),
        Column::new(texts::CHANGE_MADE),
        Column::new(texts::WORD_FOR_WORD),
        Column::times(texts::ASKED_AT),
    ],
    empty: |query| {
        let nothing = (texts::NO_SYNCS, texts::NO_SYNCS_WHY);
        why_empty(query, nothing, texts::NO_SYNCS_MATCH_WHY)
    },
    go_on: Some(("refunds", texts::TO_REFUNDS)),
    sync: None,
};

/// Shows the syncs: `/apps/:app_id/syncs`.
#[component]
pub fn SyncsPage() -> impl IntoView {
    view! { <ListPage list=&SYNCS/> }
}

/// Returns `nothing`, or the texts of a filtered list that matches nothing.
fn why_empty(query: &Query, nothing: (Text, Text), no_match: Text) -> (Text, Text) {
    match query.narrows() {
        true => (texts::NOTHING_MATCHES, no_match),
        false => nothing,
    }
}
