//! What components and pages ask of the address and of the page around them.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map, use_url};

use crate::console::view::query::Query;

/// Set while a page is on its way: what is shown is then dimmed, and stays until the new is there.
#[derive(Clone, Copy)]
pub struct Waiting(pub RwSignal<bool>);

/// The app whose pages are shown: the `DEMO` of `/apps/DEMO/orders`; empty outside of any.
pub fn use_app_id() -> Memo<String> {
    let path = use_location().pathname;
    Memo::new(move |_| {
        path.with(|path| {
            let mut parts = path.split('/').skip(1);
            match (parts.next(), parts.next()) {
                (Some("apps"), Some(app)) => leptos_router::location::Url::unescape(app),
                _ => String::new(),
            }
        })
    })
}

/// The number that the page is about: the last segment of `/apps/:app/orders/:number`.
pub fn use_number() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("number").unwrap_or_default()))
}

/// The address of a list and the query that narrows it. A list page provides it as context.
#[derive(Clone, Copy)]
pub struct ListUrl {
    pub path: Memo<String>,
    pub query: Memo<Query>,
}

impl ListUrl {
    /// The address of the same list with another query.
    pub fn href(&self, query: &Query) -> String {
        query.href(&self.path.get_untracked())
    }

    /// Says whether what is wrong with this field is said at it.
    pub fn marks(&self, field: &str) -> bool {
        self.query
            .with_untracked(|query| query.problem(field).is_some())
    }

    /// Says whether one of these narrows the list.
    pub fn has(&self, names: &[&str]) -> bool {
        self.query
            .with(|query| names.iter().any(|name| !query.get(name).is_empty()))
    }
}

/// Reads the list's place from the page's URL and makes it known to the components below.
pub fn provide_list_url() -> ListUrl {
    let url = use_url();
    let list = ListUrl {
        path: Memo::new(move |_| url.with(|url| url.path().to_owned())),
        query: Memo::new(move |_| url.with(|url| Query::parse(url.search()))),
    };
    provide_context(list);
    list
}
