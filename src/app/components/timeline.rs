//! The timeline of an order or a refund: newest first, one line an event, expandable to what was said
//! word for word.

use leptos::prelude::*;

use super::badge::state_badge;
use super::number::When;
use crate::app::look::{use_lang, use_words};
use crate::app::view::Entry;
use crate::app::words;
use crate::domain::event::{Event, Subject};
use crate::domain::order::OrderStatus;
use crate::domain::refund::RefundStatus;

/// A timeline. `zone` is that of its times.
#[component]
pub fn Timeline(entries: Vec<Entry>, zone: String) -> impl IntoView {
    let t = use_words();
    let lines = entries
        .into_iter()
        .map(|entry| view! { <Line entry/> })
        .collect_view();
    view! {
        <section class="timeline" id="timeline">
            <h2>{t(words::TIMELINE)} " " <small>{zone}</small></h2>
            <ol>{lines}</ol>
        </section>
    }
}

#[component]
fn Line(entry: Entry) -> impl IntoView {
    let t = use_words();
    let lang = use_lang();
    let Entry { event, when } = entry;
    let change = change(&event);
    let summary = view! {
        <When stamp=when/>
        <span class="what">
            <b>{t(words::event(event.kind))}</b>
            <span class="faint">{words::actor(&event.actor, lang)}</span>
            {event
                .finding
                .map(|finding| view! { <span>{words::channel_said(finding, lang)}</span> })}
            {change}
        </span>
    };
    match event.said.filter(|said| !said.is_empty()) {
        Some(said) => view! {
            <li>
                <details>
                    <summary>{summary}</summary>
                    <pre class="mono" tabindex="0">{said}</pre>
                </details>
            </li>
        }
        .into_any(),
        None => view! { <li><div class="line">{summary}</div></li> }.into_any(),
    }
}

/// The state that the event brought about, if it changed it.
fn change(event: &Event) -> Option<AnyView> {
    let after = event.after.as_ref().filter(|_| event.changed())?;
    match event.subject {
        Subject::Order => after
            .parse::<OrderStatus>()
            .ok()
            .map(|status| state_badge(status).into_any()),
        Subject::Refund => after
            .parse::<RefundStatus>()
            .ok()
            .map(|status| state_badge(status).into_any()),
    }
}
