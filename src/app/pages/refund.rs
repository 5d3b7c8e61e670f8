//! One refund: how it stands and what that means, what can be done about it, what happened. While it is
//! in progress the page keeps up by itself.

use std::time::Duration;

use leptos::html::P;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_url;

use crate::app::components::*;
use crate::app::look::{use_lang, use_words};
use crate::app::query::{Query, escape};
use crate::app::rpc::refunds::{
    CloseRefund, May, RefundView, RetryRefund, ReviewRefund, SyncRefund, load_refund, refund_news,
};
use crate::app::view::Entry;
use crate::app::words;
use crate::domain::lang::Text;
use crate::domain::limits;
use crate::domain::order::Order;
use crate::domain::refund::{Attention, Refund, RefundStatus};

/// The dialogs of a refund that is given up or taken up again.
const RETRY: &str = "retry";
const CLOSE: &str = "close";
/// The dialog of one that a person had to look at.
const REVIEW: &str = "review";

/// How often a page without scripts loads itself again while the refund is in progress.
const RELOAD: &str = r#"<meta http-equiv="refresh" content="3">"#;

/// What can be done about a refund.
#[derive(Clone, Copy)]
struct Acts {
    sync: Deed,
    retry: Deed,
    close: Deed,
    review: Deed,
}

impl Acts {
    fn new() -> Acts {
        Acts {
            sync: Deed::of::<SyncRefund>(),
            retry: Deed::of::<RetryRefund>(),
            close: Deed::of::<CloseRefund>(),
            review: Deed::of::<ReviewRefund>(),
        }
    }

    /// Counts what was done.
    fn done(&self) -> usize {
        let Acts {
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
    let acts = Acts::new();
    let refund = Ask::new(move || (app.get(), number.get(), acts.done()), load_refund);
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
fn keep_up(app: Memo<String>, refund: Ask<RefundView>, said: RwSignal<String>) {
    let lang = use_lang();
    let DeskOfPage(desk) = expect_context();
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
            said.set(words::state_is_now(now.status, lang));
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

/// Does something whenever a deed has succeeded.
fn on_success(deed: Deed, then: impl Fn() + 'static) {
    Effect::new(move || {
        if let Some(Ok(())) = deed.outcome() {
            then();
        }
    });
}

/// The number, the state, what can be done, and what of that was refused.
#[component]
fn Head(app: String, view: RefundView, acts: Acts) -> impl IntoView {
    let t = use_words();
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
                <span class="kind">{t(words::REFUND)}</span>
                <Number number=refund.refund_no.clone() what=words::REFUND_NO/>
            </h1>
            {state_badge(refund.status)}
            {may.map(|may| view! { <Actions app refund order may acts/> }.into_any())}
        </div>
        <DeedTrouble deed=acts.sync/>
        {(!retries).then(|| view! { <DeedTrouble deed=acts.retry/> }.into_any())}
        {(!closes).then(|| view! { <DeedTrouble deed=acts.close/> }.into_any())}
        {(!reviews).then(|| view! { <DeedTrouble deed=acts.review/> }.into_any())}
    }
}

/// What the refund means for the money, and all that is known of it.
#[component]
fn About(app: String, view: RefundView) -> impl IntoView {
    let lang = use_lang();
    let refund = &view.refund;
    let attention = refund
        .attention
        .map(|attention| view! { <Raised attention reviewed=refund.reviewed/> }.into_any());
    let failure = (refund.status == RefundStatus::Fail)
        .then(|| view! { <p class="problem">{words::refused_by(refund, lang)}</p> }.into_any());
    let meaning = words::what_it_means(refund, lang);
    view! {
        {attention}
        <div class="means">
            {failure}
            <p>{meaning}</p>
        </div>
        <AllFacts app view/>
    }
}

/// Why a person has to look, what that means, and what to do.
#[component]
fn Raised(attention: Attention, reviewed: bool) -> impl IntoView {
    let t = use_words();
    let (tone, word) = match reviewed {
        true => (Tone::Over, words::REVIEWED),
        false => (Tone::Alert, words::NEEDS_PERSON),
    };
    view! {
        <section class="attention">
            <h2>
                <Badge tone text=t(word)/>
                {t(words::attention(attention))}
            </h2>
            <p>{t(words::what_to_do(attention))}</p>
        </section>
    }
}

/// What came of the action that led here. The focus goes to it: what was pressed may be gone.
#[component]
fn Outcome(timeline: Signal<Vec<Entry>>, since: Memo<Option<i64>>, acts: Acts) -> impl IntoView {
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
            words::outcome(events.filter(|event| event.seq > since), lang)
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
fn Actions(app: String, refund: Refund, order: Order, may: May, acts: Acts) -> impl IntoView {
    let lang = use_lang();
    let page = app_path(&app, &format!("refunds/{}", escape(&refund.refund_no)));
    let sync = fields(&app, &refund);
    let failed = refund.status == RefundStatus::Fail;
    let too_little = (failed && may.close && !may.retry)
        .then(|| view! { <small>{words::too_little_left(&order, lang)}</small> }.into_any());
    let retry = may.retry.then(|| {
        let (app, refund, order) = (app.clone(), refund.clone(), order.clone());
        view! {
            <DialogLink dialog=RETRY href=format!("{page}/retry") text=words::RETRY/>
            <Dialog id=RETRY title=words::RETRY_TITLE close=words::CANCEL>
                <Retry app refund order acts/>
            </Dialog>
        }
        .into_any()
    });
    let close = may.close.then(|| {
        let (app, refund) = (app.clone(), refund.clone());
        view! {
            <DialogLink dialog=CLOSE href=format!("{page}/close") text=words::CLOSE/>
            <Dialog id=CLOSE title=words::CLOSE_TITLE close=words::CANCEL>
                <Close app refund order acts/>
            </Dialog>
        }
        .into_any()
    });
    let review = may.review.then(|| {
        view! {
            <DialogLink dialog=REVIEW href=format!("{page}/review") text=words::REVIEW_ACT/>
            <Dialog id=REVIEW title=words::REVIEW_TITLE close=words::CANCEL>
                <Review app refund acts/>
            </Dialog>
        }
        .into_any()
    });
    view! {
        <Act deed=acts.sync fields=sync text=words::SYNC key="s"/>
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
fn Retry(app: String, refund: Refund, order: Order, acts: Acts) -> impl IntoView {
    let lang = use_lang();
    let mut fields = fields(&app, &refund);
    fields.push(("attempt", refund.attempt.to_string()));
    view! {
        <Confirm
            deed=acts.retry
            fields
            happens=words::what_retry_does(&refund, &order, lang)
            button=words::retry_button(refund.amount, lang)
        />
    }
}

#[component]
fn Close(app: String, refund: Refund, order: Order, acts: Acts) -> impl IntoView {
    let lang = use_lang();
    view! {
        <Confirm
            deed=acts.close
            fields=fields(&app, &refund)
            happens=match refund.holds() {
                true => words::what_closing_open_does(&refund, &order, lang),
                false => words::what_closing_does(&refund, &order, lang),
            }
            button=words::CLOSE_REFUND.get(lang)
        />
    }
}

#[component]
fn Review(app: String, refund: Refund, acts: Acts) -> impl IntoView {
    let t = use_words();
    let deed = acts.review;
    view! {
        <p class="happens">{t(words::WHAT_REVIEW_DOES)}</p>
        <Primary
            deed
            fields=fields(&app, &refund)
            text=t(words::REVIEW_ACT)
            class="fields"
            typed="remark"
        >
            <label>
                <span>{t(words::REMARK)} " " <small>{t(words::OPTIONAL)}</small></span>
                <textarea name="remark" rows="3" maxlength=limits::REMARK_CHARS.to_string()></textarea>
            </label>
            <DeedTrouble deed/>
        </Primary>
    }
}

/// `/apps/:app/refunds/:number/retry`: what the button leads to without scripts.
#[component]
pub fn RetryRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=words::RETRY_TITLE what=RETRY/> }
}

/// `/apps/:app/refunds/:number/close`: what the button leads to without scripts.
#[component]
pub fn CloseRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=words::CLOSE_TITLE what=CLOSE/> }
}

/// `/apps/:app/refunds/:number/review`: what the button leads to without scripts.
#[component]
pub fn ReviewRefundPage() -> impl IntoView {
    view! { <ConfirmPage title=words::REVIEW_TITLE what=REVIEW/> }
}

#[component]
fn ConfirmPage(title: Text, what: &'static str) -> impl IntoView {
    let t = use_words();
    let lang = use_lang();
    let app = use_app_id();
    let number = use_number();
    let acts = Acts::new();
    let refund = Ask::new(move || (app.get(), number.get(), 0), load_refund);
    let body = move |view: RefundView| {
        let RefundView { refund, order, .. } = view;
        let app = app.get_untracked();
        let Some(may) = view.may else {
            return view! { <p>{t(words::ONLY_LOOKING)}</p> }.into_any();
        };
        match what {
            RETRY if may.retry => view! { <Retry app refund order acts/> }.into_any(),
            CLOSE if may.close => view! { <Close app refund order acts/> }.into_any(),
            REVIEW if may.review => view! { <Review app refund acts/> }.into_any(),
            _ => {
                let why = match may.close && what == RETRY {
                    true => words::too_little_left(&order, lang),
                    false => words::what_it_means(&refund, lang),
                };
                view! {
                    <DeedTrouble deed=acts.retry/>
                    <DeedTrouble deed=acts.close/>
                    <DeedTrouble deed=acts.review/>
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
                <a class="plain" href=back>{t(words::BACK_TO_REFUND)}</a>
            </div>
        </Loaded>
    }
}

#[component]
fn AllFacts(app: String, view: RefundView) -> impl IntoView {
    let t = use_words();
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
            <Fact name=words::CHANNEL_NO>
                <Number number=refund.channel_no.clone() what=words::CHANNEL_NO/>
            </Fact>
        }
        .into_any()
    });
    view! {
        <Facts>
            <Fact name=words::ORDER>
                <Number number=order.order_no what=words::ORDER_NO href=order_page/>
            </Fact>
            <Fact name=words::BIZ_ORDER_NO>
                <Number number=order.biz_order_no what=words::BIZ_ORDER_NO/>
            </Fact>
            <Fact name=words::TITLE>{order.title}</Fact>
            <Fact name=words::CHANNEL>{t(words::channel(refund.channel))}</Fact>
            <Fact name=words::BIZ_REFUND_NO>
                <Number number=refund.biz_refund_no what=words::BIZ_REFUND_NO/>
            </Fact>
            <Fact name=words::OUT_REFUND_NO>
                <MaybeNumber number=refund.out_refund_no what=words::OUT_REFUND_NO/>
            </Fact>
            {channel_no}
            <Fact name=words::AMOUNT><Money amount=refund.amount unit=true/></Fact>
            <Fact name=words::REASON><MaybeText text=refund.reason/></Fact>
            <Fact name=words::CREATED>
                <When stamp=created/> " " <small>{zone}</small>
            </Fact>
            <Fact name=words::FINISHED>
                {match finished {
                    Some(finished) => view! { <When stamp=finished/> }.into_any(),
                    None => view! { <Nothing/> }.into_any(),
                }}
            </Fact>
            <Fact name=words::SUBMITTED><When stamp=submitted/></Fact>
            <Fact name=words::ATTEMPTS>{refund.attempt}</Fact>
            <Fact name=words::ERROR_CODE>
                <MaybeNumber number=refund.error_code what=words::ERROR_CODE/>
            </Fact>
            <Fact name=words::ERROR_MSG><MaybeText text=refund.error_msg/></Fact>
            <Fact name=words::NOTIFY_URL>
                <MaybeNumber number=refund.notify_url what=words::NOTIFY_URL/>
            </Fact>
            <Fact name=words::ATTACH><MaybeText text=refund.attach/></Fact>
            <Fact name=words::CLIENT_IP>
                <MaybeNumber number=refund.client_ip what=words::CLIENT_IP/>
            </Fact>
            <Fact name=words::EDITION>{t(words::edition(refund.edition))}</Fact>
            {more_facts(more)}
        </Facts>
    }
}
