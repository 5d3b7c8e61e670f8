//! A list page: its title with the count, filters, chips, the table, a pager. Every list is this one
//! component; a page is a [`List`] that says what is particular to it.

use leptos::prelude::*;

use super::ask::Ask;
use super::badge::Badge;
use super::chips::Chips;
use super::filters::{Filter, Filters, ListUrl, provide_list_url};
use super::frame::{app_path, use_app_id};
use super::note::Empty;
use super::number::{Money, Nothing, Number, When};
use super::page::{Hint, Loaded, PageTitle, part};
use super::pager::Pager;
use super::table::{Head, SortHead, Table};
use crate::app::look::use_words;
use crate::app::query::Query;
use crate::app::rpc::lists::{ListName, load_list};
use crate::app::view::{Cell, ListView};
use crate::app::words;
use crate::domain::filter::Sort;
use crate::domain::lang::Text;

/// A code up to this length stands in one line.
const WHOLE_CHARS: usize = 22;

/// What is particular to a list.
pub struct List {
    /// Which the server is asked for.
    pub name: ListName,
    pub title: Text,
    pub filters: &'static [Filter],
    /// Parameters that chips set.
    pub chips: &'static [&'static str],
    /// What the cells of a row are, in their order.
    pub columns: &'static [Column],
    /// What to say where the list is empty: that it is, and why.
    pub empty: fn(&Query) -> (Text, Text),
    /// Where to go on from there while nothing narrows the list: a page of the app.
    pub go_on: Option<(&'static str, Text)>,
}

/// A column of a list.
pub struct Column {
    name: Text,
    class: &'static str,
    /// What sorts by it, the smallest first and the largest first.
    sort: Option<(Sort, Sort)>,
    has_zone: bool,
}

impl Column {
    /// A plain one.
    pub const fn new(name: Text) -> Column {
        Column {
            name,
            class: "",
            sort: None,
            has_zone: false,
        }
    }

    /// One of amounts.
    pub const fn amounts(name: Text) -> Column {
        Column {
            class: "end",
            ..Column::new(name)
        }
    }

    /// One of times: its head names their zone.
    pub const fn times(name: Text) -> Column {
        Column {
            has_zone: true,
            ..Column::new(name)
        }
    }

    /// Its head sorts the list.
    pub const fn sorts(self, asc: Sort, desc: Sort) -> Column {
        Column {
            sort: Some((asc, desc)),
            ..self
        }
    }

    /// Only where there is room for it. An amount's or a code's, say, that others stand for.
    pub const fn wide(self) -> Column {
        let class = match self.class.is_empty() {
            true => "wide",
            false => "end wide",
        };
        Column { class, ..self }
    }

    fn head(&self, zone: &str) -> AnyView {
        let Column { name, class, .. } = *self;
        let detail = if self.has_zone { zone } else { "" };
        match self.sort {
            Some((asc, desc)) => view! { <SortHead name asc desc class detail/> }.into_any(),
            None => view! { <Head name class detail/> }.into_any(),
        }
    }
}

/// The page of a list.
#[component]
pub fn ListPage(list: &'static List) -> impl IntoView {
    let t = use_words();
    let app = use_app_id();
    let url = provide_list_url();
    let name = list.name;
    let answer = Ask::new(
        move || (app.get(), url.query.get().href(""), 0),
        move |app, query| load_list(app, name, query),
    );
    let total = part(move || {
        Box::pin(async move {
            let list = answer.answer().await.ok();
            list.map(|list| {
                view! { <span class="total">{words::count(list.count)}</span> }.into_any()
            })
            .into_any()
        })
    });
    view! {
        <PageTitle text=t(list.title)/>
        <h1>{t(list.title)} " " {total}</h1>
        <Filters filters=list.filters keep=list.chips list=answer/>
        <Loaded resource=answer let:view>
            <Rows app=app.get_untracked() list view/>
        </Loaded>
    }
}

#[component]
fn Rows(app: String, list: &'static List, view: ListView) -> impl IntoView {
    let too_many = view
        .too_many
        .then(|| view! { <Hint text=words::TOO_MANY/> }.into_any());
    let rows = match view.rows.is_empty() {
        true => view! { <NoRows app list/> }.into_any(),
        false => {
            let zone = view.zone;
            let head = list
                .columns
                .iter()
                .map(|column| column.head(&zone))
                .collect_view();
            let rows = view.rows.into_iter().map(|row| {
                let cells = list.columns.iter().zip(row);
                let cells = cells.map(|(column, cell)| cell_view(column, cell));
                view! { <tr>{cells.collect_view()}</tr> }.into_any()
            });
            view! {
                <Table name=list.title head>
                    {rows.collect_view()}
                </Table>
                <Pager before=view.before after=view.after/>
            }
            .into_any()
        }
    };
    view! {
        <Chips chips=view.chips/>
        {too_many}
        {rows}
    }
}

fn cell_view(column: &Column, cell: Cell) -> AnyView {
    let mut class = match &cell {
        Cell::Code(code) if code.len() > WHOLE_CHARS => "mono wrap ",
        Cell::Code(_) => "mono ",
        Cell::Long(_) => "text ",
        Cell::States(_) => "end-narrow ",
        _ => "",
    }
    .to_owned();
    class.push_str(column.class);
    let shown = match cell {
        Cell::Nothing => view! { <Nothing/> }.into_any(),
        Cell::Number { number, href } => {
            view! { <Number number what=column.name href of_row=true/> }.into_any()
        }
        Cell::Code(text) | Cell::Long(text) | Cell::Short(text) => text.into_any(),
        Cell::Money(amount) => view! { <Money amount/> }.into_any(),
        Cell::States(states) => states
            .into_iter()
            .map(|(tone, text)| view! { <Badge tone text/> " " }.into_any())
            .collect_view()
            .into_any(),
        Cell::Time(stamp) => view! { <When stamp/> }.into_any(),
    };
    view! { <td class=class>{shown}</td> }.into_any()
}

/// Why there is nothing, and what to do next.
#[component]
fn NoRows(app: String, list: &'static List) -> impl IntoView {
    let t = use_words();
    let url = expect_context::<ListUrl>();
    let query = url.query.get_untracked();
    let (title, why) = (list.empty)(&query);
    let link = match query.narrows() {
        true => Some((url.path.get_untracked(), words::CLEAR_FILTERS)),
        false => list.go_on.map(|(page, text)| (app_path(&app, page), text)),
    };
    let link = link.map(|(href, text)| view! { <a href=href>{t(text)}</a> }.into_any());
    view! { <Empty title why>{link}</Empty> }
}
