//! The timeline of an order or a refund, newest event first. A line unfolds to the channel's raw message.

use leptos::prelude::*;

use crate::console::components::badge::state_badge;
use crate::console::components::number::When;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::texts;
use crate::console::view::Entry;
use crate::domain::event::{Actor, Event, Subject};
use crate::domain::order::OrderStatus;
use crate::domain::refund::RefundStatus;

/// Shows a timeline, whose times are in `zone`. Events after number `since` are marked as new and unfolded. When
/// `entries` change, lines that stay keep their state, unfolded or not.
#[component]
pub fn Timeline(
    #[prop(into)] entries: Signal<Vec<Entry>>,
    #[prop(into)] zone: Signal<String>,
    #[prop(optional, into)] since: Signal<Option<i64>>,
) -> impl IntoView {
    let t = use_texts();
    view! {
        <section class="timeline" id="timeline" hidden=move || entries.with(Vec::is_empty)>
            <h2>{t(texts::TIMELINE)} " " <small>{zone}</small></h2>
            <ol>
                <For each=move || entries.get() key=|entry| entry.event.seq let:entry>
                    <Line entry since/>
                </For>
            </ol>
        </section>
    }
}

/// Shows an event.
#[component]
fn Line(entry: Entry, since: Signal<Option<i64>>) -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    let Entry { event, when } = entry;
    let change = change(&event);
    let seq = event.seq;
    let is_new = move || since.get().is_some_and(|since| seq > since);
    let data_new = move || is_new().then_some("");
    // Names of events that come from the channel name it already.
    let by_channel = event.actor == Actor::Channel;
    let who = (!by_channel).then(|| {
        view! { <span class="faint">{texts::actor(&event.actor, lang)}</span> }.into_any()
    });
    let heard = event.outcome.map(|outcome| match by_channel {
        true => t(texts::outcome_kind(outcome)).to_owned(),
        false => texts::channel_said(outcome, lang),
    });
    let heard = heard.map(|heard| view! { <span>{heard}</span> }.into_any());
    let summary = view! {
        <When stamp=when/>
        <span class="what">
            <b>{t(texts::event(event.kind))}</b>
            {who}
            {heard}
            {change}
        </span>
    };
    match event.said.filter(|said| !said.is_empty()) {
        Some(said) => view! {
            <li data-new=data_new>
                <details open=untrack(is_new)>
                    <summary>{summary}</summary>
                    <pre class="mono" tabindex="0">{said}</pre>
                </details>
            </li>
        }
        .into_any(),
        None => view! { <li data-new=data_new><div class="line">{summary}</div></li> }.into_any(),
    }
}

/// Returns the badge of the new state, if the event changed the state.
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
