//! The page of a notice or a callback: facts, an action, and raw messages. The server makes its texts.

use leptos::prelude::*;

use crate::console::components::action::{ActionErrorNote, FormAction};
use crate::console::components::badge::Badge;
use crate::console::components::icon::{Draw, Icon};
use crate::console::components::list::cell_shown;
use crate::console::components::loader::Loader;
use crate::console::components::number::{Number, When};
use crate::console::components::page::{Loaded, PageTitle};
use crate::console::preferences::{use_lang, use_texts};
use crate::console::texts;
use crate::console::view::{Cell, DetailAction, DetailLine, DetailView, Section, Verbatim};
use crate::domain::lang::Text;

/// Shows the page of a notice or a callback. `kind` names its subject. `show_action` renders `action` where the server
/// allows it.
#[component]
pub fn DetailPage(
    detail: Loader<DetailView>,
    kind: Text,
    #[prop(optional)] action: Option<FormAction>,
    show_action: fn(DetailAction, Option<FormAction>) -> AnyView,
    /// The outcome of the action that led here.
    #[prop(optional, into)]
    done: Signal<Option<String>>,
) -> impl IntoView {
    let t = use_texts();
    let body = move |detail: DetailView| {
        let button = detail.action.map(|texts| show_action(texts, action));
        let error = action.map(|action| view! { <ActionErrorNote action/> }.into_any());
        let states = detail
            .states
            .into_iter()
            .map(|(tone, text)| view! { <Badge tone text/> }.into_any());
        view! {
            <PageTitle text=detail.number.clone()/>
            <div class="head">
                <h1>
                    <span class="kind">{t(kind)}</span>
                    <Number number=detail.number what=kind/>
                </h1>
                {states.collect_view()}
                {button}
            </div>
            {error}
            {move || done.get().map(|done| view! { <p class="done" role="status">{done}</p> }.into_any())}
            <p class="meaning">{detail.meaning}</p>
            {facts_view(detail.facts)}
            {detail.sections.into_iter().map(section_view).collect_view()}
        }
        .into_any()
    };
    view! {
        <div class="one">
            <Loaded resource=detail let:view>
                {body(view)}
            </Loaded>
        </div>
    }
}

/// Shows facts that the server has named.
pub fn facts_view(facts: Vec<(String, Cell)>) -> AnyView {
    view! { <dl class="facts">{more_facts(facts)}</dl> }.into_any()
}

/// Shows facts that the server has named, within a list of other facts.
pub fn more_facts(facts: Vec<(String, Cell)>) -> AnyView {
    let fact = |(name, cell): (String, Cell)| {
        let code = matches!(cell, Cell::Code(_)).then_some("mono");
        view! {
            <div>
                <dt>{name}</dt>
                <dd class=code>{cell_shown(cell)}</dd>
            </div>
        }
        .into_any()
    };
    facts.into_iter().map(fact).collect_view().into_any()
}

/// Shows a section: sentences, lines, texts.
fn section_view(section: Section) -> AnyView {
    let sentences = section
        .sentences
        .into_iter()
        .map(|sentence| view! { <p>{sentence}</p> }.into_any());
    let lines = section.lines.into_iter().enumerate().map(line_view);
    let lines = lines.collect_view();
    view! {
        <section class="timeline">
            <h2>{section.title}</h2>
            <div class="says">{sentences.collect_view()}</div>
            <ol>{lines}</ol>
            {section.texts.into_iter().map(verbatim_view).collect_view()}
        </section>
    }
    .into_any()
}

/// Shows a line; the first one is unfolded.
fn line_view((i, line): (usize, DetailLine)) -> AnyView {
    let (tone, text) = line.state;
    view! {
        <li>
            <details open=i == 0>
                <summary>
                    <When stamp=line.when/>
                    <span class="what">
                        <Badge tone text/>
                        <span>{line.summary}</span>
                    </span>
                </summary>
                {line.texts.into_iter().map(verbatim_view).collect_view()}
            </details>
        </li>
    }
    .into_any()
}

/// Shows a raw text with a button that copies it.
fn verbatim_view(Verbatim { name, text }: Verbatim) -> AnyView {
    let lang = use_lang();
    let label = format!("{} {name}", texts::COPY.get(lang));
    view! {
        <figure class="verbatim">
            <figcaption>
                {name}
                <button
                    type="button"
                    class="copy"
                    data-copy=text.clone()
                    data-done=texts::COPIED.get(lang)
                    aria-label=label.clone()
                    title=label
                >
                    <Draw icon=Icon::Copy/>
                </button>
            </figcaption>
            <pre class="mono" tabindex="0">{text}</pre>
        </figure>
    }
    .into_any()
}
