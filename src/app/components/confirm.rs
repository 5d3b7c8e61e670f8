//! The last step before money moves or something is final: a sentence that says what will happen, and one
//! button that makes it happen. Stands in a dialog, and on a page of its own for when scripts are off.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos::server_fn::client::Client;
use leptos::server_fn::codec::PostUrl;
use leptos::server_fn::request::ClientReq;
use leptos::server_fn::{Http, ServerFn};
use serde::de::DeserializeOwned;
use web_sys::FormData;

use super::action::{ActTrouble, Hidden};
use crate::app::look::use_words;
use crate::app::rpc::Trouble;
use crate::app::words;

/// The sentence and the button. `fields` are the function's arguments.
#[component]
pub fn Confirm<F, O>(
    action: ServerAction<F>,
    fields: Vec<(&'static str, String)>,
    /// What will happen, in whole sentences.
    #[prop(into)]
    happens: String,
    /// What the button says: the act itself.
    #[prop(into)]
    button: String,
) -> impl IntoView
where
    F: DeserializeOwned
        + ServerFn<Error = Trouble, Protocol = Http<PostUrl, O>>
        + Clone
        + Send
        + Sync
        + 'static,
    <<F::Client as Client<Trouble>>::Request as ClientReq<Trouble>>::FormData: From<FormData>,
    F::Output: Clone + Send + Sync + 'static,
    F::Client: Client<Trouble>,
    O: 'static,
{
    let t = use_words();
    let pending = action.pending();
    view! {
        <p class="happens">{happens}</p>
        <ActTrouble action/>
        <ActionForm action>
            <Hidden fields/>
            <button class="primary" autofocus disabled=move || pending.get()>
                {button}
            </button>
        </ActionForm>
        <p class="unseen" role="status">{move || pending.get().then(|| t(words::SENDING))}</p>
    }
}
