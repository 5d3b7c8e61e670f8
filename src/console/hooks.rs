//! Hooks: values that components and pages read from the address and from the surrounding page.

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_params_map, use_url};

use crate::console::view::query::Query;

/// A signal that is set while a page loads. The old page stays, dimmed, until the new one is ready.
#[derive(Clone, Copy)]
pub struct Waiting(pub RwSignal<bool>);

/// Returns the id of the app whose page is shown: `DEMO` for `/apps/DEMO/orders`, empty outside of `/apps`.
pub fn use_app_id() -> Memo<String> {
    let path = use_location().pathname;
    Memo::new(move |_| {
        path.with(|path| {
            let mut parts = path.split('/').skip(1);
            match (parts.next(), parts.next()) {
                (Some("apps"), Some(app_id)) => leptos_router::location::Url::unescape(app_id),
                _ => String::new(),
            }
        })
    })
}

/// Returns the number of the page's subject: the last segment of `/apps/:app_id/orders/:number`.
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
    /// Returns the address of the same list with another query.
    pub fn href(&self, query: &Query) -> String {
        query.href(&self.path.get_untracked())
    }

    /// Returns true where the field's filter shows an error.
    pub fn marks(&self, field: &str) -> bool {
        self.query
            .with_untracked(|query| query.problem(field).is_some())
    }

    /// Returns true where one of these parameters is set.
    pub fn has(&self, names: &[&str]) -> bool {
        self.query
            .with(|query| names.iter().any(|name| !query.get(name).is_empty()))
    }
}

/// Reads the page's URL and provides it as [`ListUrl`] to the components below.
pub fn provide_list_url() -> ListUrl {
    let url = use_url();
    let list = ListUrl {
        path: Memo::new(move |_| url.with(|url| url.path().to_owned())),
        query: Memo::new(move |_| url.with(|url| Query::parse(url.search()))),
    };
    provide_context(list);
    list
}
