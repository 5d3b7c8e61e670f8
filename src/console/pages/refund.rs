//! One refund: how it stands and what that means, what can be done about it, what happened. While it is
//! in progress the page keeps up by itself.

use std::time::Duration;

use leptos::html::P;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_url;

use crate::console::components::*;
use crate::console::hooks::use_app_id;
use crate::console::hooks::use_number;
use crate::console::paths::app_path;
use crate::console::paths::escape;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::rpc::refunds::{
    CloseRefund, RetryRefund, ReviewRefund, SyncRefund, load_refund, refund_news,
};
use crate::console::texts;
use crate::console::view::Tone;
use crate::console::view::query::Query;
use crate::console::view::{AllowedActions, Entry, RefundView};
use crate::domain::lang::Text;
use crate::domain::limits;
use crate::domain::order::Order;
use crate::domain::refund::{Refund, RefundStatus, ReviewReason};

/// The dialogs of a refund that is given up or taken up again.
const RETRY: &str = "retry";
const CLOSE: &str = "close";
/// The dialog of one that a person had to look at.
const REVIEW: &str = "review";

/// How often a page without scripts loads itself again while the refund is in progress.
const RELOAD: &str = r#"<meta http-equiv="refresh" content="3">"#;

/// What can be done about a refund.
#[derive(Clone, Copy)]
struct RefundActions {
    sync: FormAction,
    retry: FormAction,
    close: FormAction,
    review: FormAction,
}

impl RefundActions {
    fn new() -> RefundActions {
        RefundActions {
            sync: FormAction::of::<SyncRefund>(),
            retry: FormAction::of::<RetryRefund>(),
            close: FormAction::of::<CloseRefund>(),
            review: FormAction::of::<ReviewRefund>(),
        }
    }

    /// Counts what was done.
    fn done(&self) -> usize {
        let RefundActions {
            sync,
            retry,
            close,
            review,
        } = self;
        sync.version() + retry.version() + close.version() + review.version()
    }

    /// The page has come to show another refund.
    fn leave(&self) {
        self.sync.leave();
        self.retry.leave();
        self.close.leave();
        self.review.leave();
    }
}

/// `/apps/:app/refunds/:number`; after an action also `since`, the version that it was taken on.
#[component]
pub fn RefundPage() -> impl IntoView {
    let app = use_app_id();
    let number = use_number();
    let url = use_url();
    let since = Memo::new(move |_| {
        let since = url.with(|url| Query::value_in(url.search(), "since"));
        since.and_then(|since| since.parse::<i64>().ok())
    });
    let acts = RefundActions::new();
    let refund = Loader::new(move || (app.get(), number.get(), acts.done()), load_refund);
    // The same page may come to show another refund.
    Effect::new(move |before: Option<String>| {
        let number = number.get();
        if before.is_some_and(|before| before != number) {
            acts.leave();
        }
        number
    });
    let said = RwSignal::new(String::new());
    keep_up(app, refund, said);
    // The parts stand apart, so that what a person is at stays when the rest becomes another.
    let view = Signal::derive(move || refund.get()?.ok());
    let timeline = Signal::derive(move || view.get().map_or_else(Vec::new, |view| view.timeline));
    let zone = Signal::derive(move || view.get().map_or_else(String::new, |view| view.zone));

    view! {
        <div class="one">
            <Loaded resource=refund let:view>
                <Head app=app.get_untracked() view acts/>
            </Loaded>
            <Outcome timeline since acts/>
            <Transition>
                {move || view.get().map(|view| view! { <About app=app.get_untracked() view/> }.into_any())}
            </Transition>
            <Transition>
                <Timeline entries=timeline zone since/>
            </Transition>
        </div>
        <p class="unseen" role="status">{said}</p>
    }
}

/// Asks for news while the refund is in progress, and says so when its state has become another.
fn keep_up(app: Memo<String>, refund: Loader<RefundView>, said: RwSignal<String>) {
    let lang = use_lang();
    let PageNavigation(desk) = expect_context();
    let rounds = RwSignal::new(0_u32);
    let latest = StoredValue::new(None::<Refund>);
    let ask = move |shown: Refund| {
        if document().hidden() {
            return;
        }
        spawn_local(async move {
            let news = refund_news(app.get_untracked(), shown.refund_no.clone(), shown.version);
            if let Ok(Some(fresh)) = news.await
                && let Ok(fresh) = fresh.open()
            {
                // It may have been overtaken by what an action loaded, or the page left.
                let later = |shown: &Refund| {
                    shown.refund_no == fresh.refund.refund_no
                        && shown.version < fresh.refund.version
                };
                if latest.try_get_value().flatten().as_ref().is_some_and(later) {
                    refund.set(&fresh);
                }
            }
            rounds.try_update(|n| *n += 1);
        });
    };
    Effect::new(move |before: Option<Option<Refund>>| {
        let round = rounds.get();
        let now = refund.get().and_then(Result::ok).map(|view| view.refund);
        latest.set_value(now.clone());
        if let (Some(Some(before)), Some(now)) = (before, &now)
            && before.refund_no == now.refund_no
            && before.status != now.status
        {
            said.set(texts::state_is_now(now.status, lang));
            desk.again();
        }
        if let Some(shown) = now.clone().filter(Refund::holds)
            && let Ok(timer) = set_timeout_with_handle(move || ask(shown), pause(round))
        {
            on_cleanup(move || timer.clear());
        }
        now
    });
    Effect::new(move || {
        let back = window_event_listener_untyped("visibilitychange", move |_| {
            if !document().hidden() {
                rounds.set(0);
            }
        });
        on_cleanup(move || back.remove());
    });
}

/// How long to wait before asking again: most refunds are settled within seconds, the others take hours.
fn pause(round: u32) -> Duration {
    Duration::from_secs(match round {
        0..15 => 2,
        15..60 => 5,
        _ => 30,
    })
}

/// Does something whenever an action has succeeded.
fn on_success(action: FormAction, then: impl Fn() + 'static) {
    Effect::new(move || {
        if let Some(Ok(())) = action.outcome() {
            then();
        }
    });
}

/// The number, the state, what can be done, and what of that was refused.
#[component]
fn Head(app: String, view: RefundView, acts: RefundActions) -> impl IntoView {
    let t = use_texts();
    let RefundView { refund, order, .. } = view;
    let reload = refund
        .holds()
        .then(|| view! { <noscript inner_html=RELOAD></noscript> }.into_any());
    let may = view.may;
    // A dialog says itself what was refused. Where it is gone, the page does.
    let open = |may: Option<bool>| may.unwrap_or(false);
    let retries = open(may.map(|may| may.retry));
    let closes = open(may.map(|may| may.close));
    let reviews = open(may.map(|may| may.review));
    view! {
        <PageTitle text=refund.refund_no.clone()/>
        {reload}
        <div class="head">
            <h1>
                <span class="kind">{t(texts::REFUND)}</span>
                <Number number=refund.refund_no.clone() what=texts::REFUND_NO/>
            </h1>
            {state_badge(refund.status)}
            {may.map(|may| view! { <Actions app refund order may acts/> }.into_any())}
        </div>
        <ActionErrorNote action=acts.sync/>
        {(!retries).then(|| view! { <ActionErrorNote action=acts.retry/> }.into_any())}
        {(!closes).then(|| view! { <ActionErrorNote action=acts.close/> }.into_any())}
        {(!reviews).then(|| view! { <ActionErrorNote action=acts.review/> }.into_any())}
    }
}

/// What the refund means for the money, and all that is known of it.
#[component]
fn About(app: String, view: RefundView) -> impl IntoView {
    let lang = use_lang();
    let refund = &view.refund;
    let review_reason = refund
        .review_reason
        .map(|review_reason| view! { <Raised review_reason reviewed=refund.reviewed/> }.into_any());
    let failure = (refund.status == RefundStatus::Fail)
        .then(|| view! { <p class="problem">{texts::refused_by(refund, lang)}</p> }.into_any());
    let meaning = texts::what_it_means(refund, lang);
    view! {
        {review_reason}
        <div class="means">
            {failure}
            <p>{meaning}</p>
        </div>
        <AllFacts app view/>
    }
}

/// Why a person has to look, what that means, and what to do.
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

/// What came of the action that led here. The focus goes to it: what was pressed may be gone.
#[component]
fn Outcome(
    timeline: Signal<Vec<Entry>>,
    since: Memo<Option<i64>>,
    acts: RefundActions,
) -> impl IntoView {
    let lang = use_lang();
    let arrived = RwSignal::new(false);
    on_success(acts.sync, move || arrived.set(true));
    on_success(acts.retry, move || {
        close_dialog(RETRY);
        arrived.set(true);
    });
    on_success(acts.close, move || {
        close_dialog(CLOSE);
        arrived.set(true);
    });
    on_success(acts.review, move || {
        close_dialog(REVIEW);
        arrived.set(true);
    });
    let shown = NodeRef::<P>::new();
    Effect::new(move || {
        if let Some(shown) = shown.get()
            && arrived.get()
        {
            arrived.set(false);
            let _ = shown.focus();
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
                            <p class="done" role="status" tabindex="-1" node_ref=shown>
                                {outcome}
                            </p>
                        }
                            .into_any()
                    })
            }}
        </Transition>
    }
}

#[component]
fn Actions(
    app: String,
    refund: Refund,
    order: Order,
    may: AllowedActions,
    acts: RefundActions,
) -> impl IntoView {
    let lang = use_lang();
    let page = app_path(&app, &format!("refunds/{}", escape(&refund.refund_no)));
    let sync = fields(&app, &refund);
    let failed = refund.status == RefundStatus::Fail;
    let too_little = (failed && may.close && !may.retry)
        .then(|| view! { <small>{texts::too_little_left(&order, lang)}</small> }.into_any());
    let retry = may.retry.then(|| {
        let (app, refund, order) = (app.clone(), refund.clone(), order.clone());
        view! {
            <DialogLink dialog=RETRY href=format!("{page}/retry") text=texts::RETRY/>
            <Dialog id=RETRY title=texts::RETRY_TITLE close=texts::CANCEL>
                <Retry app refund order acts/>
            </Dialog>
        }
        .into_any()
    });
    let close = may.close.then(|| {
        let (app, refund) = (app.clone(), refund.clone());
        view! {
            <DialogLink dialog=CLOSE href=format!("{page}/close") text=texts::CLOSE/>
            <Dialog id=CLOSE title=texts::CLOSE_TITLE close=texts::CANCEL>
                <Close app refund order acts/>
            </Dialog>
        }
        .into_any()
    });
    let review = may.review.then(|| {
        view! {
            <DialogLink dialog=REVIEW href=format!("{page}/review") text=texts::REVIEW_ACT/>
            <Dialog id=REVIEW title=texts::REVIEW_TITLE close=texts::CANCEL>
                <Review app refund acts/>
            </Dialog>
        }
        .into_any()
    });
    view! {
        <ActionButton action=acts.sync fields=sync text=texts::SYNC key="s"/>
        {too_little}
        {retry}
        {close}
        {review}
    }
}

/// What every action is told.
fn fields(app: &str, refund: &Refund) -> Vec<(&'static str, String)> {
    vec![
        ("app", app.to_owned()),
        ("refund_no", refund.refund_no.clone()),
        ("since", refund.version.to_string()),
    ]
}

#[component]
fn Retry(app: String, refund: Refund, order: Order, acts: RefundActions) -> impl IntoView {
    let lang = use_lang();
    let mut fields = fields(&app, &refund);
    fields.push(("attempt", refund.submissions.to_string()));
    view! {
        <Confirm
            action=acts.retry
            fields
            happens=texts::what_retry_does(&refund, &order, lang)
            button=texts::retry_button(refund.amount, lang)
        />
    }
}

#[component]
fn Close(app: String, refund: Refund, order: Order, acts: RefundActions) -> impl IntoView {
    let lang = use_lang();
    view! {
        <Confirm
            action=acts.close
            fields=fields(&app, &refund)
            happens=match refund.holds() {
                true => texts::what_closing_open_does(&refund, &order, lang),
                false => texts::what_closing_does(&refund, &order, lang),
            }
            button=texts::CLOSE_REFUND.get(lang)
        />
    }
}

#[component]
fn Review(app: String, refund: Refund, acts: RefundActions) -> impl IntoView {
    let t = use_texts();
    let action = acts.review;
    view! {
        <p class="happens">{t(texts::WHAT_REVIEW_DOES)}</p>
        <Primary
            action
            fields=fields(&app, &refund)
            text=t(texts::REVIEW_ACT)
            class="fields"
            typed="remark"
        >
            <label>
                <span>{t(texts::REMARK)} " " <small>{t(texts::OPTIONAL)}</small></span>
                <textarea name="remark" rows="3" maxlength=limits::REMARK_CHARS.to_string()></textarea>
            </label>
            <ActionErrorNote action/>
        </Primary>
    }
}

/// `/apps/:app/refunds/:number/retry`: what the button leads to without scripts.
#[component]
pub fn RetryRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=texts::RETRY_TITLE what=RETRY/> }
}

/// `/apps/:app/refunds/:number/close`: what the button leads to without scripts.
#[component]
pub fn CloseRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=texts::CLOSE_TITLE what=CLOSE/> }
}

/// `/apps/:app/refunds/:number/review`: what the button leads to without scripts.
#[component]
pub fn ReviewRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=texts::REVIEW_TITLE what=REVIEW/> }
}

#[component]
fn ConfirmPage(title: Text, what: &'static str) -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    let app = use_app_id();
    let number = use_number();
    let acts = RefundActions::new();
    let refund = Loader::new(move || (app.get(), number.get(), 0), load_refund);
    let body = move |view: RefundView| {
        let RefundView { refund, order, .. } = view;
        let app = app.get_untracked();
        let Some(may) = view.may else {
            return view! { <p>{t(texts::ONLY_LOOKING)}</p> }.into_any();
        };
        match what {
            RETRY if may.retry => view! { <Retry app refund order acts/> }.into_any(),
            CLOSE if may.close => view! { <Close app refund order acts/> }.into_any(),
            REVIEW if may.review => view! { <Review app refund acts/> }.into_any(),
            _ => {
                let why = match may.close && what == RETRY {
                    true => texts::too_little_left(&order, lang),
                    false => texts::what_it_means(&refund, lang),
                };
                view! {
                    <ActionErrorNote action=acts.retry/>
                    <ActionErrorNote action=acts.close/>
                    <ActionErrorNote action=acts.review/>
                    <p>{why}</p>
                }
                .into_any()
            }
        }
    };
    let back = move || {
        let page = format!("refunds/{}", escape(&number.get()));
        app_path(&app.get(), &page)
    };
    view! {
        <PageTitle text=t(title)/>
        <StepHeading text=title/>
        <Loaded resource=refund let:view>
            <div class="narrow">
                {body(view)}
                <a class="plain" href=back>{t(texts::BACK_TO_REFUND)}</a>
            </div>
        </Loaded>
    }
}

#[component]
fn AllFacts(app: String, view: RefundView) -> impl IntoView {
    let t = use_texts();
    let RefundView {
        refund,
        order,
        created,
        submitted,
        finished,
        zone,
        more,
        ..
    } = view;
    let order_page = app_path(&app, &format!("orders/{}", escape(&order.order_no)));
    // The channel may demand a number of its own for every submission.
    let channel_no = (refund.channel_no != refund.refund_no).then(|| {
        view! {
            <Fact name=texts::CHANNEL_NO>
                <Number number=refund.channel_no.clone() what=texts::CHANNEL_NO/>
            </Fact>
        }
        .into_any()
    });
    view! {
        <Facts>
            <Fact name=texts::ORDER>
                <Number number=order.order_no what=texts::ORDER_NO href=order_page/>
            </Fact>
            <Fact name=texts::BIZ_ORDER_NO>
                <Number number=order.biz_order_no what=texts::BIZ_ORDER_NO/>
            </Fact>
            <Fact name=texts::TITLE>{order.title}</Fact>
            <Fact name=texts::CHANNEL>{t(texts::channel(refund.channel))}</Fact>
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
            <Fact name=texts::ATTEMPTS>{refund.submissions}</Fact>
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
