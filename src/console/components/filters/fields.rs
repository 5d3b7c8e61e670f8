//! The kinds of filters. Each shows its value, the error in it, and a link that removes it.

use leptos::prelude::*;

use crate::console::components::icon::{Draw, Icon};
use crate::console::components::loader::Loader;
use crate::console::components::page::suspended;
use crate::console::hooks::ListUrl;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::texts;
use crate::console::view::query::NAMES;
use crate::console::view::{Days, ListView};
use crate::domain::lang::Text;

/// Shows the cross that removes an active filter, and the error of its fields.
#[component]
fn FilterStatus(name: Text, fields: &'static [&'static str]) -> impl IntoView {
    let lang = use_lang();
    let list = expect_context::<ListUrl>();
    move || {
        let query = list.query.get();
        let problems = fields
            .iter()
            .filter_map(|field| query.problem(field))
            .map(|reason| {
                view! { <em class="problem">{texts::problem(&reason, lang)}</em> }.into_any()
            })
            .collect_view();
        let cross = list.has(fields).then(|| {
            let label = texts::remove_filter(name, lang);
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

/// Shows a choice among words. `options` are the words with their texts.
#[component]
pub fn FilterChoice(
    name: &'static str,
    label: Text,
    any: Text,
    options: Vec<(&'static str, Text)>,
) -> impl IntoView {
    let t = use_texts();
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
            <FilterStatus name=label fields/>
        </span>
    }
}

/// Returns the slice of [`NAMES`] that holds one name.
fn fields_of(name: &str) -> &'static [&'static str] {
    let at = NAMES
        .iter()
        .position(|known| *known == name)
        .expect("every filter is one of the list's parameters");
    &NAMES[at..=at]
}

/// Shows a text field: a number, the beginning of a title.
#[component]
pub fn FilterText(name: &'static str, label: Text, hint: Text) -> impl IntoView {
    let list = expect_context::<ListUrl>();
    let fields = fields_of(name);
    view! {
        <span class="filter" data-active=move || list.has(fields).to_string()>
            <Typed name label hint/>
            <FilterStatus name=label fields/>
        </span>
    }
}

/// Shows a range of amounts in yuan: `min` and `max`.
#[component]
pub fn FilterAmounts() -> impl IntoView {
    let t = use_texts();
    let list = expect_context::<ListUrl>();
    const FIELDS: &[&str] = &["min", "max"];
    view! {
        <span class="filter range" data-active=move || list.has(FIELDS).to_string()>
            <span>{t(texts::AMOUNT)}</span>
            <Typed name="min" label=texts::AMOUNT_FROM hint=texts::AT_LEAST/>
            <span>{t(texts::UP_TO)}</span>
            <Typed name="max" label=texts::AMOUNT_TO hint=texts::AT_MOST/>
            <span>{t(texts::YUAN)}</span>
            <FilterStatus name=texts::AMOUNT fields=FIELDS/>
        </span>
    }
}

/// Shows a range of days or moments in the operator's zone: `from` and `to`, both included. Links to the usual ranges
/// come with the list.
#[component]
pub fn FilterDays(list: Loader<ListView>) -> impl IntoView {
    let t = use_texts();
    let url = expect_context::<ListUrl>();
    const FIELDS: &[&str] = &["from", "to"];
    let usual = suspended(move || {
        Box::pin(async move {
            let list = list.answer().await.ok();
            list.map(|list| view! { <UsualDays days=list.days/> }.into_any())
                .into_any()
        })
    });
    view! {
        <span class="filter range" data-active=move || url.has(FIELDS).to_string()>
            <span>{t(texts::TIME)}</span>
            <Typed name="from" label=texts::TIME_FROM hint=texts::DATE_HINT/>
            <span>{t(texts::UP_TO)}</span>
            <Typed name="to" label=texts::TIME_TO hint=texts::DATE_HINT/>
            <FilterStatus name=texts::TIME fields=FIELDS/>
            {usual}
        </span>
    }
}

/// Links to the usual ranges of days where none is set.
#[component]
fn UsualDays(days: Days) -> impl IntoView {
    let t = use_texts();
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
                        {link(texts::TODAY, &days.today)} {link(texts::LAST_7_DAYS, &days.last_7)}
                        {link(texts::LAST_30_DAYS, &days.last_30)}
                    </span>
                }
                .into_any()
            })
            .into_any()
    }
}

/// Renders a text field.
#[component]
fn Typed(name: &'static str, label: Text, hint: Text) -> impl IntoView {
    let t = use_texts();
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
