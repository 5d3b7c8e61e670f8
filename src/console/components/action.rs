//! Forms that call a server function. They work without scripts too: the function then redirects back to the
//! page, and writes an error into the page's address (`?__path=...&__err=...`).
//!
//! Every form is one type, whichever function it calls. leptos' `ServerAction` and `ActionForm` are compiled once
//! for each function: ARCHITECTURE.md, "What the browser loads", has the figures.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::server_fn::error::ServerFnUrlError;
use leptos::server_fn::redirect::{REDIRECT_HEADER, call_redirect_hook};
use leptos::task::spawn_local;
use leptos_router::hooks::use_url;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FormData, Headers, HtmlFormElement, RequestInit, Response};

use crate::console::components::arm::Arm;
use crate::console::components::message::ErrorNote;
use crate::console::paths::escape;
use crate::console::preferences::use_texts;
use crate::console::texts;
use crate::console::view::ApiError;
use crate::console::view::query::Query;
use crate::domain::lang::Text;

/// Arguments of a server function: the names and values of the form's fields.
pub type Fields = Vec<(&'static str, String)>;

/// A server function that changes something, with the outcome of its last call.
#[derive(Clone, Copy)]
pub struct FormAction {
    /// The path of the server function: `/api/order/sync`.
    path: &'static str,
    pending: RwSignal<bool>,
    /// Disarmed for a moment after each call: the second press of a double click belongs to the first.
    cooldown: Arm,
    version: RwSignal<usize>,
    outcome: RwSignal<Option<Result<(), ApiError>>>,
    /// Number of [`FormAction::leave`] calls. A call that began before the last of them has no outcome to show.
    left: StoredValue<u32>,
}

impl FormAction {
    /// Makes the action of a server function, named by its type: `FormAction::of::<SyncOrder>()`. An error in the
    /// page's address becomes the action's outcome: the form was sent without scripts.
    pub fn of<F: ServerFn<Output = (), Error = ApiError>>() -> FormAction {
        FormAction::at(F::PATH)
    }

    fn at(path: &'static str) -> FormAction {
        let error = use_url().with_untracked(|url| {
            let parameter = |name| Query::value_in(url.search(), name);
            (parameter("__path")? == path)
                .then(|| parameter("__err"))
                .flatten()
        });
        let error = error.map(|encoded| ServerFnUrlError::<ApiError>::decode_err(&encoded));
        FormAction {
            path,
            pending: RwSignal::new(false),
            cooldown: Arm::new(),
            version: RwSignal::new(0),
            outcome: RwSignal::new(error.map(Err)),
            left: StoredValue::new(0),
        }
    }

    /// Returns true where no call is under way or has ended just now.
    pub fn ready(self) -> bool {
        !self.pending.get() && self.cooldown.armed()
    }

    /// Counts the finished calls. A [`Loader`](crate::console::components::Loader) that has the count in its key
    /// loads again after each.
    pub fn version(self) -> usize {
        self.version.get()
    }

    /// Returns the outcome of the last call; `None` before the first.
    pub fn outcome(self) -> Option<Result<(), ApiError>> {
        self.outcome.get()
    }

    /// Returns the error of the last call, unless another call is under way.
    pub fn error(self) -> Option<ApiError> {
        let error = self.outcome.get()?.err();
        error.filter(|_| !self.pending.get())
    }

    /// Clears the outcome of the last call.
    pub fn clear(self) {
        self.outcome.set(None);
    }

    /// Discards the last outcome, and that of a call still under way, since the page now shows another thing.
    pub fn leave(self) {
        self.left.update_value(|left| *left += 1);
        self.clear();
    }

    /// Calls the function, unless a call is under way, and follows the server's redirect.
    fn send(self, fields: &Fields) {
        if !untrack(|| self.ready()) {
            return;
        }
        self.pending.set(true);
        let body = form_text(fields);
        let left = self.left.get_value();
        spawn_local(async move {
            let outcome = post(self.path, &body).await;
            // The page may be gone by now, or show another thing.
            if self.left.try_get_value() == Some(left) {
                if let Ok(Some(address)) = &outcome {
                    call_redirect_hook(address);
                }
                self.outcome.try_set(Some(outcome.map(drop)));
            }
            self.version.try_update(|n| *n += 1);
            self.cooldown.disarm();
            self.pending.try_set(false);
        });
    }
}

/// Writes fields as a form sends them: `app_id=A%26B&reason=x`.
fn form_text(fields: &Fields) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    pairs.join("&")
}

/// Posts a form. Returns the address of the server's redirect, if the answer has one.
async fn post(path: &str, body: &str) -> Result<Option<String>, ApiError> {
    let unreachable = |_: JsValue| ApiError::unreachable();
    let headers = Headers::new().map_err(unreachable)?;
    let type_ = "application/x-www-form-urlencoded";
    headers.set("Content-Type", type_).map_err(unreachable)?;
    headers
        .set("Accept", "application/json")
        .map_err(unreachable)?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(&JsValue::from_str(body));
    let answer = JsFuture::from(window().fetch_with_str_and_init(path, &init)).await;
    let answer: Response = answer.map_err(unreachable)?.unchecked_into();
    if !answer.ok() {
        let text = JsFuture::from(answer.text().map_err(unreachable)?).await;
        let text = text.map_err(unreachable)?.as_string().unwrap_or_default();
        return Err(ApiError::de(text.into()));
    }
    let header = |name: &str| answer.headers().get(name).ok().flatten();
    let leads = header(REDIRECT_HEADER).and_then(|_| header("Location"));
    Ok(leads)
}

/// Renders the form of an action: `fields` as hidden fields, then `children`, which hold the button.
#[component]
fn PostForm(
    action: FormAction,
    fields: Fields,
    class: &'static str,
    /// Switch that has to be armed for the form to be sent, by button or by key.
    arm: Option<Arm>,
    /// Names of the fields among `children` that are typed into.
    typed: &'static [&'static str],
    children: Children,
) -> impl IntoView {
    let given = fields.clone();
    let submit = move |ev: SubmitEvent| {
        ev.prevent_default();
        if arm.is_some_and(|arm| !untrack(|| arm.armed())) {
            return;
        }
        let mut sent = given.clone();
        sent.extend(
            typed
                .iter()
                .filter_map(|name| Some((*name, typed_in(&ev, name)?))),
        );
        action.send(&sent);
    };
    view! {
        <form class=class method="post" action=action.path on:submit=submit>
            <Hidden fields/>
            {children()}
        </form>
    }
}

/// Reads a field of the form that is being sent.
fn typed_in(ev: &SubmitEvent, name: &str) -> Option<String> {
    let form = event_target::<HtmlFormElement>(ev);
    FormData::new_with_form(&form).ok()?.get(name).as_string()
}

/// Renders an action as one button. `fields` are the function's arguments; `key` is a shortcut: `key="s"`.
#[component]
pub fn ActionButton(
    action: FormAction,
    fields: Fields,
    text: Text,
    #[prop(optional, into)] key: Option<&'static str>,
) -> impl IntoView {
    let t = use_texts();
    let waits = move || (!action.ready()).then_some("true");
    view! {
        <PostForm action fields class="act" arm=None typed=&[]>
            <button class="plain" aria-disabled=waits aria-keyshortcuts=key>
                {t(text)}
                {key.map(|key| view! { <kbd aria-hidden="true">{key}</kbd> }.into_any())}
            </button>
        </PostForm>
    }
}

/// Renders the confirming button of a last step. While it is not armed the button has `aria-disabled` rather than
/// `disabled`: it then stays reachable by the tab key and keeps the focus.
#[component]
pub fn Primary(
    action: FormAction,
    fields: Fields,
    #[prop(into)] text: String,
    #[prop(optional)] class: &'static str,
    /// Names of the fields among `children` that are typed into.
    #[prop(optional)]
    typed: &'static [&'static str],
    /// Shown above the button.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let t = use_texts();
    let pending = action.pending;
    let arm = Arm::here();
    let waits = move || (!action.ready() || !arm.armed()).then_some("true");
    view! {
        <PostForm action fields class arm=Some(arm) typed>
            {children.map(|children| children())}
            <button class="primary" aria-disabled=waits>
                {text}
            </button>
        </PostForm>
        <p class="unseen" role="status">
            {move || pending.get().then(|| t(texts::SENDING))}
        </p>
    }
}

/// Renders hidden fields of a form.
#[component]
pub fn Hidden(fields: Fields) -> impl IntoView {
    fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> }.into_any())
        .collect_view()
}

/// Shows the error of an action's last call.
#[component]
pub fn ActionErrorNote(action: FormAction) -> impl IntoView {
    move || {
        action
            .error()
            .map(|error| view! { <ErrorNote error at_place=true/> }.into_any())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_sent_as_a_form_sends_them() {
        let fields = vec![
            ("app_id", "A&B".to_owned()),
            ("reason", "买错 1+1".to_owned()),
        ];
        assert_eq!(
            form_text(&fields),
            "app_id=A%26B&reason=%E4%B9%B0%E9%94%99%201%2B1"
        );
    }
}
