//! The title of a page, and the parts of a page that wait for data.

use std::pin::Pin;

use leptos::prelude::*;
use leptos_meta::Title;

use crate::console::components::loader::{Loader, PageData};
use crate::console::components::message::{ErrorNote, ToLogin, Trace};
use crate::console::hooks::{ListUrl, Waiting, use_app_id};
use crate::console::paths::app_path;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::texts;
use crate::console::view::{ApiError, ErrorKind};
use crate::domain::lang::Text;

/// Sets the page's name in the browser's tab and history. Every page sets it once its data is there.
#[component]
pub fn PageTitle(#[prop(into)] text: String) -> impl IntoView {
    view! { <Title text=format!("{text} · {}", texts::PRODUCT)/> }
}

/// A view that waits for data.
pub type PendingView = Pin<Box<dyn Future<Output = AnyView> + Send>>;

/// Renders a part of a page that waits for data. The server waits before it sends the page; in the browser the old
/// content stays until the new is ready. All such parts have one type, so that leptos' machinery is compiled once.
pub fn suspended(view: impl Fn() -> PendingView + Send + 'static) -> AnyView {
    view! { <Transition>{move || Suspend::new(view())}</Transition> }.into_any()
}

/// Shows loaded data, or the error. The server waits for the data; in the browser the old content stays, dimmed,
/// until the new is there.
#[component]
pub fn Loaded<T, V>(
    resource: Loader<T>,
    /// Renders the data.
    children: impl Fn(T) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: PageData,
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

/// Renders as [`suspended`] does, and dims the page while it waits.
fn suspended_main(view: impl Fn() -> PendingView + Send + 'static) -> AnyView {
    let Waiting(waiting) = expect_context();
    view! { <Transition set_pending=waiting>{move || Suspend::new(view())}</Transition> }.into_any()
}

/// Shows an error in place of the data. The error of a list's filter is shown at the filter, so that here only a hint
/// to correct it appears.
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

/// Shows a remark above a list.
#[component]
pub fn Hint(text: Text) -> impl IntoView {
    let t = use_texts();
    view! { <p class="hint" role="status">{t(text)}</p> }
}
