//! Tables. In a narrow place every row becomes a block: its cells stand one below the other on the left, cells of
//! class `end` on the right.

use leptos::prelude::*;

use crate::console::components::icon::{Draw, Icon};
use crate::console::hooks::ListUrl;
use crate::console::preferences::use_texts;
use crate::domain::filter::Sort;
use crate::domain::lang::Text;

/// Renders a table from its name (for screen readers), its head cells and its rows. With `few`, the table has few
/// columns and becomes blocks only in narrower places.
#[component]
pub fn Table(
    name: Text,
    head: impl IntoView + 'static,
    #[prop(optional)] few: bool,
    children: Children,
) -> impl IntoView {
    let t = use_texts();
    view! {
        <div class="table" class:few=few>
            <table>
                <caption class="unseen">{t(name)}</caption>
                <thead>
                    <tr>{head}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

/// Renders a head cell that sorts the list. `detail`, the time zone for example, follows the name in small letters.
#[component]
pub fn SortHead(
    name: Text,
    asc: Sort,
    desc: Sort,
    #[prop(optional, into)] class: &'static str,
    #[prop(optional, into)] detail: String,
) -> impl IntoView {
    let t = use_texts();
    let list = expect_context::<ListUrl>();
    let query = list.query.get_untracked();
    let sort = query.sort().unwrap_or_default();
    let (direction, icon, next) = if sort == desc {
        ("descending", Some(Icon::Down), asc)
    } else if sort == asc {
        ("ascending", Some(Icon::Up), desc)
    } else {
        ("none", None, desc)
    };
    let word = match next {
        next if next == Sort::default() => "",
        next => next.as_str(),
    };
    let href = list.href(&query.first_page().with("sort", word));
    view! {
        <th scope="col" class=class aria-sort=direction>
            <a href=href title=t(crate::console::texts::sort(next)) data-noscroll>
                {t(name)} {icon.map(|icon| view! { <Draw icon/> }.into_any())}
            </a>
            <Detail detail/>
        </th>
    }
}

/// Renders a plain head cell. `detail` is as for [`SortHead`].
#[component]
pub fn Head(
    name: Text,
    #[prop(optional, into)] class: &'static str,
    #[prop(optional, into)] detail: String,
) -> impl IntoView {
    let t = use_texts();
    view! { <th scope="col" class=class>{t(name)} <Detail detail/></th> }
}

/// Renders the small text after the name of a column.
#[component]
fn Detail(detail: String) -> impl IntoView {
    (!detail.is_empty()).then(|| view! { " "<small>{detail}</small> }.into_any())
}
