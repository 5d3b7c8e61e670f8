//! The pager of a list: first, previous, next.

use leptos::prelude::*;

use crate::console::hooks::ListUrl;
use crate::console::preferences::use_texts;
use crate::console::texts;

/// Links to the pages before and after. Shows nothing where one page holds the whole list. `before` and `after` are
/// cursors: a page is found by the key of its neighbour, not by counting rows.
#[component]
pub fn Pager(before: Option<String>, after: Option<String>) -> impl IntoView {
    let t = use_texts();
    let list = expect_context::<ListUrl>();
    let query = list.query.get_untracked();
    let first = query.first_page();
    let href = |name: &str, place: &str| list.href(&first.with(name, place));
    let links = before.map(|place| {
        view! {
            <a href=list.href(&first)>{t(texts::FIRST_PAGE)}</a>
            <a rel="prev" href=href("before", &place)>{t(texts::PREVIOUS_PAGE)}</a>
        }
        .into_any()
    });
    let next = after.map(|place| {
        view! { <a rel="next" href=href("after", &place)>{t(texts::NEXT_PAGE)}</a> }.into_any()
    });
    (links.is_some() || next.is_some()).then(|| {
        view! { <nav class="pager" aria-label=t(texts::PAGES)>{links} {next}</nav> }.into_any()
    })
}
