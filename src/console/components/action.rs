//! What an operator does: forms that are sent to one of the server's functions. They work without scripts
//! too: the function then leads back to the page, with a trouble in its address where there was one.
//!
//! All of them are one type, whatever function they call: a type of its own for each would be a large part
//! of what the browser has to load.

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

/// The arguments of a function: the fields of its form.
pub type Fields = Vec<(&'static str, String)>;

/// Something that can be done on the server, and how the last try went.
#[derive(Clone, Copy)]
pub struct FormAction {
    /// The function's address.
    path: &'static str,
    pending: RwSignal<bool>,
    /// Between two tries: a press so soon after the last belongs to the last.
    rest: Arm,
    version: RwSignal<usize>,
    outcome: RwSignal<Option<Result<(), ApiError>>>,
    /// Counts how often what it is about was left.
    left: StoredValue<u32>,
}

impl FormAction {
    /// The function is named by its type: `FormAction::of::<SyncOrder>()`. A trouble that the page's address
    /// tells of is the outcome of a try without scripts.
    pub fn of<F: ServerFn<Output = (), Error = ApiError>>() -> FormAction {
        FormAction::at(F::PATH)
    }

    fn at(path: &'static str) -> FormAction {
        let error = use_url().with_untracked(|url| {
            let told = |name| Query::value_in(url.search(), name);
            (told("__path")? == path).then(|| told("__err")).flatten()
        });
        let error = error.map(|told| ServerFnUrlError::<ApiError>::decode_err(&told));
        FormAction {
            path,
            pending: RwSignal::new(false),
            rest: Arm::new(),
            version: RwSignal::new(0),
            outcome: RwSignal::new(error.map(Err)),
            left: StoredValue::new(0),
        }
    }

    /// Whether it can be done now: it is not under way, and did not end just now.
    pub fn ready(self) -> bool {
        !self.pending.get() && self.rest.armed()
    }

    /// Counts the tries. What shows what they change is loaded again by it.
    pub fn version(self) -> usize {
        self.version.get()
    }

    /// How the last try went; None before the first.
    pub fn outcome(self) -> Option<Result<(), ApiError>> {
        self.outcome.get()
    }

    /// What went wrong with the last try, and not while another is under way.
    pub fn error(self) -> Option<ApiError> {
        let error = self.outcome.get()?.err();
        error.filter(|_| !self.pending.get())
    }

    /// Forgets how the last try went.
    pub fn clear(self) {
        self.outcome.set(None);
    }

    /// The page has come to show something else: forgets the last try, and what comes of one that is still
    /// under way.
    pub fn leave(self) {
        self.left.update_value(|left| *left += 1);
        self.clear();
    }

    /// Does it; one at a time. Goes where the server leads.
    fn send(self, fields: &Fields) {
        if !untrack(|| self.ready()) {
            return;
        }
        self.pending.set(true);
        let body = form_text(fields);
        let left = self.left.get_value();
        spawn_local(async move {
            let outcome = post(self.path, &body).await;
            // The page may be gone by now, or show something else.
            if self.left.try_get_value() == Some(left) {
                if let Ok(Some(address)) = &outcome {
                    call_redirect_hook(address);
                }
                self.outcome.try_set(Some(outcome.map(drop)));
            }
            self.version.try_update(|n| *n += 1);
            self.rest.disarm();
            self.pending.try_set(false);
        });
    }
}

/// The fields as a form sends them.
fn form_text(fields: &Fields) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    pairs.join("&")
}

/// Sends it. Where the server leads to, if anywhere.
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

/// The form of a action. `fields` are what nobody types; `children` the rest, down to the button.
#[component]
fn PostForm(
    action: FormAction,
    fields: Fields,
    class: &'static str,
    /// What has to be armed for the form to be sent, whatever sends it.
    arm: Option<Arm>,
    /// A text area among `children`, by its name.
    typed: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    let given = fields.clone();
    let submit = move |ev: SubmitEvent| {
        ev.prevent_default();
        if arm.is_some_and(|arm| !untrack(|| arm.armed())) {
            return;
        }
        let mut sent = given.clone();
        sent.extend(typed.and_then(|name| Some((name, typed_in(&ev, name)?))));
        action.send(&sent);
    };
    view! {
        <form class=class method="post" action=action.path on:submit=submit>
            <Hidden fields/>
            {children()}
        </form>
    }
}

/// What stands in a text area of the form that is sent.
fn typed_in(ev: &SubmitEvent, name: &str) -> Option<String> {
    let form = event_target::<HtmlFormElement>(ev);
    FormData::new_with_form(&form).ok()?.get(name).as_string()
}

/// One button. `fields` are the function's arguments; `key` presses the button.
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
        <PostForm action fields class="act" arm=None typed=None>
            <button class="plain" aria-disabled=waits aria-keyshortcuts=key>
                {t(text)}
                {key.map(|key| view! { <kbd aria-hidden="true">{key}</kbd> }.into_any())}
            </button>
        </PostForm>
    }
}

/// The one button of a last step, named after the act. It has to be armed, and says while it is not: by
/// `aria-disabled` and not by `disabled`, so that the tab key finds it at any time and it keeps the focus.
#[component]
pub fn Primary(
    action: FormAction,
    fields: Fields,
    #[prop(into)] text: String,
    #[prop(optional)] class: &'static str,
    /// A text area among `children`, by its name.
    #[prop(optional, into)]
    typed: Option<&'static str>,
    /// What stands above the button.
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

/// Fields of a form that nobody sees.
#[component]
pub fn Hidden(fields: Fields) -> impl IntoView {
    fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> }.into_any())
        .collect_view()
}

/// What went wrong with the last try; nothing while all is well.
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
