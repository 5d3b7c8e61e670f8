//! The layout around every page: the navigation on the left, search and menus on top.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use crate::console::components::dialog::Dialog;
use crate::console::components::icon::{Draw, Icon};
use crate::console::components::keyboard::{Keyboard, open_dialog};
use crate::console::components::loader::Loader;
use crate::console::components::page::suspended;
use crate::console::components::scroll_restore::ScrollRestore;
use crate::console::hooks::Waiting;
use crate::console::hooks::use_app_id;
use crate::console::paths::{RESTORED_PAGE, app_path};
use crate::console::preferences::{Density, Theme, use_lang, use_preferences, use_texts};
use crate::console::rpc::layout::{find_number, load_navigation};
use crate::console::texts;
use crate::console::view::Navigation;
use crate::domain::filter::Count;
use crate::domain::lang::{Lang, Text};
use crate::domain::people::{Permission, Role};

/// The loader of the navigation's data, provided as context.
#[derive(Clone, Copy)]
pub struct PageNavigation(pub Loader<Navigation>);

/// Shows the navigation, the top line, and the page within.
#[component]
pub fn Layout() -> impl IntoView {
    let t = use_texts();
    let Waiting(waiting) = expect_context();
    let app_id = use_app_id();
    let navigation = Loader::new(
        move || (app_id.get(), String::new(), 0),
        |app_id, _| load_navigation(app_id),
    );
    provide_context(PageNavigation(navigation));

    view! {
        <a class="skip" href="#main" rel="external">{t(texts::SKIP)}</a>
        <div class="frame">
            <nav class="rail" aria-label=t(texts::MAIN_NAV)>
                <a class="brand" href="/">{texts::PRODUCT}</a>
                <Rail/>
            </nav>
            <header class="top">
                <Search/>
                <Menus/>
            </header>
            <div class="bars">
                <RestoredBar/>
                <TestBar/>
            </div>
            <main id="main" tabindex="-1" aria-busy=move || waiting.get().to_string()>
                <Outlet/>
            </main>
        </div>
        <KeyboardHelp/>
        <Keyboard/>
        <ScrollRestore/>
    }
}

/// Returns the page's app, or else the first one, which is the default app.
fn current_app(app_id: &str, navigation: &Navigation) -> String {
    match (app_id, navigation.apps.first()) {
        ("", Some(first)) => first.app_id.clone(),
        _ => app_id.to_owned(),
    }
}

/// Links to the app's lists, with the counts of what waits for a person.
#[component]
fn Rail() -> impl IntoView {
    let t = use_texts();
    let path = use_location().pathname;
    let app_id = use_app_id();
    let PageNavigation(navigation) = expect_context();
    let link = move |app_id: &str, page: &'static str, name: Text, count: Count| {
        let href = app_path(app_id, page);
        let here = href.clone();
        let current = move || path.with(|path| path.starts_with(&here)).then_some("page");
        let count = (count.rows > 0).then(|| {
            view! {
                <span class="count" title=t(texts::NEEDS_PERSON)>
                    {texts::count(count)}
                    <span class="unseen">" " {t(texts::NEEDS_PERSON)}</span>
                </span>
            }
            .into_any()
        });
        view! { <a href=href aria-current=current>{t(name)} {count}</a> }
    };
    suspended(move || {
        Box::pin(async move {
            let Ok(navigation) = navigation.answer().await else {
                return ().into_any();
            };
            let app_id = current_app(&app_id.get_untracked(), &navigation);
            let reads_audit = navigation
                .role
                .is_some_and(|role| role.allows(Permission::ReadAudit));
            match app_id.is_empty() {
                true => ().into_any(),
                false => view! {
                    {link(&app_id, "orders", texts::ORDERS, Count::default())}
                    {link(&app_id, "refunds", texts::REFUNDS, Count::default())}
                    {link(&app_id, "review", texts::REVIEW_QUEUE, navigation.to_review)}
                    {link(&app_id, "notices", texts::NOTICES, navigation.given_up)}
                    {link(&app_id, "callbacks", texts::CALLBACKS, Count::default())}
                    {link(&app_id, "syncs", texts::SYNCS, Count::default())}
                    {reads_audit.then(|| link(&app_id, "audit", texts::AUDIT, Count::default()))}
                }
                .into_any(),
            }
        })
    })
}

/// Shows the bar of restored mode.
#[component]
fn RestoredBar() -> impl IntoView {
    let lang = use_lang();
    let PageNavigation(navigation) = expect_context();
    suspended(move || {
        Box::pin(async move {
            let restored = match navigation.answer().await {
                Ok(navigation) => navigation.restored,
                Err(_) => None,
            };
            let Some(restored) = restored else {
                return ().into_any();
            };
            let end = restored.may_end.then(|| {
                view! { " " <a href=RESTORED_PAGE>{texts::CHECK_AND_END.get(lang)}</a> }.into_any()
            });
            view! {
                <p class="restored-bar" role="note">
                    <strong>{texts::RESTORED_MODE.get(lang)}</strong>
                    " "
                    {texts::restored_bar(&restored.taken_at, lang)}
                    {end}
                </p>
            }
            .into_any()
        })
    })
}

/// Shows the bar of an app that has channels in test mode.
#[component]
fn TestBar() -> impl IntoView {
    let lang = use_lang();
    let PageNavigation(navigation) = expect_context();
    suspended(move || {
        Box::pin(async move {
            let Ok(navigation) = navigation.answer().await else {
                return ().into_any();
            };
            let channels = navigation.test_channels;
            if channels.is_empty() {
                return ().into_any();
            }
            let told = texts::test_channels(&channels, navigation.moves_no_money, lang);
            view! {
                <p class="test-bar" role="note">
                    <strong>{texts::TEST_MODE.get(lang)}</strong> " " {told}
                </p>
            }
            .into_any()
        })
    })
}

/// Shows the search box, which leads to the order or refund with the number, or to the list of those that begin
/// with it.
#[component]
fn Search() -> impl IntoView {
    let t = use_texts();
    let app_id = use_app_id();
    let PageNavigation(navigation) = expect_context();
    let current = suspended(move || {
        Box::pin(async move {
            let app_id = match navigation.answer().await {
                Ok(navigation) => current_app(&app_id.get_untracked(), &navigation),
                Err(_) => app_id.get_untracked(),
            };
            view! { <input type="hidden" name="app_id" value=app_id/> }.into_any()
        })
    });
    let find = Action::new(|(app_id, number): &(String, String)| {
        find_number(app_id.clone(), number.clone())
    });
    let submit = move |ev: SubmitEvent| {
        ev.prevent_default();
        let form = event_target::<web_sys::HtmlFormElement>(&ev);
        let value = |name: &str| {
            let field = form.elements().named_item(name)?;
            Some(field.dyn_into::<HtmlInputElement>().ok()?.value())
        };
        let value = |name| value(name).unwrap_or_default();
        find.dispatch((value("app_id"), value("q")));
        // Shortcuts work only outside of fields, so the next page needs the focus.
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
                aria-label=t(texts::SEARCH)
                aria-keyshortcuts="/"
                placeholder=t(texts::SEARCH_HINT)
                autocomplete="off"
                spellcheck="false"
                maxlength="150"
            />
            <kbd aria-hidden="true">"/"</kbd>
        </form>
    }
}

/// Shows the menus: app, language, preferences, operator.
#[component]
fn Menus() -> impl IntoView {
    let preferences = use_preferences();
    let t = use_texts();
    let app_id = use_app_id();
    let PageNavigation(navigation) = expect_context();
    let other = match preferences.lang {
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
    let apps = suspended(move || {
        Box::pin(async move {
            match navigation.answer().await {
                Ok(navigation) if navigation.apps.len() > 1 => {
                    view! { <Apps current=app_id.get_untracked() navigation/> }.into_any()
                }
                _ => ().into_any(),
            }
        })
    });
    let operator = suspended(move || {
        Box::pin(async move {
            match navigation.answer().await {
                Ok(navigation) => {
                    view! { <OperatorMenu name=navigation.operator role=navigation.role/> }
                        .into_any()
                }
                Err(_) => ().into_any(),
            }
        })
    });
    view! {
        {apps}
        <form method="post" action="/api/preferences">
            <button name="lang" value=other.as_str() lang=other.as_str()>{t(texts::OTHER_LANGUAGE)}</button>
        </form>
        <details class="menu">
            <summary>{t(texts::VIEW)} <Draw icon=Icon::Down/></summary>
            <form method="post" action="/api/preferences">
                <fieldset>
                    <legend>{t(texts::THEME)}</legend>
                    {choice("theme", "system", texts::THEME_SYSTEM, preferences.theme == Theme::System)}
                    {choice("theme", "light", texts::THEME_LIGHT, preferences.theme == Theme::Light)}
                    {choice("theme", "dark", texts::THEME_DARK, preferences.theme == Theme::Dark)}
                </fieldset>
                <fieldset>
                    <legend>{t(texts::DENSITY)}</legend>
                    {choice("density", "normal", texts::DENSITY_NORMAL, preferences.density == Density::Normal)}
                    {choice("density", "compact", texts::DENSITY_COMPACT, preferences.density == Density::Compact)}
                </fieldset>
            </form>
        </details>
        {operator}
    }
}

/// Shows the operator's menu.
#[component]
fn OperatorMenu(name: String, role: Option<Role>) -> impl IntoView {
    let t = use_texts();
    view! {
        <details class="menu">
            <summary>{name} <Draw icon=Icon::Down/></summary>
            <div>
                {role.map(|role| view! { <p class="faint">{t(texts::role(role))}</p> })}
                <a
                    href="/help"
                    on:click=|ev| {
                        ev.prevent_default();
                        open_dialog("keyboard");
                    }
                >
                    {t(texts::KEYBOARD)}
                </a>
                <form method="post" action="/api/logout">
                    <button>{t(texts::LOG_OUT)}</button>
                </form>
            </div>
        </details>
    }
}

/// Shows the menu that switches to another app.
#[component]
fn Apps(current: String, navigation: Navigation) -> impl IntoView {
    let t = use_texts();
    let current = current_app(&current, &navigation);
    let name = navigation
        .apps
        .iter()
        .find(|app| app.app_id == current)
        .map_or(current.clone(), |app| app.name.clone());
    let links = navigation
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
            <summary aria-label=format!("{} {name}", t(texts::APP))>
                {name.clone()} <Draw icon=Icon::Down/>
            </summary>
            <div>{links}</div>
        </details>
    }
}

/// Renders the dialog with the list of shortcuts.
#[component]
fn KeyboardHelp() -> impl IntoView {
    view! {
        <Dialog id="keyboard" title=texts::KEYBOARD>
            <Keys/>
        </Dialog>
    }
}

/// Lists the shortcuts.
#[component]
pub fn Keys() -> impl IntoView {
    let t = use_texts();
    let keys = texts::KEYS
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
