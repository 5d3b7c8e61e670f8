//! The page of a notice: its state, every attempt with the bytes sent and received, its signature explained, and a
//! button that sends it again.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_url};

use crate::console::components::*;
use crate::console::hooks::use_app_id;
use crate::console::paths::app_path;
use crate::console::paths::escape;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::rpc::records::{SendNotice, load_notice};
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{DetailAction, DetailView};

/// Dialog that confirms a send.
const SEND: &str = "send";

/// Returns the notice of the page as `<refund_no>/<seq>`.
fn use_notice() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| {
        params.with(|params| {
            let part = |name| params.get(name).unwrap_or_default();
            format!("{}/{}", part("number"), part("seq"))
        })
    })
}

/// Returns the address of a notice's page.
fn page_of(app_id: &str, notice: &str) -> String {
    let (number, seq) = notice.split_once('/').unwrap_or((notice, ""));
    app_path(
        app_id,
        &format!("notices/{}/{}", escape(number), escape(seq)),
    )
}

/// Shows a notice: `/apps/:app_id/notices/:number/:seq`. After a send by hand the address also has `sent=1`.
#[component]
pub fn NoticePage() -> impl IntoView {
    let lang = use_lang();
    let (app_id, notice) = (use_app_id(), use_notice());
    let url = use_url();
    let send = FormAction::of::<SendNotice>();
    let detail = Loader::new(
        move || (app_id.get(), notice.get(), send.version()),
        load_notice,
    );
    let done = Signal::derive(move || {
        let sent = url.with(|url| Query::value_in(url.search(), "sent"));
        sent.map(|_| texts::SENT_AGAIN.get(lang).to_owned())
    });
    Effect::new(move || {
        if let Some(Ok(())) = send.outcome() {
            close_dialog(SEND);
        }
    });
    view! { <DetailPage detail kind=texts::NOTICE action=send show_action=send_button done/> }
}

/// Renders the button that sends again, and its dialog.
fn send_button(detail: DetailAction, action: Option<FormAction>) -> AnyView {
    let (app_id, notice) = (use_app_id(), use_notice());
    let href = format!(
        "{}/send",
        page_of(&app_id.get_untracked(), &notice.get_untracked())
    );
    view! {
        <DialogLink dialog=SEND href text=texts::SEND_AGAIN/>
        <Dialog id=SEND title=texts::SEND_AGAIN close=texts::CANCEL>
            {action.map(|action| view! { <Send detail action/> }.into_any())}
        </Dialog>
    }
    .into_any()
}

/// Confirms a send.
#[component]
fn Send(detail: DetailAction, action: FormAction) -> impl IntoView {
    let (app_id, notice) = (use_app_id(), use_notice());
    let fields = vec![
        ("app_id", app_id.get_untracked()),
        ("notice", notice.get_untracked()),
    ];
    view! { <Confirm action fields happens=detail.happens button=detail.button/> }
}

/// Sends a notice again where scripts are off: `/apps/:app_id/notices/:number/:seq/send`.
#[component]
pub fn SendNoticePage() -> impl IntoView {
    let t = use_texts();
    let (app_id, notice) = (use_app_id(), use_notice());
    let action = FormAction::of::<SendNotice>();
    let detail = Loader::new(move || (app_id.get(), notice.get(), 0), load_notice);
    let body = move |detail: DetailView| match detail.action {
        Some(detail) => view! { <Send detail action/> }.into_any(),
        None => view! { <p>{t(texts::ONLY_LOOKING_HERE)}</p> }.into_any(),
    };
    let back = move || page_of(&app_id.get(), &notice.get());
    view! {
        <PageTitle text=t(texts::SEND_AGAIN)/>
        <StepHeading text=texts::SEND_AGAIN/>
        <Loaded resource=detail let:view>
            <div class="narrow">
                {body(view)}
                <a class="plain" href=back>{t(texts::BACK_TO_NOTICE)}</a>
            </div>
        </Loaded>
    }
}
