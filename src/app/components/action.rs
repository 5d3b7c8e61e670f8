//! Buttons that do something on the server. They are forms, so they work without scripts too: the
//! function then leads back to the page, with a trouble in its address where there was one.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos::server_fn::client::Client;
use leptos::server_fn::codec::PostUrl;
use leptos::server_fn::request::ClientReq;
use leptos::server_fn::{Http, ServerFn};
use serde::de::DeserializeOwned;
use web_sys::FormData;

use super::note::TroubleNote;
use crate::app::look::use_words;
use crate::app::rpc::Trouble;
use crate::domain::lang::Text;

/// One button. `fields` are the function's arguments; `key` presses the button.
#[component]
pub fn Act<F, O>(
    action: ServerAction<F>,
    fields: Vec<(&'static str, String)>,
    text: Text,
    #[prop(optional, into)] key: Option<&'static str>,
) -> impl IntoView
where
    F: DeserializeOwned
        + ServerFn<Error = Trouble, Protocol = Http<PostUrl, O>>
        + Clone
        + Send
        + Sync
        + 'static,
    <<F::Client as Client<Trouble>>::Request as ClientReq<Trouble>>::FormData: From<FormData>,
    F::Output: Send + Sync + 'static,
    F::Client: Client<Trouble>,
    O: 'static,
{
    let t = use_words();
    let pending = action.pending();
    view! {
        <ActionForm action attr:class="act">
            <Hidden fields/>
            <button
                class="plain"
                disabled=move || pending.get()
                aria-busy=move || pending.get().to_string()
                aria-keyshortcuts=key
            >
                {t(text)}
                {key.map(|key| view! { <kbd aria-hidden="true">{key}</kbd> })}
            </button>
        </ActionForm>
    }
}

/// Fields of a form that nobody sees.
#[component]
pub fn Hidden(fields: Vec<(&'static str, String)>) -> impl IntoView {
    fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect_view()
}

/// What went wrong with the last press of an [`Act`]; nothing while all is well.
#[component]
pub fn ActTrouble<F>(action: ServerAction<F>) -> impl IntoView
where
    F: ServerFn<Error = Trouble> + Send + Sync + Clone + 'static,
    F::Output: Clone + Send + Sync + 'static,
{
    let value = action.value();
    let pending = action.pending();
    move || {
        let trouble = value.with(|value| match value {
            Some(Err(trouble)) => Some(trouble.clone()),
            _ => None,
        });
        trouble
            .filter(|_| !pending.get())
            .map(|trouble| view! { <TroubleNote trouble/> })
    }
}
