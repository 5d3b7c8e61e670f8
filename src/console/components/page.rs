//! What every page begins with.

use std::pin::Pin;

use leptos::prelude::*;
use leptos_meta::Title;
use serde::de::DeserializeOwned;

use crate::console::components::filters::ListUrl;
use crate::console::components::loader::Loader;
use crate::console::components::message::{ErrorNote, ToLogin, Trace};
use crate::console::hooks::{Waiting, use_app_id};
use crate::console::paths::app_path;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::texts;
use crate::console::view::{ApiError, ErrorKind};
use crate::domain::lang::Text;

/// The page's name in the browser's tab and history. Every page has one, where what it shows is there.
#[component]
pub fn PageTitle(#[prop(into)] text: String) -> impl IntoView {
    view! { <Title text=format!("{text} · {}", texts::PRODUCT)/> }
}

/// A view that is there later.
pub type Later = Pin<Box<dyn Future<Output = AnyView> + Send>>;

/// A part of a page that waits for something: the server renders it when it is there; in the browser the
/// old stays until the new is there. All parts are of one type: see [`crate::console::components::FormAction`].
pub fn suspended(view: impl Fn() -> Later + Send + 'static) -> AnyView {
    view! { <Transition>{move || Suspend::new(view())}</Transition> }.into_any()
}

/// Shows what was loaded. The server waits for it; in the browser the old stays, dimmed, until the new
/// is there. A trouble is said in its place.
#[component]
pub fn Loaded<T, V>(
    resource: Loader<T>,
    /// Shows it.
    children: impl Fn(T) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: DeserializeOwned + 'static,
    V: IntoView + 'static,
{
    suspended_main(move || {
        let children = children.clone();
        Box::pin(async move {
            match resource.answer().await {
                Ok(loaded) => children(loaded).into_any(),
                Err(error) => view! { <Failed error/> }.into_any(),
            }
        })
    })
}

/// A [`part`] whose waiting dims the page.
fn suspended_main(view: impl Fn() -> Later + Send + 'static) -> AnyView {
    let Waiting(waiting) = expect_context();
    view! { <Transition set_pending=waiting>{move || Suspend::new(view())}</Transition> }.into_any()
}

/// A trouble in place of what was asked for. What is wrong with a filter is said at the filter; here only
/// that it is.
#[component]
fn Failed(error: ApiError) -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    let Some(list) = use_context::<ListUrl>() else {
        let app_id = use_app_id().get_untracked();
        let no_such_refund = error.kind == ErrorKind::NoSuchRefund;
        let (page, text) = match no_such_refund {
            true => (app_path(&app_id, "refunds"), texts::TO_REFUNDS),
            false => ("/".to_owned(), texts::TO_ORDERS),
        };
        let advice =
            texts::advice(error.kind).map(|advice| view! { <p>{t(advice)}</p> }.into_any());
        return view! {
            <PageTitle text=error.text(lang)/>
            <ToLogin error=error.clone()/>
            <h1>{error.text(lang)}</h1>
            <div class="note">
                {advice} <p>
                    <a href=page>{t(text)}</a>
                </p> <Trace trace=error.trace/>
            </div>
        }
        .into_any();
    };
    match error.field.as_ref().is_some_and(|field| list.marks(field)) {
        true => view! { <Hint text=texts::FIX_FILTERS/> }.into_any(),
        false => view! { <ErrorNote error/> }.into_any(),
    }
}

/// A remark above a list.
#[component]
pub fn Hint(text: Text) -> impl IntoView {
    let t = use_texts();
    view! { <p class="hint" role="status">{t(text)}</p> }
}
