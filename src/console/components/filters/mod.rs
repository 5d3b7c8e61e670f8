//! The filters of a list: a form that reads as a sentence and writes the URL's query. Without scripts the form is
//! sent by its button; with scripts each change applies at once. An error stands at its field, which keeps what
//! was typed.

mod fields;

use std::time::Duration;

use leptos::ev::{Event, SubmitEvent};
use leptos::html::Form;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlFormElement, InputEvent, UrlSearchParams};

use crate::console::components::loader::Loader;
use crate::console::hooks::ListUrl;
use crate::console::preferences::use_texts;
use crate::console::texts;
use crate::console::view::ListView;
use crate::console::view::query::Query;
use crate::domain::lang::Text;
use crate::domain::order::Channel;
use fields::{FilterAmounts, FilterChoice, FilterDays, FilterText};

/// Pause in typing after which the filter is applied.
const TYPING_PAUSE: Duration = Duration::from_millis(300);

/// One filter of a list.
pub enum Filter {
    /// A choice among words, made by [`choices`].
    Choice {
        name: &'static str,
        label: Text,
        any: Text,
        options: fn() -> Vec<(&'static str, Text)>,
    },
    /// A text: a number, the beginning of a title.
    Text {
        name: &'static str,
        label: Text,
        hint: Text,
    },
    /// A range of amounts: `min` and `max`, in yuan.
    Amounts,
    /// A range of days: `from` and `to`.
    Days,
}

impl Filter {
    /// The filter by channel.
    pub const CHANNEL: Filter = Filter::Choice {
        name: "channel",
        label: texts::CHANNEL,
        any: texts::ANY_CHANNEL,
        options: || choices(Channel::ALL, Channel::as_str, texts::channel),
    };
    /// The filter by the beginning of a title.
    pub const TITLE: Filter = Filter::Text {
        name: "title",
        label: texts::TITLE,
        hint: texts::TITLE_BEGINS,
    };
    /// The filter by any number: ours, the merchant's or the channel's.
    pub const NUMBER: Filter = Filter::Text {
        name: "q",
        label: texts::NUMBER,
        hint: texts::ANY_NUMBER,
    };

    /// Renders the filter.
    fn view(&self, list: Loader<ListView>) -> AnyView {
        match *self {
            Filter::Choice {
                name,
                label,
                any,
                options,
            } => view! { <FilterChoice name label any options=options()/> }.into_any(),
            Filter::Text { name, label, hint } => {
                view! { <FilterText name label hint/> }.into_any()
            }
            Filter::Amounts => view! { <FilterAmounts/> }.into_any(),
            Filter::Days => view! { <FilterDays list/> }.into_any(),
        }
    }
}

/// Makes the options of a [`Filter::Choice`]: `choices(Channel::ALL, Channel::as_str, texts::channel)`.
pub fn choices<T: Copy>(
    all: &[T],
    word: fn(T) -> &'static str,
    text: fn(T) -> Text,
) -> Vec<(&'static str, Text)> {
    all.iter()
        .map(|value| (word(*value), text(*value)))
        .collect()
}

/// Renders the form of a list's filters. A change keeps the sort order and the parameters named in `keep`, which
/// chips set.
#[component]
pub fn Filters(
    filters: &'static [Filter],
    keep: &'static [&'static str],
    list: Loader<ListView>,
) -> impl IntoView {
    let t = use_texts();
    let answer = list;
    let list = expect_context::<ListUrl>();
    let navigate = use_navigate();
    let form = NodeRef::<Form>::new();

    // Typing replaces the address: "back" then leaves the list rather than undoing the last letter.
    let apply = move |replace: bool| {
        let Some(form) = form.get_untracked() else {
            return;
        };
        let query = read_form(&form);
        if query != list.query.get_untracked().first_page() {
            let options = NavigateOptions {
                replace,
                scroll: false,
                ..NavigateOptions::default()
            };
            navigate(&list.href(&query), options);
        }
    };
    let now = apply.clone();
    let submit = move |ev: SubmitEvent| {
        ev.prevent_default();
        now(false);
    };
    let now = apply.clone();
    let change = move |_: Event| now(false);
    let mut soon = debounce(TYPING_PAUSE, move |()| apply(true));
    let input = move |ev: Event| {
        // An input method also sends events for characters that are still being composed.
        let composing = ev
            .dyn_ref::<InputEvent>()
            .is_some_and(InputEvent::is_composing);
        if !composing {
            soon(());
        }
    };

    let kept = keep.iter().copied().chain(["sort"]).map(|name| {
        move || {
            let value = list.query.with(|query| query.get(name).to_owned());
            (!value.is_empty())
                .then(|| view! { <input type="hidden" name=name value=value/> }.into_any())
        }
    });
    view! {
        <form
            class="filters"
            method="get"
            action=move || list.path.get()
            aria-label=t(texts::FILTERS)
            node_ref=form
            on:submit=submit
            on:change=change
            on:input=input
        >
            <span>{t(texts::SHOW)}</span>
            {filters.iter().map(|filter| filter.view(answer)).collect_view()}
            {kept.collect_view()}
            <button class="apply">{t(texts::APPLY)}</button>
            {move || {
                let query = list.query.get();
                query
                    .narrows()
                    .then(|| {
                        let sort = query.get("sort").to_owned();
                        let href = list.href(&Query::default().with("sort", &sort));
                        view! { <a href=href data-noscroll>{t(texts::CLEAR_FILTERS)}</a> }.into_any()
                    })
            }}
        </form>
    }
}

/// Reads the fields of a form.
fn read_form(form: &HtmlFormElement) -> Query {
    let params = FormData::new_with_form(form)
        .and_then(|data| UrlSearchParams::new_with_str_sequence_sequence(&data));
    params.map_or(Query::default(), |params| {
        Query::parse(&String::from(params.to_string()))
    })
}
