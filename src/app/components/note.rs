//! Written states: nothing here, not allowed, failed. What this is, why, and what to do next.

use leptos::prelude::*;

use super::number::Number;
use crate::app::look::{use_lang, use_words};
use crate::app::query::escape;
use crate::app::rpc::{Cause, Trouble};
use crate::app::words;
use crate::domain::lang::Text;

/// Says that there is nothing, why, and what to do next (`children`).
#[component]
pub fn Empty(
    title: Text,
    why: Text,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let t = use_words();
    view! {
        <div class="note">
            <h2>{t(title)}</h2>
            <p>{t(why)}</p>
            {children.map(|children| view! { <p>{children()}</p> }.into_any())}
        </div>
    }
}

/// Says why something did not succeed, with the trace id. `at_place`: it stands where it was asked for,
/// so that no field need be named.
#[component]
pub fn TroubleNote(trouble: Trouble, #[prop(optional)] at_place: bool) -> impl IntoView {
    let lang = use_lang();
    let text = match &trouble.field {
        Some(field) if !at_place => format!("{field}: {}", trouble.text(lang)),
        _ => words::sentence(trouble.text(lang)),
    };
    view! {
        <div class="note" role="alert">
            <ToLogin trouble=trouble.clone()/>
            <p class="problem">{text}</p>
            <Trace trace=trouble.trace/>
        </div>
    }
}

/// Where the login has ended meanwhile, leads to the login page, and from there back. (Where the server
/// renders a page it has done so itself.)
#[component]
pub fn ToLogin(trouble: Trouble) -> impl IntoView {
    Effect::new(move |_| {
        if trouble.cause == Cause::NotLoggedIn {
            let location = window().location();
            let path = location.pathname().unwrap_or_default();
            let search = location.search().unwrap_or_default();
            let next = escape(&(path + &search));
            let _ = location.set_href(&format!("/login?next={next}"));
        }
    });
}

/// The trace id, if there is one.
#[component]
pub fn Trace(trace: Option<String>) -> impl IntoView {
    let t = use_words();
    trace.map(|trace| {
        view! {
            <p class="trace">
                {t(words::TRACE_ID)} " " <Number number=trace what=words::TRACE_ID/>
            </p>
        }
        .into_any()
    })
}
