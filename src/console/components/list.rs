//! The list page: title with count, filters, chips, table, pager. All lists share this one component; each page
//! is a static [`List`].

use leptos::prelude::*;

use crate::console::components::action::{ActionButton, ActionErrorNote, FormAction};
use crate::console::components::badge::Badge;
use crate::console::components::chips::Chips;
use crate::console::components::filters::{Filter, Filters};
use crate::console::components::loader::Loader;
use crate::console::components::message::Empty;
use crate::console::components::number::{Given, Money, Nothing, Number, When};
use crate::console::components::page::{Hint, Loaded, PageTitle, suspended};
use crate::console::components::pager::Pager;
use crate::console::components::table::{Head, SortHead, Table};
use crate::console::hooks::{ListUrl, provide_list_url, use_app_id};
use crate::console::paths::app_path;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::rpc::lists::load_list;
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{Cell, Link, ListName, ListView, Stamp};
use crate::domain::filter::Sort;
use crate::domain::lang::Text;

/// Maximum length of a code that is kept on one line.
const WHOLE_CHARS: usize = 22;

/// The description of a list.
pub struct List {
    /// The list's name in the call to the server.
    pub name: ListName,
    pub title: Text,
    pub filters: &'static [Filter],
    /// Names of the parameters that chips set.
    pub chips: &'static [&'static str],
    /// The columns, in the order of the cells in a row.
    pub columns: &'static [Column],
    /// Returns the heading and the explanation of an empty list.
    pub empty: fn(&Query) -> (Text, Text),
    /// Page of the app that an empty, unfiltered list links to, and the text of the link.
    pub go_on: Option<(&'static str, Text)>,
    /// Makes the action that syncs a row's refund; `None` for lists without buttons.
    pub sync: Option<fn() -> FormAction>,
}

/// The data of the buttons in a row.
#[derive(Clone, Copy)]
struct RowActs {
    app_id: StoredValue<String>,
    sync: FormAction,
}

/// A column of a list.
pub struct Column {
    name: Text,
    class: &'static str,
    /// Sort orders of the column: the smallest first, the largest first.
    sort: Option<(Sort, Sort)>,
    has_zone: bool,
}

impl Column {
    /// Makes a plain column.
    pub const fn new(name: Text) -> Column {
        Column {
            name,
            class: "",
            sort: None,
            has_zone: false,
        }
    }

    /// Makes a column of amounts, aligned at the end.
    pub const fn amounts(name: Text) -> Column {
        Column {
            class: "end",
            ..Column::new(name)
        }
    }

    /// Makes a column of times, whose head names the time zone.
    pub const fn times(name: Text) -> Column {
        Column {
            has_zone: true,
            ..Column::new(name)
        }
    }

    /// Makes the column's head sort the list.
    pub const fn sorts(self, asc: Sort, desc: Sort) -> Column {
        Column {
            sort: Some((asc, desc)),
            ..self
        }
    }

    /// Shows the column only where there is room, for values that other columns make dispensable.
    pub const fn wide(self) -> Column {
        let class = match self.class.is_empty() {
            true => "wide",
            false => "end wide",
        };
        Column { class, ..self }
    }

    /// Renders the column's head.
    fn head(&self, zone: &str) -> AnyView {
        let Column { name, class, .. } = *self;
        let detail = if self.has_zone { zone } else { "" };
        match self.sort {
            Some((asc, desc)) => view! { <SortHead name asc desc class detail/> }.into_any(),
            None => view! { <Head name class detail/> }.into_any(),
        }
    }
}

/// Shows the page of a list.
#[component]
pub fn ListPage(
    list: &'static List,
    /// Shown below the title.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let t = use_texts();
    let app_id = use_app_id();
    let url = provide_list_url();
    let name = list.name;
    let answer = Loader::new(
        move || (app_id.get(), url.query.get().href(""), 0),
        move |app_id, query| load_list(app_id, name, query),
    );
    let total = suspended(move || {
        Box::pin(async move {
            let list = answer.answer().await.ok();
            list.map(|list| {
                view! { <span class="total">{texts::count(list.count)}</span> }.into_any()
            })
            .into_any()
        })
    });
    let filters = (!list.filters.is_empty())
        .then(|| view! { <Filters filters=list.filters keep=list.chips list=answer/> }.into_any());
    let sync = list.sync.map(|sync| sync());
    let error = sync.map(|action| view! { <ActionErrorNote action/> }.into_any());
    view! {
        <PageTitle text=t(list.title)/>
        <h1>{t(list.title)} " " {total}</h1>
        {children.map(|children| children())}
        {filters}
        {error}
        <Loaded resource=answer let:view>
            <Rows app_id=app_id.get_untracked() list view sync/>
        </Loaded>
    }
}

/// Shows the loaded part of a list page.
#[component]
fn Rows(
    app_id: String,
    list: &'static List,
    view: ListView,
    sync: Option<FormAction>,
) -> impl IntoView {
    let acts = sync.map(|sync| RowActs {
        app_id: StoredValue::new(app_id.clone()),
        sync,
    });
    let remarks = view
        .remarks
        .into_iter()
        .map(|remark| view! { <p class="hint" role="status">{remark}</p> }.into_any());
    let remarks = remarks.collect_view();
    let too_many = view
        .too_many
        .then(|| view! { <Hint text=texts::TOO_MANY/> }.into_any());
    let rows = match view.rows.is_empty() {
        true => view! { <NoRows app_id list/> }.into_any(),
        false => {
            let zone = view.zone;
            let head = list
                .columns
                .iter()
                .map(|column| column.head(&zone))
                .collect_view();
            let rows = view.rows.into_iter().map(move |row| {
                let cells = list.columns.iter().zip(row);
                let cells = cells.map(move |(column, cell)| cell_view(column, cell, acts));
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
        {remarks}
        <Chips chips=view.chips/>
        {too_many}
        {rows}
    }
}

/// Renders a cell of the table, with the class of its column and kind.
fn cell_view(column: &Column, cell: Cell, acts: Option<RowActs>) -> AnyView {
    let mut class = match &cell {
        Cell::Code(code) if code.len() > WHOLE_CHARS => "mono wrap ",
        Cell::Code(_) => "mono ",
        Cell::Long(_) | Cell::Said(_) => "text ",
        Cell::States(_) => "end-narrow ",
        _ => "",
    }
    .to_owned();
    class.push_str(column.class);
    let shown = match (cell, acts) {
        (
            Cell::RefundActions {
                refund_no,
                sync,
                links,
            },
            Some(RowActs {
                app_id,
                sync: action,
            }),
        ) => {
            let app_id = app_id.get_value();
            let sync = sync.map(|since| {
                let fields = vec![
                    ("app_id", app_id),
                    ("refund_no", refund_no),
                    ("since", since.to_string()),
                ];
                view! { <ActionButton action fields text=texts::SYNC/> }.into_any()
            });
            view! { <span class="acts">{sync} {links_view(links)}</span> }.into_any()
        }
        (Cell::Number { number, href }, _) => {
            view! { <Number number what=column.name href of_row=true/> }.into_any()
        }
        (cell, _) => cell_shown(cell),
    };
    view! { <td class=class>{shown}</td> }.into_any()
}

/// Renders the content of a cell, in a list or among facts.
pub fn cell_shown(cell: Cell) -> AnyView {
    let lang = use_lang();
    match cell {
        Cell::Nothing => view! { <Nothing/> }.into_any(),
        Cell::Number { number, href } => {
            view! { <Number number what=texts::NUMBER href/> }.into_any()
        }
        Cell::Code(text) | Cell::Long(text) | Cell::Short(text) => {
            view! { <Given text/> }.into_any()
        }
        Cell::Money(amount) => view! { <Money amount/> }.into_any(),
        Cell::States(states) => states
            .into_iter()
            .map(|(tone, text)| view! { <Badge tone text/> " " }.into_any())
            .collect_view()
            .into_any(),
        Cell::Time(stamp) => view! { <When stamp/> }.into_any(),
        Cell::Ago(stamp) => far(&stamp, texts::ago(stamp.ago_s, lang)),
        Cell::Since(stamp) => far(&stamp, texts::lasting(stamp.ago_s, lang)),
        Cell::StateAt(tone, text, stamp) => {
            let ago = far(&stamp, texts::ago(stamp.ago_s, lang));
            view! { <Badge tone text/> " " <small>{ago}</small> }.into_any()
        }
        Cell::Said(said) => view! {
            <details class="said">
                <summary>{said.clone()}</summary>
                <pre class="mono" tabindex="0">{said}</pre>
            </details>
        }
        .into_any(),
        Cell::Links(links) | Cell::RefundActions { links, .. } => links_view(links),
    }
}

/// Renders a distance in time, with the moment itself on hover.
fn far(stamp: &Stamp, text: String) -> AnyView {
    let local = stamp.local.clone();
    view! { <time datetime=local.replace(' ', "T") title=local>{text}</time> }.into_any()
}

/// Renders links one after the other.
fn links_view(links: Vec<Link>) -> AnyView {
    links
        .into_iter()
        .map(|Link { href, text, tone }| match tone {
            Some(tone) => view! { <a href=href><Badge tone text/></a> " " }.into_any(),
            None => view! { <a href=href>{text}</a> " " }.into_any(),
        })
        .collect_view()
        .into_any()
}

/// Says why the list is empty, and links to what to do next.
#[component]
fn NoRows(app_id: String, list: &'static List) -> impl IntoView {
    let t = use_texts();
    let url = expect_context::<ListUrl>();
    let query = url.query.get_untracked();
    let (title, why) = (list.empty)(&query);
    let link = match query.narrows() {
        true => Some((url.path.get_untracked(), texts::CLEAR_FILTERS)),
        false => list
            .go_on
            .map(|(page, text)| (app_path(&app_id, page), text)),
    };
    let link = link.map(|(href, text)| view! { <a href=href>{t(text)}</a> }.into_any());
    view! { <Empty title why>{link}</Empty> }
}
