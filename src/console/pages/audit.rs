//! The list of all acts, and the check of their chain.

use leptos::prelude::*;
use leptos_router::hooks::use_url;

use crate::console::components::*;
use crate::console::hooks::use_app_id;
use crate::console::paths::app_path;
use crate::console::preferences::use_texts;
use crate::console::rpc::records::load_audit_check;
use crate::console::texts;
use crate::console::view::ListName;
use crate::console::view::query::Query;
use crate::domain::audit::Action;

static AUDIT: List = List {
    name: ListName::Audit,
    title: texts::AUDIT_TITLE,
    filters: &[
        Filter::Choice {
            name: "app",
            label: texts::APP,
            any: texts::THIS_APP,
            options: || vec![("none", texts::OF_NO_APP)],
        },
        Filter::Choice {
            name: "action",
            label: texts::ACT,
            any: texts::ANY_ACT,
            options: || choices(Action::ALL, Action::as_str, texts::action),
        },
        Filter::Days,
        Filter::Text {
            name: "who",
            label: texts::ACTOR,
            hint: texts::ACTOR_HINT,
        },
    ],
    chips: &[],
    columns: &[
        Column::new(texts::ABOUT),
        Column::new(texts::ACT),
        Column::new(texts::ACTOR),
        Column::new(texts::FROM_ADDRESS).wide(),
        Column::new(texts::BEFORE_AND_AFTER),
        Column::amounts(texts::PLACE_IN_CHAIN).wide(),
        Column::times(texts::DONE_AT),
    ],
    empty: |query| match query.narrows() {
        true => (texts::NOTHING_MATCHES, texts::NO_ACTS_MATCH_WHY),
        false => (texts::NO_ACTS, texts::NO_ACTS_WHY),
    },
    go_on: None,
    sync: None,
};

/// Shows the list: `/apps/:app_id/audit`.
#[component]
pub fn AuditPage() -> impl IntoView {
    let t = use_texts();
    let app_id = use_app_id();
    let check = move || app_path(&app_id.get(), "audit/check");
    view! {
        <ListPage list=&AUDIT>
            <p>
                <a href=check>{t(texts::CHECK_CHAIN)}</a>
            </p>
        </ListPage>
    }
}

/// Checks the chain and shows the result: `/apps/:app_id/audit/check`. A check that continues an earlier one has the
/// place in its address: `?after=100000`.
#[component]
pub fn AuditCheckPage() -> impl IntoView {
    let app_id = use_app_id();
    let url = use_url();
    let after = Memo::new(move |_| {
        let after = url.with(|url| Query::value_in(url.search(), "after"));
        after.unwrap_or_default()
    });
    let check = Loader::new(move || (app_id.get(), after.get(), 0), load_audit_check);
    view! { <DetailPage detail=check kind=texts::CHAIN_CHECK show_action=|_, _| ().into_any()/> }
}
