//! A page about one thing that the server has made down to its texts: facts, what can be done, and what was
//! said word for word.

use leptos::prelude::*;

use super::action::{Deed, DeedTrouble};
use super::ask::Ask;
use super::badge::Badge;
use super::icon::{Draw, Icon};
use super::list::cell_shown;
use super::number::{Number, When};
use super::page::{Loaded, PageTitle};
use crate::app::look::{use_lang, use_words};
use crate::app::view::{Cell, Section, SheetAct, SheetLine, SheetView, Verbatim};
use crate::app::words;
use crate::domain::lang::Text;

/// The page. `kind` is what it is about; `deed` what can be done about it; `act` shows that, where the server
/// allows it.
#[component]
pub fn SheetPage(
    sheet: Ask<SheetView>,
    kind: Text,
    #[prop(optional)] deed: Option<Deed>,
    act: fn(SheetAct, Option<Deed>) -> AnyView,
    /// What came of the action that led here.
    #[prop(optional, into)]
    done: Signal<Option<String>>,
) -> impl IntoView {
    let t = use_words();
    let body = move |sheet: SheetView| {
        let act = sheet.act.map(|it| act(it, deed));
        let trouble = deed.map(|deed| view! { <DeedTrouble deed/> }.into_any());
        let states = sheet
            .states
            .into_iter()
            .map(|(tone, text)| view! { <Badge tone text/> }.into_any());
        view! {
            <PageTitle text=sheet.number.clone()/>
            <div class="head">
                <h1>
                    <span class="kind">{t(kind)}</span>
                    <Number number=sheet.number what=kind/>
                </h1>
                {states.collect_view()}
                {act}
            </div>
            {trouble}
            {move || done.get().map(|done| view! { <p class="done" role="status">{done}</p> }.into_any())}
            <p class="means">{sheet.means}</p>
            {facts_view(sheet.facts)}
            {sheet.sections.into_iter().map(section_view).collect_view()}
        }
        .into_any()
    };
    view! {
        <div class="one">
            <Loaded resource=sheet let:view>
                {body(view)}
            </Loaded>
        </div>
    }
}

/// Facts that the server has named.
pub fn facts_view(facts: Vec<(String, Cell)>) -> AnyView {
    view! { <dl class="facts">{more_facts(facts)}</dl> }.into_any()
}

/// Such facts, to stand among others.
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

/// The first is open.
fn line_view((i, line): (usize, SheetLine)) -> AnyView {
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

fn verbatim_view(Verbatim { name, text }: Verbatim) -> AnyView {
    let lang = use_lang();
    let label = format!("{} {name}", words::COPY.get(lang));
    view! {
        <figure class="verbatim">
            <figcaption>
                {name}
                <button
                    type="button"
                    class="copy"
                    data-copy=text.clone()
                    data-done=words::COPIED.get(lang)
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
