//! Messages in place of content: nothing here, not allowed, failed. Each says what happened, why, and what to do.

use leptos::prelude::*;

use crate::console::components::number::Number;
use crate::console::paths::escape;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::texts;
use crate::console::view::{ApiError, ErrorKind};
use crate::domain::lang::Text;

/// Shows that there is nothing, and why; `children` tell what to do next.
#[component]
pub fn Empty(
    title: Text,
    why: Text,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let t = use_texts();
    view! {
        <div class="note">
            <h2>{t(title)}</h2>
            <p>{t(why)}</p>
            {children.map(|children| view! { <p>{children()}</p> }.into_any())}
        </div>
    }
}

/// Shows an error with its trace id. With `at_place` the error stands beside the form it belongs to, and does not
/// name the field.
#[component]
pub fn ErrorNote(error: ApiError, #[prop(optional)] at_place: bool) -> impl IntoView {
    let lang = use_lang();
    let text = match &error.field {
        Some(field) if !at_place => format!("{field}: {}", error.text(lang)),
        _ => texts::sentence(error.text(lang)),
    };
    view! {
        <div class="note" role="alert">
            <ToLogin error=error.clone()/>
            <p class="problem">{text}</p>
            <Trace trace=error.trace/>
        </div>
    }
}

/// Goes to the login page where the session has ended; that page leads back. (On the server, the rendering of a page
/// redirects by itself.)
#[component]
pub fn ToLogin(error: ApiError) -> impl IntoView {
    Effect::new(move |_| {
        if error.kind == ErrorKind::NotLoggedIn {
            let location = window().location();
            let path = location.pathname().unwrap_or_default();
            let search = location.search().unwrap_or_default();
            let next = escape(&(path + &search));
            let _ = location.set_href(&format!("/login?next={next}"));
        }
    });
}

/// Shows the trace id, if there is one.
#[component]
pub fn Trace(trace: Option<String>) -> impl IntoView {
    let t = use_texts();
    trace.map(|trace| {
        view! {
            <p class="trace">
                {t(texts::TRACE_ID)} " " <Number number=trace what=texts::TRACE_ID/>
            </p>
        }
        .into_any()
    })
}
