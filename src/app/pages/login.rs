//! The login. A plain form: what comes back is another page anyway.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::app::components::{PageTitle, Trace};
use crate::app::look::{use_lang, use_words};
use crate::app::rpc::{Trouble, TroubleKind};
use crate::app::words;
use crate::domain::error::Refusal;
use crate::domain::lang::Lang;
use crate::domain::limits;

/// `/login?next=...`; after a refusal also `name` and `trouble`.
#[component]
pub fn LoginPage() -> impl IntoView {
    let t = use_words();
    let lang = use_lang();
    let query = use_query_map();
    let given = move |name: &str| query.with_untracked(|query| query.get(name).unwrap_or_default());
    let trouble = read_trouble(&given("trouble"));
    let wrong = trouble.is_some();
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
                {trouble
                    .map(|trouble| {
                        view! {
                            <div id="trouble" role="alert">
                                <p class="problem">{trouble.text(lang)}</p>
                                <Trace trouble/>
                            </div>
                        }.into_any()
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

/// Reads why the last attempt was refused. Anybody can write this into a link, so nothing but our own
/// sentences comes of it.
fn read_trouble(json: &str) -> Option<Trouble> {
    let trouble: Trouble = serde_json::from_str(json).ok()?;
    let ours = match &trouble.kind {
        TroubleKind::Refused(refusal) => matches!(
            refusal,
            Refusal::WrongLogin | Refusal::TooManyAttempts { .. } | Refusal::Overloaded
        ),
        TroubleKind::Internal | TroubleKind::Unreachable => true,
    };
    let plain = trouble
        .trace
        .iter()
        .all(|trace| trace.len() <= 64 && trace.bytes().all(|b| b.is_ascii_alphanumeric()));
    (ours && plain).then_some(trouble)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_cannot_put_words_into_our_mouth() {
        let ours = r#"{"kind":{"Refused":"WrongLogin"},"trace":"00ff"}"#;
        assert!(read_trouble(ours).is_some());
        let theirs = r#"{"kind":{"Refused":{"Unreadable":{"why":"call 555"}}},"trace":null}"#;
        assert!(read_trouble(theirs).is_none());
        let theirs = r#"{"kind":"Internal","trace":"call 555"}"#;
        assert!(read_trouble(theirs).is_none());
        assert!(read_trouble("").is_none());
    }
}
