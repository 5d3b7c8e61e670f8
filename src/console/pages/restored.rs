//! The page of restored mode: what it means, what to compare, and the form that ends it.

use leptos::prelude::*;

use crate::console::components::*;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::rpc::restored::{EndRestored, load_restored};
use crate::console::texts;
use crate::console::view::{DetailAction, DetailView};
use crate::domain::limits;

/// Shows restored mode: `/restored`.
#[component]
pub fn RestoredPage() -> impl IntoView {
    let t = use_texts();
    let PageNavigation(navigation) = expect_context();
    let end = FormAction::of::<EndRestored>();
    let restored = Loader::new(
        move || (String::new(), String::new(), end.version()),
        |_, _| load_restored(),
    );
    // The bar on every page goes with the mode.
    Effect::new(move || {
        if let Some(Ok(())) = end.outcome() {
            navigation.again();
        }
    });
    let body = move |detail: DetailView| {
        let states = detail
            .states
            .into_iter()
            .map(|(tone, text)| view! { <Badge tone text/> }.into_any());
        let sections = detail.sections.into_iter().map(|section| {
            let steps = section.sentences.into_iter();
            let steps = steps.map(|step| view! { <li>{step}</li> }.into_any());
            view! {
                <h2>{section.title}</h2>
                <ol class="steps">{steps.collect_view()}</ol>
            }
            .into_any()
        });
        let form = detail
            .action
            .map(|texts| view! { <End texts action=end/> }.into_any());
        view! {
            <div class="head">
                <h1>{t(texts::RESTORED_MODE)}</h1>
                {states.collect_view()}
            </div>
            <p class="meaning">{detail.meaning}</p>
            {facts_view(detail.facts)}
            {sections.collect_view()}
            {form}
        }
        .into_any()
    };
    view! {
        <PageTitle text=t(texts::RESTORED_MODE)/>
        <div class="one">
            <Loaded resource=restored let:view>
                {body(view)}
            </Loaded>
        </div>
    }
}

/// Asks for a note and a typed phrase, and ends the mode.
#[component]
fn End(texts: DetailAction, action: FormAction) -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    view! {
        <h2>{t(texts::END_RESTORED_MODE)}</h2>
        <div class="narrow">
            <p class="happens">{texts.happens}</p>
            <Primary
                action
                fields=Vec::new()
                text=texts.button
                class="fields"
                typed=&["note", "confirmation"]
            >
                <label>
                    <span>{t(texts::COMPARED)}</span>
                    <textarea name="note" rows="3" required maxlength=limits::REMARK_CHARS.to_string()></textarea>
                    <small>{t(texts::COMPARED_HINT)}</small>
                </label>
                <label>
                    <span>{texts::type_phrase(lang)}</span>
                    <input name="confirmation" required autocomplete="off" maxlength="40"/>
                </label>
                <ActionErrorNote action/>
            </Primary>
        </div>
    }
}
