//! The login page. Its form is a plain one, since a login leads to another page anyway.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::console::components::{PageTitle, Trace};
use crate::console::preferences::{use_lang, use_texts};
use crate::console::texts;
use crate::domain::lang::Lang;
use crate::domain::limits;

/// Shows the login: `/login?next=...`. After a refusal the address also has `name`, `refused` and `trace`.
#[component]
pub fn LoginPage() -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    let query = use_query_map();
    let given = move |name: &str| query.with_untracked(|query| query.get(name).unwrap_or_default());
    // Anyone can write these parameters into a link, so the page shows only its own sentences.
    let refused = texts::login_refused(&given("refused"), lang);
    let wrong = refused.is_some();
    let trace = Some(given("trace")).filter(|trace| is_trace(trace));
    let other = match lang {
        Lang::Zh => Lang::En,
        Lang::En => Lang::Zh,
    };
    view! {
        <PageTitle text=t(texts::LOG_IN)/>
        <main class="alone login">
            <h1>{t(texts::LOG_IN_TITLE)}</h1>
            <form class="fields" method="post" action="/api/login">
                <input type="hidden" name="next" value=given("next")/>
                <label>
                    {t(texts::NAME)}
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
                    {t(texts::PASSWORD)}
                    <input
                        type="password"
                        name="password"
                        autocomplete="current-password"
                        required
                        autofocus=wrong
                        maxlength=limits::PASSWORD_CHARS.to_string()
                        aria-invalid=wrong.then_some("true")
                        aria-describedby=wrong.then_some("error")
                    />
                </label>
                {refused
                    .map(|refused| {
                        view! {
                            <div id="error" role="alert">
                                <p class="problem">{refused}</p>
                                <Trace trace/>
                            </div>
                        }
                            .into_any()
                    })}
                <button class="primary">{t(texts::LOG_IN)}</button>
            </form>
            <form method="post" action="/api/preferences">
                <button class="quiet" name="lang" value=other.as_str() lang=other.as_str()>
                    {t(texts::OTHER_LANGUAGE)}
                </button>
            </form>
        </main>
    }
}

/// Returns true where the text has the form of our trace ids.
fn is_trace(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_cannot_put_words_into_our_mouth() {
        let said = |word| texts::login_refused(word, Lang::En);
        assert_eq!(said("wrong").as_deref(), Some("Wrong name or password"));
        let locked = "Too many failed attempts; try again in 15 minutes";
        assert_eq!(said("locked.15").as_deref(), Some(locked));
        for word in ["", "call 555", "locked.call 555", "locked.-1", "wrong.x"] {
            assert_eq!(said(word), None, "{word:?}");
        }
        assert!(is_trace("00ff"));
        assert!(!is_trace("") && !is_trace("call 555") && !is_trace(&"0".repeat(33)));
    }
}
