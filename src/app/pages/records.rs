//! The inbox of undecided refunds, and the lists of notices, callbacks and syncs.

use leptos::prelude::*;

use crate::app::components::*;
use crate::app::query::Query;
use crate::app::rpc::lists::ListName;
use crate::app::rpc::refunds::SyncRefund;
use crate::app::words;
use crate::domain::lang::Text;
use crate::domain::refund::FindingWord;

static INBOX: List = List {
    name: ListName::Inbox,
    title: words::INBOX_TITLE,
    filters: &[],
    chips: &["attention"],
    columns: &[
        Column::new(words::REFUND_NO),
        Column::new(words::BIZ_ORDER_NO).wide(),
        Column::new(words::OPEN_FOR),
        Column::amounts(words::HELD_YUAN),
        Column::new(words::LAST_HEARD),
        Column::new(words::NEXT_PROBE),
        Column::new(words::RAISED),
        Column::new(words::ACTIONS),
    ],
    empty: |query| match query.narrows() {
        true => (words::NOTHING_TO_DO, words::NOTHING_TO_DO_WHY),
        false => (words::INBOX_EMPTY, words::INBOX_EMPTY_WHY),
    },
    go_on: Some(("refunds", words::TO_REFUNDS)),
    sync: Some(Deed::of::<SyncRefund>),
};

/// `/apps/:app/inbox`
#[component]
pub fn InboxPage() -> impl IntoView {
    view! { <ListPage list=&INBOX/> }
}

static NOTICES: List = List {
    name: ListName::Notices,
    title: words::NOTICES,
    filters: &[Filter::Days, Filter::NUMBER],
    chips: &["state"],
    columns: &[
        Column::new(words::REFUND_NO),
        Column::new(words::TOLD),
        Column::new(words::NOTICE_STATE),
        Column::amounts(words::SENDS),
        Column::new(words::NEXT_SEND),
        Column::new(words::LAST_TROUBLE),
        Column::times(words::WRITTEN),
    ],
    empty: |query| {
        let nothing = (words::NO_NOTICES, words::NO_NOTICES_WHY);
        why_empty(query, nothing, words::NO_NOTICES_MATCH_WHY)
    },
    go_on: Some(("refunds", words::TO_REFUNDS)),
    sync: None,
};

/// `/apps/:app/notices`
#[component]
pub fn NoticesPage() -> impl IntoView {
    view! { <ListPage list=&NOTICES/> }
}

static CALLBACKS: List = List {
    name: ListName::Callbacks,
    title: words::CALLBACKS,
    filters: &[Filter::CHANNEL, Filter::Days, Filter::NUMBER],
    chips: &["verdict"],
    columns: &[
        Column::new(words::CALLBACK_NO),
        Column::new(words::VERDICT),
        Column::new(words::CHANNEL),
        Column::new(words::REFUND),
        Column::amounts(words::TIMES),
        Column::times(words::RECEIVED),
    ],
    empty: |query| {
        let nothing = (words::NO_CALLBACKS, words::NO_CALLBACKS_WHY);
        why_empty(query, nothing, words::NO_CALLBACKS_MATCH_WHY)
    },
    go_on: Some(("refunds", words::TO_REFUNDS)),
    sync: None,
};

/// `/apps/:app/callbacks`
#[component]
pub fn CallbacksPage() -> impl IntoView {
    view! { <ListPage list=&CALLBACKS/> }
}

static SYNCS: List = List {
    name: ListName::Syncs,
    title: words::SYNCS,
    filters: &[
        Filter::Choice {
            name: "finding",
            label: words::FINDING,
            any: words::ANY_FINDING,
            options: || choices(FindingWord::ALL, FindingWord::word, words::finding),
        },
        Filter::Days,
        Filter::NUMBER,
    ],
    chips: &["changed"],
    columns: &[
        Column::new(words::REFUND_NO),
        Column::new(words::ASKED_BY),
        Column::new(words::FINDING),
        Column::new(words::CHANGE_MADE),
        Column::new(words::WORD_FOR_WORD),
        Column::times(words::ASKED_AT),
    ],
    empty: |query| {
        let nothing = (words::NO_SYNCS, words::NO_SYNCS_WHY);
        why_empty(query, nothing, words::NO_SYNCS_MATCH_WHY)
    },
    go_on: Some(("refunds", words::TO_REFUNDS)),
    sync: None,
};

/// `/apps/:app/syncs`
#[component]
pub fn SyncsPage() -> impl IntoView {
    view! { <ListPage list=&SYNCS/> }
}

fn why_empty(query: &Query, nothing: (Text, Text), no_match: Text) -> (Text, Text) {
    match query.narrows() {
        true => (words::NOTHING_MATCHES, no_match),
        false => nothing,
    }
}
