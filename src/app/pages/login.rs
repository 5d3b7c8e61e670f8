//! The login. A plain form: what comes back is another page anyway.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::app::components::{PageTitle, Trace};
use crate::app::look::{use_lang, use_words};
use crate::app::words;
use crate::domain::lang::Lang;
use crate::domain::limits;

/// `/login?next=...`; after a refusal also `name`, `refused` and `trace`.
#[component]
pub fn LoginPage() -> impl IntoView {
    let t = use_words();
    let lang = use_lang();
    let query = use_query_map();
    let given = move |name: &str| query.with_untracked(|query| query.get(name).unwrap_or_default());
    // Anybody can write this into a link, so nothing but our own sentences comes of it.
    let refused = words::login_refused(&given("refused"), lang);
    let wrong = refused.is_some();
    let trace = Some(given("trace")).filter(|trace| {
        let plain = trace.bytes().all(|b| b.is_ascii_alphanumeric());
        (1..=32).contains(&trace.len()) && plain
    });
    let other = match lang {
        Lang::Zh => Lang::En,
        Lang::En => Lang::Zh,
    };
    view! {
        <PageTitle text=t(words::LOG_IN)/>
        <main class="alone login">
            <h1>{t(words::LOG_IN_TITLE)}</h1>
            <form class="fields" method="post" action="/api/login">
                <input type="hidden" name="next" value=given("next")/>
                <label>
                    {t(words::NAME)}
                    <input
                        name="name"
                        value=given("name")
                        autocomplete="username"
                        autocapitalize="off"
                        spellcheck="false"
                        required
                        autofocus=!wrong
                        maxlength=limits::OPERATOR_NAME_CHARS.to_string()
                    />
                </label>
                <label>
                    {t(words::PASSWORD)}
                    <input
                        type="password"
                        name="password"
                        autocomplete="current-password"
                        required
                        autofocus=wrong
                        maxlength=limits::PASSWORD_CHARS.to_string()
                        aria-invalid=wrong.then_some("true")
                        aria-describedby=wrong.then_some("trouble")
                    />
                </label>
                {refused
                    .map(|refused| {
                        view! {
                            <div id="trouble" role="alert">
                                <p class="problem">{refused}</p>
                                <Trace trace/>
                            </div>
                        }
                            .into_any()
                    })}
                <button class="primary">{t(words::LOG_IN)}</button>
            </form>
            <form method="post" action="/api/look">
                <button class="quiet" name="lang" value=other.word() lang=other.word()>
                    {t(words::OTHER_LANGUAGE)}
                </button>
            </form>
        </main>
    }
}
