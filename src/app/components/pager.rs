//! Pages by key: first, previous, next.

use leptos::prelude::*;

use super::filters::ListUrl;
use crate::app::look::use_words;
use crate::app::words;
use crate::domain::filter::Cursor;

/// Leads to the pages around this one. Absent where one page holds everything.
#[component]
pub fn Pager(before: Option<Cursor>, after: Option<Cursor>) -> impl IntoView {
    let t = use_words();
    let list = expect_context::<ListUrl>();
    let query = list.query.get_untracked();
    let first = query.first_page();
    let href = |name: &str, cursor: &Cursor| list.href(&first.with(name, &cursor.to_string()));
    let links = before.as_ref().map(|cursor| {
        view! {
            <a href=list.href(&first)>{t(words::FIRST_PAGE)}</a>
            <a rel="prev" href=href("before", cursor)>{t(words::PREVIOUS_PAGE)}</a>
        }
        .into_any()
    });
    let next = after.as_ref().map(|cursor| {
        view! { <a rel="next" href=href("after", cursor)>{t(words::NEXT_PAGE)}</a> }.into_any()
    });
    (links.is_some() || next.is_some()).then(|| {
        view! { <nav class="pager" aria-label=t(words::PAGES)>{links} {next}</nav> }.into_any()
    })
}
