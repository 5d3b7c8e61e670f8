//! One notice: how it stands, every send of it with the very bytes, how it is signed; and sending it again.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_url};

use crate::app::components::*;
use crate::app::look::{use_lang, use_words};
use crate::app::query::{Query, escape};
use crate::app::rpc::records::{SendNotice, load_notice};
use crate::app::view::{SheetAct, SheetView};
use crate::app::words;

const SEND: &str = "send";

/// Which notice the page is about: its refund's number and which of its notices.
fn use_notice() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| {
        params.with(|params| {
            let part = |name| params.get(name).unwrap_or_default();
            format!("{}/{}", part("number"), part("seq"))
        })
    })
}

/// The address of a notice's page.
fn page_of(app: &str, notice: &str) -> String {
    let (number, seq) = notice.split_once('/').unwrap_or((notice, ""));
    app_path(app, &format!("notices/{}/{}", escape(number), escape(seq)))
}

/// `/apps/:app/notices/:number/:seq`; after a send by hand also `sent=1`.
#[component]
pub fn NoticePage() -> impl IntoView {
    let lang = use_lang();
    let (app, notice) = (use_app_id(), use_notice());
    let url = use_url();
    let send = Deed::of::<SendNotice>();
    let sheet = Ask::new(
        move || (app.get(), notice.get(), send.version()),
        load_notice,
    );
    let done = Signal::derive(move || {
        let sent = url.with(|url| Query::value_in(url.search(), "sent"));
        sent.map(|_| words::SENT_AGAIN.get(lang).to_owned())
    });
    Effect::new(move || {
        if let Some(Ok(())) = send.outcome() {
            close_dialog(SEND);
        }
    });
    view! { <SheetPage sheet kind=words::NOTICE deed=send act=send_again done/> }
}

/// The button, and the dialog that it opens.
fn send_again(act: SheetAct, deed: Option<Deed>) -> AnyView {
    let (app, notice) = (use_app_id(), use_notice());
    let href = format!(
        "{}/send",
        page_of(&app.get_untracked(), &notice.get_untracked())
    );
    view! {
        <DialogLink dialog=SEND href text=words::SEND_AGAIN/>
        <Dialog id=SEND title=words::SEND_AGAIN close=words::CANCEL>
            {deed.map(|deed| view! { <Send act deed/> }.into_any())}
        </Dialog>
    }
    .into_any()
}

#[component]
fn Send(act: SheetAct, deed: Deed) -> impl IntoView {
    let (app, notice) = (use_app_id(), use_notice());
    let fields = vec![
        ("app", app.get_untracked()),
        ("notice", notice.get_untracked()),
    ];
    view! { <Confirm deed fields happens=act.happens button=act.button/> }
}

/// `/apps/:app/notices/:number/:seq/send`: what the button leads to without scripts.
#[component]
pub fn SendNoticePage() -> impl IntoView {
    let t = use_words();
    let (app, notice) = (use_app_id(), use_notice());
    let deed = Deed::of::<SendNotice>();
    let sheet = Ask::new(move || (app.get(), notice.get(), 0), load_notice);
    let body = move |sheet: SheetView| match sheet.act {
        Some(act) => view! { <Send act deed/> }.into_any(),
        None => view! { <p>{t(words::ONLY_LOOKING_HERE)}</p> }.into_any(),
    };
    let back = move || page_of(&app.get(), &notice.get());
    view! {
        <PageTitle text=t(words::SEND_AGAIN)/>
        <StepHeading text=words::SEND_AGAIN/>
        <Loaded resource=sheet let:view>
            <div class="narrow">
                {body(view)}
                <a class="plain" href=back>{t(words::BACK_TO_NOTICE)}</a>
            </div>
        </Loaded>
    }
}
