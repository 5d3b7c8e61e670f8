//! The filters of a list: a form whose fields read as a sentence. It is the URL's query in another
//! form: with scripts off it is sent like any form, with scripts on it applies itself on change. What
//! is wrong stands at the field, which keeps what was typed.

use std::time::Duration;

use leptos::ev::{Event, SubmitEvent};
use leptos::html::Form;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_url};
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlFormElement, InputEvent, UrlSearchParams};

use super::ask::Ask;
use super::icon::{Draw, Icon};
use super::page::part;
use crate::app::look::{use_lang, use_words};
use crate::app::query::{NAMES, Query};
use crate::app::view::Days;
use crate::app::words;
use crate::domain::lang::Text;

/// How long typing may pause before the filter is applied.
const TYPING_PAUSE: Duration = Duration::from_millis(300);

/// Where a list is and what it is narrowed by. A list page provides it as context.
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

    /// Whether what is wrong with this field is said at it.
    pub fn marks(&self, field: &str) -> bool {
        self.query
            .with_untracked(|query| query.problem(field).is_some())
    }

    /// Whether one of these narrows the list.
    fn has(&self, names: &[&str]) -> bool {
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

/// The form around the filters. `keep` names parameters that are set elsewhere (by chips or by the
/// head of the table) and stay when a filter changes.
#[component]
pub fn Filters(keep: &'static [&'static str], children: Children) -> impl IntoView {
    let t = use_words();
    let list = expect_context::<ListUrl>();
    let navigate = use_navigate();
    let form = NodeRef::<Form>::new();

    // While somebody types the address is replaced: "back" leaves the list, not the last letter.
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
        // A character that is still being composed is not yet typed.
        let composing = ev
            .dyn_ref::<InputEvent>()
            .is_some_and(InputEvent::is_composing);
        if !composing {
            soon(());
        }
    };

    let kept = keep.iter().map(|name| {
        let name = *name;
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
            aria-label=t(words::FILTERS)
            node_ref=form
            on:submit=submit
            on:change=change
            on:input=input
        >
            <span>{t(words::SHOW)}</span>
            {children()}
            {kept.collect_view()}
            <button class="apply">{t(words::APPLY)}</button>
            {move || {
                let query = list.query.get();
                query
                    .narrows()
                    .then(|| {
                        let sort = query.get("sort").to_owned();
                        let href = list.href(&Query::default().with("sort", &sort));
                        view! { <a href=href data-noscroll>{t(words::CLEAR_FILTERS)}</a> }.into_any()
                    })
            }}
        </form>
    }
}

/// What stands in the fields of a form.
fn read_form(form: &HtmlFormElement) -> Query {
    let params = FormData::new_with_form(form)
        .and_then(|data| UrlSearchParams::new_with_str_sequence_sequence(&data));
    params.map_or(Query::default(), |params| {
        Query::parse(&String::from(params.to_string()))
    })
}

/// The cross that takes an active filter away, and what is wrong with it.
#[component]
fn Aftermath(name: Text, fields: &'static [&'static str]) -> impl IntoView {
    let lang = use_lang();
    let list = expect_context::<ListUrl>();
    move || {
        let query = list.query.get();
        let problems = fields
            .iter()
            .filter_map(|field| query.problem(field))
            .map(|reason| {
                view! { <em class="problem">{words::problem(&reason, lang)}</em> }.into_any()
            })
            .collect_view();
        let cross = list.has(fields).then(|| {
            let label = words::remove_filter(name, lang);
            view! {
                <a
                    class="cross"
                    href=list.href(&query.without(fields))
                    aria-label=label.clone()
                    title=label
                    data-noscroll
                >
                    <Draw icon=Icon::Cross/>
                </a>
            }
            .into_any()
        });
        (cross, problems)
    }
}

/// The options of a [`FilterChoice`]: `choices(Channel::ALL, Channel::word, words::channel)`.
pub fn choices<T: Copy>(
    all: &[T],
    word: fn(T) -> &'static str,
    text: fn(T) -> Text,
) -> Vec<(&'static str, Text)> {
    all.iter()
        .map(|value| (word(*value), text(*value)))
        .collect()
}

/// A choice among words. `options` are the words and what they are called.
#[component]
pub fn FilterChoice(
    name: &'static str,
    label: Text,
    any: Text,
    options: Vec<(&'static str, Text)>,
) -> impl IntoView {
    let t = use_words();
    let list = expect_context::<ListUrl>();
    let value = move || list.query.with(|query| query.get(name).to_owned());
    let fields = fields_of(name);
    let options = options
        .into_iter()
        .map(|(word, text)| {
            view! { <option value=word selected=move || value() == word>{t(text)}</option> }
                .into_any()
        })
        .collect_view();
    view! {
        <span class="filter" data-active=move || list.has(fields).to_string()>
            <select name=name aria-label=t(label) prop:value=value>
                <option value="">{t(any)}</option>
                {options}
            </select>
            <Aftermath name=label fields/>
        </span>
    }
}

/// The parameter of that name, alone, from the table of all of them.
fn fields_of(name: &str) -> &'static [&'static str] {
    let at = NAMES
        .iter()
        .position(|known| *known == name)
        .expect("every filter is one of the list's parameters");
    &NAMES[at..=at]
}

/// A text: a number, the beginning of a title.
#[component]
pub fn FilterText(name: &'static str, label: Text, hint: Text) -> impl IntoView {
    let list = expect_context::<ListUrl>();
    let fields = fields_of(name);
    view! {
        <span class="filter" data-active=move || list.has(fields).to_string()>
            <Typed name label hint/>
            <Aftermath name=label fields/>
        </span>
    }
}

/// A range of amounts, in yuan: `min` and `max`.
#[component]
pub fn FilterAmounts() -> impl IntoView {
    let t = use_words();
    let list = expect_context::<ListUrl>();
    const FIELDS: &[&str] = &["min", "max"];
    view! {
        <span class="filter range" data-active=move || list.has(FIELDS).to_string()>
            <span>{t(words::AMOUNT)}</span>
            <Typed name="min" label=words::AMOUNT_FROM hint=words::AT_LEAST/>
            <span>{t(words::UP_TO)}</span>
            <Typed name="max" label=words::AMOUNT_TO hint=words::AT_MOST/>
            <span>{t(words::YUAN)}</span>
            <Aftermath name=words::AMOUNT fields=FIELDS/>
        </span>
    }
}

/// A range of days (or moments) in the operator's zone, `from` and `to`, both included, with links to
/// the usual ones, which come with the list.
#[component]
pub fn FilterDays<T>(list: Ask<T>, days: fn(&T) -> Days) -> impl IntoView
where
    T: DeserializeOwned + 'static,
{
    let t = use_words();
    let url = expect_context::<ListUrl>();
    const FIELDS: &[&str] = &["from", "to"];
    let usual = part(move || {
        Box::pin(async move {
            let days = list.answer().await.ok().map(|list| days(&list));
            days.map(|days| view! { <UsualDays days/> }.into_any())
                .into_any()
        })
    });
    view! {
        <span class="filter range" data-active=move || url.has(FIELDS).to_string()>
            <span>{t(words::TIME)}</span>
            <Typed name="from" label=words::TIME_FROM hint=words::DATE_HINT/>
            <span>{t(words::UP_TO)}</span>
            <Typed name="to" label=words::TIME_TO hint=words::DATE_HINT/>
            <Aftermath name=words::TIME fields=FIELDS/>
            {usual}
        </span>
    }
}

/// Links to the usual ranges of days, while none is set.
#[component]
fn UsualDays(days: Days) -> impl IntoView {
    let t = use_words();
    let list = expect_context::<ListUrl>();
    move || {
        let query = list.query.get().first_page();
        let link = |text: Text, from: &str| {
            view! { <a href=list.href(&query.with("from", from)) data-noscroll>{t(text)}</a> }
        };
        let unset = query.get("from").is_empty() && query.get("to").is_empty();
        unset
            .then(|| {
                view! {
                    <span class="usual">
                        {link(words::TODAY, &days.today)} {link(words::LAST_7_DAYS, &days.last_7)}
                        {link(words::LAST_30_DAYS, &days.last_30)}
                    </span>
                }
                .into_any()
            })
            .into_any()
    }
}

/// One field that is typed into.
#[component]
fn Typed(name: &'static str, label: Text, hint: Text) -> impl IntoView {
    let t = use_words();
    let list = expect_context::<ListUrl>();
    let value = move || list.query.with(|query| query.get(name).to_owned());
    let wrong = move || list.query.with(|query| query.problem(name).is_some());
    view! {
        <input
            type="text"
            name=name
            class=name
            aria-label=t(label)
            aria-invalid=move || wrong().then_some("true")
            placeholder=t(hint)
            autocomplete="off"
            spellcheck="false"
            maxlength="150"
            inputmode=matches!(name, "min" | "max").then_some("decimal")
            value=untrack(value)
            prop:value=value
        />
    }
}
