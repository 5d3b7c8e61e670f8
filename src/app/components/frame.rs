//! What stands around every page: the rail on the left, the line on top.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::{use_location, use_params_map};
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::ask::Ask;
use super::dialog::Dialog;
use super::hands::{Hands, open_dialog};
use super::icon::{Draw, Icon};
use super::page::part;
use super::returning::Return;
use crate::app::look::{Density, Theme, use_look, use_words};
use crate::app::query::escape;
use crate::app::rpc::desk::{Desk, find_number, load_desk};
use crate::app::words;
use crate::domain::filter::Count;
use crate::domain::lang::{Lang, Text};
use crate::domain::operator::Operator;

/// Set while a page is on its way: what is shown is then dimmed, and stays until the new is there.
#[derive(Clone, Copy)]
pub struct Waiting(pub RwSignal<bool>);

/// The app whose pages are shown: the `DEMO` of `/apps/DEMO/orders`; empty outside of any.
pub fn use_app_id() -> Memo<String> {
    let path = use_location().pathname;
    Memo::new(move |_| {
        path.with(|path| {
            let mut parts = path.split('/').skip(1);
            match (parts.next(), parts.next()) {
                (Some("apps"), Some(app)) => leptos_router::location::Url::unescape(app),
                _ => String::new(),
            }
        })
    })
}

/// The number that the page is about: the last segment of `/apps/:app/orders/:number`.
pub fn use_number() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get("number").unwrap_or_default()))
}

/// The address of an app's page: `app_path("DEMO", "orders")`.
pub fn app_path(app: &str, page: &str) -> String {
    format!("/apps/{}/{page}", escape(app))
}

/// The desk as it stands around this page.
#[derive(Clone, Copy)]
pub struct DeskOfPage(pub Ask<Desk>);

/// The rail, the top line, and the page within.
#[component]
pub fn Frame() -> impl IntoView {
    let t = use_words();
    let Waiting(waiting) = expect_context();
    let app = use_app_id();
    let desk = Ask::new(
        move || (app.get(), String::new(), 0),
        |app, _| load_desk(app),
    );
    provide_context(DeskOfPage(desk));

    view! {
        <a class="skip" href="#main" rel="external">{t(words::SKIP)}</a>
        <div class="frame">
            <nav class="rail" aria-label=t(words::MAIN_NAV)>
                <a class="brand" href="/">{words::PRODUCT}</a>
                <Rail/>
            </nav>
            <header class="top">
                <Search/>
                <Menus/>
            </header>
            <main id="main" tabindex="-1" aria-busy=move || waiting.get().to_string()>
                <Outlet/>
            </main>
        </div>
        <Keyboard/>
        <Hands/>
        <Return/>
    }
}

/// The app of the page, or else the first of the desk's.
fn current_app(app: &str, desk: &Desk) -> String {
    match (app, desk.apps.first()) {
        ("", Some(first)) => first.app_id.clone(),
        _ => app.to_owned(),
    }
}

#[component]
fn Rail() -> impl IntoView {
    let t = use_words();
    let path = use_location().pathname;
    let app = use_app_id();
    let DeskOfPage(desk) = expect_context();
    let link = move |app: &str, page: &'static str, name: Text, count: Count| {
        let href = app_path(app, page);
        let here = href.clone();
        let current = move || path.with(|path| path.starts_with(&here)).then_some("page");
        let count = (count.rows > 0).then(|| {
            view! {
                <span class="count" title=t(words::NEEDS_PERSON)>
                    {words::count(count)}
                    <span class="unseen">" " {t(words::NEEDS_PERSON)}</span>
                </span>
            }
            .into_any()
        });
        view! { <a href=href aria-current=current>{t(name)} {count}</a> }
    };
    part(move || {
        Box::pin(async move {
            let Ok(desk) = desk.answer().await else {
                return ().into_any();
            };
            let app = current_app(&app.get_untracked(), &desk);
            match app.is_empty() {
                true => ().into_any(),
                false => view! {
                    {link(&app, "orders", words::ORDERS, Count::default())}
                    {link(&app, "refunds", words::REFUNDS, Count::default())}
                    {link(&app, "inbox", words::INBOX, desk.attention)}
                    {link(&app, "notices", words::NOTICES, desk.given_up)}
                    {link(&app, "callbacks", words::CALLBACKS, Count::default())}
                    {link(&app, "syncs", words::SYNCS, Count::default())}
                }
                .into_any(),
            }
        })
    })
}

/// The one search box: leads to what has the number, or to the list of what begins with it.
#[component]
fn Search() -> impl IntoView {
    let t = use_words();
    let app = use_app_id();
    let DeskOfPage(desk) = expect_context();
    let current = part(move || {
        Box::pin(async move {
            let app = match desk.answer().await {
                Ok(desk) => current_app(&app.get_untracked(), &desk),
                Err(_) => app.get_untracked(),
            };
            view! { <input type="hidden" name="app" value=app/> }.into_any()
        })
    });
    let find =
        Action::new(|(app, number): &(String, String)| find_number(app.clone(), number.clone()));
    let submit = move |ev: SubmitEvent| {
        ev.prevent_default();
        let form = event_target::<web_sys::HtmlFormElement>(&ev);
        let value = |name: &str| {
            let field = form.elements().named_item(name)?;
            Some(field.dyn_into::<HtmlInputElement>().ok()?.value())
        };
        let value = |name| value(name).unwrap_or_default();
        find.dispatch((value("app"), value("q")));
        // The next page is for looking at: keys go to it.
        form.reset();
        if let Ok(Some(input)) = form.query_selector("[name=q]")
            && let Ok(input) = input.dyn_into::<HtmlInputElement>()
        {
            let _ = input.blur();
        }
    };
    let Waiting(waiting) = expect_context();
    let pending = find.pending();
    Effect::new(move |_| waiting.set(pending.get()));
    view! {
        <form class="search" role="search" method="get" action="/api/find" on:submit=submit>
            <Draw icon=Icon::Search/>
            {current}
            <input
                type="search"
                name="q"
                aria-label=t(words::SEARCH)
                aria-keyshortcuts="/"
                placeholder=t(words::SEARCH_HINT)
                autocomplete="off"
                spellcheck="false"
                maxlength="150"
            />
            <kbd aria-hidden="true">"/"</kbd>
        </form>
    }
}

#[component]
fn Menus() -> impl IntoView {
    let look = use_look();
    let t = use_words();
    let app = use_app_id();
    let DeskOfPage(desk) = expect_context();
    let other = match look.lang {
        Lang::Zh => Lang::En,
        Lang::En => Lang::Zh,
    };
    let choice = |name: &'static str, value: &'static str, text: Text, chosen: bool| {
        view! {
            <button name=name value=value aria-pressed=chosen.to_string()>
                {t(text)}
            </button>
        }
    };
    let apps = part(move || {
        Box::pin(async move {
            match desk.answer().await {
                Ok(desk) if desk.apps.len() > 1 => {
                    view! { <Apps current=app.get_untracked() desk/> }.into_any()
                }
                _ => ().into_any(),
            }
        })
    });
    let operator = part(move || {
        Box::pin(async move {
            match desk.answer().await {
                Ok(desk) => view! { <OperatorMenu operator=desk.operator/> }.into_any(),
                Err(_) => ().into_any(),
            }
        })
    });
    view! {
        {apps}
        <form method="post" action="/api/look">
            <button name="lang" value=other.word() lang=other.word()>{t(words::OTHER_LANGUAGE)}</button>
        </form>
        <details class="menu">
            <summary>{t(words::VIEW)} <Draw icon=Icon::Down/></summary>
            <form method="post" action="/api/look">
                <fieldset>
                    <legend>{t(words::THEME)}</legend>
                    {choice("theme", "system", words::THEME_SYSTEM, look.theme == Theme::System)}
                    {choice("theme", "light", words::THEME_LIGHT, look.theme == Theme::Light)}
                    {choice("theme", "dark", words::THEME_DARK, look.theme == Theme::Dark)}
                </fieldset>
                <fieldset>
                    <legend>{t(words::DENSITY)}</legend>
                    {choice("density", "normal", words::DENSITY_NORMAL, look.density == Density::Normal)}
                    {choice("density", "compact", words::DENSITY_COMPACT, look.density == Density::Compact)}
                </fieldset>
            </form>
        </details>
        {operator}
    }
}

#[component]
fn OperatorMenu(operator: Operator) -> impl IntoView {
    let t = use_words();
    view! {
        <details class="menu">
            <summary>{operator.name} <Draw icon=Icon::Down/></summary>
            <div>
                <p class="faint">{t(words::role(operator.role))}</p>
                <a
                    href="/help"
                    on:click=|ev| {
                        ev.prevent_default();
                        open_dialog("keyboard");
                    }
                >
                    {t(words::KEYBOARD)}
                </a>
                <form method="post" action="/api/logout">
                    <button>{t(words::LOG_OUT)}</button>
                </form>
            </div>
        </details>
    }
}

/// Switches to another app.
#[component]
fn Apps(current: String, desk: Desk) -> impl IntoView {
    let t = use_words();
    let current = current_app(&current, &desk);
    let name = desk
        .apps
        .iter()
        .find(|app| app.app_id == current)
        .map_or(current.clone(), |app| app.name.clone());
    let links = desk
        .apps
        .into_iter()
        .map(|app| {
            let here = (app.app_id == current).then_some("true");
            view! {
                <a href=app_path(&app.app_id, "orders") aria-current=here>
                    {app.name} " " <span class="faint mono">{app.app_id.clone()}</span>
                </a>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <details class="menu">
            <summary aria-label=format!("{} {name}", t(words::APP))>
                {name.clone()} <Draw icon=Icon::Down/>
            </summary>
            <div>{links}</div>
        </details>
    }
}

/// The keys, as a dialog.
#[component]
fn Keyboard() -> impl IntoView {
    view! {
        <Dialog id="keyboard" title=words::KEYBOARD>
            <Keys/>
        </Dialog>
    }
}

/// The list of the keys.
#[component]
pub fn Keys() -> impl IntoView {
    let t = use_words();
    let keys = words::KEYS
        .iter()
        .map(|(keys, what)| {
            let keys = keys
                .iter()
                .map(|key| view! { <kbd>{*key}</kbd> " " }.into_any())
                .collect_view();
            view! {
                <div>
                    <dt>{keys}</dt>
                    <dd>{t(*what)}</dd>
                </div>
            }
            .into_any()
        })
        .collect_view();
    view! { <dl class="keys">{keys}</dl> }
}
