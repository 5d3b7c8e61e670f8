//! The page of a refund: its state and the meaning of the state, the actions, the facts, the timeline. The page
//! updates itself while the refund is in progress.

mod actions;
mod progress;

use leptos::html::P;
use leptos::prelude::*;
use leptos_router::hooks::use_url;

use crate::console::components::*;
use crate::console::hooks::{use_app_id, use_number};
use crate::console::paths::{app_path, escape};
use crate::console::preferences::{use_lang, use_texts};
use crate::console::rpc::refunds::load_refund;
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{Entry, RefundView, Tone};
use crate::domain::refund::{RefundStatus, ReviewReason};
use actions::{BOOK, CLOSE, RETRY, REVIEW, RefundActions, RefundButtons};
use progress::follow_progress;

pub use actions::{BookRefundPage, CloseRefundPage, RetryRefundPage, ReviewRefundPage};

/// Reloads a page without scripts every 3 seconds while the refund is in progress.
const RELOAD: &str = r#"<meta http-equiv="refresh" content="3">"#;

/// Shows a refund: `/apps/:app_id/refunds/:number`. After an action the address also has `since`, the version of
/// the refund that the action started from.
#[component]
pub fn RefundPage() -> impl IntoView {
    let app_id = use_app_id();
    let number = use_number();
    let url = use_url();
    let since = Memo::new(move |_| {
        let since = url.with(|url| Query::value_in(url.search(), "since"));
        since.and_then(|since| since.parse::<i64>().ok())
    });
    let actions = RefundActions::new();
    let refund = Loader::new(
        move || (app_id.get(), number.get(), actions.done()),
        load_refund,
    );
    // The router keeps the page when only the number in the address changes.
    Effect::new(move |before: Option<String>| {
        let number = number.get();
        if before.is_some_and(|before| before != number) {
            actions.leave();
        }
        number
    });
    let announcement = RwSignal::new(String::new());
    follow_progress(app_id, refund, announcement);
    // Head, outcome, facts and timeline are rendered separately: an update of one leaves an open dialog or an unfolded
    // line of another as it is.
    let view = Signal::derive(move || refund.get()?.ok());
    let timeline = Signal::derive(move || view.get().map_or_else(Vec::new, |view| view.timeline));
    let zone = Signal::derive(move || view.get().map_or_else(String::new, |view| view.zone));

    view! {
        <div class="one">
            <Loaded resource=refund let:view>
                <Head app_id=app_id.get_untracked() view actions/>
            </Loaded>
            <Outcome timeline since actions/>
            <Transition>
                {move || view.get().map(|view| view! { <About app_id=app_id.get_untracked() view/> }.into_any())}
            </Transition>
            <Transition>
                <Timeline entries=timeline zone since/>
            </Transition>
        </div>
        <p class="unseen" role="status">{announcement}</p>
    }
}

/// Runs `then` whenever the action has succeeded.
fn on_success(action: FormAction, then: impl Fn() + 'static) {
    Effect::new(move || {
        if let Some(Ok(())) = action.outcome() {
            then();
        }
    });
}

/// Shows the number, the state, the buttons, and the errors of the last actions.
#[component]
fn Head(app_id: String, view: RefundView, actions: RefundActions) -> impl IntoView {
    let t = use_texts();
    let RefundView {
        refund,
        order,
        test_mode,
        ..
    } = view;
    let reload = refund
        .holds()
        .then(|| view! { <noscript inner_html=RELOAD></noscript> }.into_any());
    let allowed = view.allowed;
    // An open dialog shows the error of its action. The page shows it where the dialog is gone.
    let open = |allowed: Option<bool>| allowed.unwrap_or(false);
    let retries = open(allowed.map(|allowed| allowed.retry));
    let closes = open(allowed.map(|allowed| allowed.close));
    let reviews = open(allowed.map(|allowed| allowed.review));
    let books = open(allowed.map(|allowed| allowed.book.is_some()));
    view! {
        <PageTitle text=refund.refund_no.clone()/>
        {reload}
        <div class="head">
            <h1>
                <span class="kind">{t(texts::REFUND)}</span>
                <Number number=refund.refund_no.clone() what=texts::REFUND_NO/>
            </h1>
            {state_badge(refund.status)}
            {allowed.map(|allowed| view! { <RefundButtons app_id refund order test_mode allowed actions/> }.into_any())}
        </div>
        <ActionErrorNote action=actions.sync/>
        {(!retries).then(|| view! { <ActionErrorNote action=actions.retry/> }.into_any())}
        {(!closes).then(|| view! { <ActionErrorNote action=actions.close/> }.into_any())}
        {(!reviews).then(|| view! { <ActionErrorNote action=actions.review/> }.into_any())}
        {(!books).then(|| view! { <ActionErrorNote action=actions.book/> }.into_any())}
    }
}

/// Shows what the refund's state means for the money, and its facts.
#[component]
fn About(app_id: String, view: RefundView) -> impl IntoView {
    let lang = use_lang();
    let refund = &view.refund;
    let review_reason = refund
        .review_reason
        .map(|review_reason| view! { <Raised review_reason reviewed=refund.reviewed/> }.into_any());
    let failure = (refund.status == RefundStatus::Fail)
        .then(|| view! { <p class="problem">{texts::refused_by(refund, lang)}</p> }.into_any());
    let meaning = texts::refund_meaning(refund, lang);
    view! {
        {review_reason}
        <div class="meaning">
            {failure}
            <p>{meaning}</p>
        </div>
        <AllFacts app_id view/>
    }
}

/// Shows why the refund is flagged for review, what the reason means, and what to do.
#[component]
fn Raised(review_reason: ReviewReason, reviewed: bool) -> impl IntoView {
    let t = use_texts();
    let (tone, word) = match reviewed {
        true => (Tone::Over, texts::REVIEWED),
        false => (Tone::Alert, texts::NEEDS_PERSON),
    };
    view! {
        <section class="review">
            <h2>
                <Badge tone text=t(word)/>
                {t(texts::review_reason(review_reason))}
            </h2>
            <p>{t(texts::what_to_do(review_reason))}</p>
        </section>
    }
}

/// Shows the outcome of the action that led here, and moves the focus to it: the pressed button may be gone.
#[component]
fn Outcome(
    timeline: Signal<Vec<Entry>>,
    since: Memo<Option<i64>>,
    actions: RefundActions,
) -> impl IntoView {
    let lang = use_lang();
    let arrived = RwSignal::new(false);
    on_success(actions.sync, move || arrived.set(true));
    on_success(actions.retry, move || {
        close_dialog(RETRY);
        arrived.set(true);
    });
    on_success(actions.close, move || {
        close_dialog(CLOSE);
        arrived.set(true);
    });
    on_success(actions.review, move || {
        close_dialog(REVIEW);
        arrived.set(true);
    });
    on_success(actions.book, move || {
        close_dialog(BOOK);
        arrived.set(true);
    });
    let outcome_line = NodeRef::<P>::new();
    Effect::new(move || {
        if let Some(line) = outcome_line.get()
            && arrived.get()
        {
            arrived.set(false);
            let _ = line.focus();
        }
    });
    let outcome = move || {
        let since = since.get()?;
        timeline.with(|timeline| {
            let events = timeline.iter().map(|entry| &entry.event);
            texts::outcome(events.filter(|event| event.seq > since), lang)
        })
    };
    view! {
        <Transition>
            {move || {
                outcome()
                    .map(|outcome| {
                        view! {
                            <p class="done" role="status" tabindex="-1" node_ref=outcome_line>
                                {outcome}
                            </p>
                        }
                            .into_any()
                    })
            }}
        </Transition>
    }
}

/// Lists every fact of the refund.
#[component]
fn AllFacts(app_id: String, view: RefundView) -> impl IntoView {
    let t = use_texts();
    let RefundView {
        refund,
        order,
        test_mode,
        created,
        submitted,
        finished,
        zone,
        more,
        ..
    } = view;
    let order_page = app_path(&app_id, &format!("orders/{}", escape(&order.order_no)));
    // Some channels demand a new number after a failure.
    let channel_no = Some(refund.channel_no().to_owned());
    let channel_no = channel_no.filter(|number| *number != refund.refund_no);
    let channel_no = channel_no.map(|number| {
        view! {
            <Fact name=texts::CHANNEL_NO>
                <Number number=number what=texts::CHANNEL_NO/>
            </Fact>
        }
        .into_any()
    });
    let submissions = refund.submissions.count();
    view! {
        <Facts>
            <Fact name=texts::ORDER>
                <Number number=order.order_no what=texts::ORDER_NO href=order_page/>
            </Fact>
            <Fact name=texts::BIZ_ORDER_NO>
                <Number number=order.biz_order_no what=texts::BIZ_ORDER_NO/>
            </Fact>
            <Fact name=texts::TITLE><Given text=order.title/></Fact>
            <Fact name=texts::CHANNEL><ChannelName channel=refund.channel test_mode/></Fact>
            <Fact name=texts::BIZ_REFUND_NO>
                <Number number=refund.biz_refund_no what=texts::BIZ_REFUND_NO/>
            </Fact>
            <Fact name=texts::OUT_REFUND_NO>
                <MaybeNumber number=refund.out_refund_no what=texts::OUT_REFUND_NO/>
            </Fact>
            {channel_no}
            <Fact name=texts::AMOUNT><Money amount=refund.amount unit=true/></Fact>
            <Fact name=texts::REASON><MaybeText text=refund.reason/></Fact>
            <Fact name=texts::CREATED>
                <When stamp=created/> " " <small>{zone}</small>
            </Fact>
            <Fact name=texts::FINISHED>
                {match finished {
                    Some(finished) => view! { <When stamp=finished/> }.into_any(),
                    None => view! { <Nothing/> }.into_any(),
                }}
            </Fact>
            <Fact name=texts::SUBMITTED><When stamp=submitted/></Fact>
            <Fact name=texts::ATTEMPTS>{submissions}</Fact>
            <Fact name=texts::ERROR_CODE>
                <MaybeNumber number=refund.error_code what=texts::ERROR_CODE/>
            </Fact>
            <Fact name=texts::ERROR_MSG><MaybeText text=refund.error_msg/></Fact>
            <Fact name=texts::NOTIFY_URL>
                <MaybeNumber number=refund.notify_url what=texts::NOTIFY_URL/>
            </Fact>
            <Fact name=texts::ATTACH><MaybeText text=refund.attach/></Fact>
            <Fact name=texts::CLIENT_IP>
                <MaybeNumber number=refund.client_ip what=texts::CLIENT_IP/>
            </Fact>
            <Fact name=texts::EDITION>{t(texts::edition(refund.edition))}</Fact>
            {more_facts(more)}
        </Facts>
    }
}
