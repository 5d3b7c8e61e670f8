//! What every page begins with.

use leptos::prelude::*;
use leptos_meta::Title;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::filters::ListUrl;
use super::frame::Waiting;
use super::note::{ToLogin, Trace, TroubleNote};
use crate::app::look::{use_lang, use_words};
use crate::app::rpc::Trouble;
use crate::app::words;
use crate::domain::filter::Count;
use crate::domain::lang::Text;

/// The page's name in the browser's tab and history. Every page has one, where what it shows is there.
#[component]
pub fn PageTitle(#[prop(into)] text: String) -> impl IntoView {
    view! { <Title text=format!("{text} · {}", words::PRODUCT)/> }
}

/// The head of a list: its name and how much there is.
#[component]
pub fn ListTitle(text: Text, count: Signal<Option<Count>>) -> impl IntoView {
    let t = use_words();
    view! {
        <h1>
            {t(text)} " "
            <Transition>
                {move || {
                    count.get().map(|count| view! { <span class="total">{words::count(count)}</span> })
                }}
            </Transition>
        </h1>
    }
}

/// Shows what was loaded. The server waits for it; in the browser the old stays, dimmed, until the new
/// is there. A trouble is said in its place.
#[component]
pub fn Loaded<T, V>(
    resource: Resource<Result<T, Trouble>>,
    /// Shows it.
    children: impl Fn(T) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    V: IntoView + 'static,
{
    let Waiting(waiting) = expect_context();
    view! {
        <Transition set_pending=waiting>
            {move || {
                let children = children.clone();
                Suspend::new(async move {
                    match resource.await {
                        Ok(loaded) => children(loaded).into_any(),
                        Err(trouble) => view! { <Failed trouble/> }.into_any(),
                    }
                })
            }}
        </Transition>
    }
}

/// A trouble in place of what was asked for. What is wrong with a filter is said at the filter; here only
/// that it is.
#[component]
fn Failed(trouble: Trouble) -> impl IntoView {
    let t = use_words();
    let lang = use_lang();
    let Some(list) = use_context::<ListUrl>() else {
        let advice = words::advice(&trouble);
        return view! {
            <PageTitle text=trouble.text(lang)/>
            <ToLogin trouble=trouble.clone()/>
            <h1>{trouble.text(lang)}</h1>
            <div class="note">
                {advice.map(|advice| view! { <p>{t(advice)}</p> })}
                <p><a href="/">{t(words::TO_ORDERS)}</a></p>
                <Trace trouble/>
            </div>
        }
        .into_any();
    };
    match trouble.field().is_some_and(|field| list.marks(field)) {
        true => view! { <Hint text=words::FIX_FILTERS/> }.into_any(),
        false => view! { <TroubleNote trouble/> }.into_any(),
    }
}

/// A remark above a list.
#[component]
pub fn Hint(text: Text) -> impl IntoView {
    let t = use_words();
    view! { <p class="hint" role="status">{t(text)}</p> }
}
