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
use crate::app::rpc::Trouble;
use crate::app::rpc::refunds::{
    CloseRefund, RefundView, RetryRefund, SyncRefund, load_refund, refund_news,
};
use crate::app::view::{Entry, Stamp};
use crate::app::words;
use crate::domain::error::Refusal;
use crate::domain::lang::Text;
use crate::domain::order::Order;
use crate::domain::refund::{Attention, Refund, RefundStatus};

/// The dialogs of a failed refund.
const RETRY: &str = "retry";
const CLOSE: &str = "close";

/// How often a page without scripts loads itself again while the refund is in progress.
const RELOAD: &str = r#"<meta http-equiv="refresh" content="3">"#;

/// What can be done about a refund.
#[derive(Clone, Copy)]
struct Acts {
    sync: Deed,
    retry: Deed,
    close: Deed,
}

impl Acts {
    fn new() -> Acts {
        Acts {
            sync: Deed::of::<SyncRefund>(),
            retry: Deed::of::<RetryRefund>(),
            close: Deed::of::<CloseRefund>(),
        }
    }

    /// Counts what was done.
    fn done(&self) -> usize {
        self.sync.version() + self.retry.version() + self.close.version()
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
    let refund = Resource::new(
        move || (app.get(), number.get(), acts.done()),
        |(app, number, _)| find(app, number),
    );
    let said = RwSignal::new(String::new());
    keep_up(app, refund, said);
    // The focus goes to what came of an action: what was pressed may be gone.
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

    view! {
        <PageTitle text=number.get_untracked()/>
        <Loaded resource=refund let:view>
            {match view {
                Some(view) => {
                    view! { <Whole app=app.get_untracked() view since arrived acts/> }.into_any()
                }
                None => view! { <NoSuchRefund app=app.get_untracked()/> }.into_any(),
            }}
        </Loaded>
        <p class="unseen" role="status">{said}</p>
    }
}

/// The refund, or None where there is none of that number.
async fn find(app: String, number: String) -> Result<Option<RefundView>, Trouble> {
    match load_refund(app, number).await {
        Err(trouble) if trouble.refusal() == Some(&Refusal::NoSuchRefund) => Ok(None),
        found => found.map(Some),
    }
}

#[component]
fn NoSuchRefund(app: String) -> impl IntoView {
    let t = use_words();
    view! {
        <Empty title=words::NO_SUCH_REFUND why=words::NO_SUCH_REFUND_WHY>
            <a href=app_path(&app, "refunds")>{t(words::TO_REFUNDS)}</a>
        </Empty>
    }
}

/// Asks for news while the refund is in progress, and says so when its state has become another.
fn keep_up(
    app: Memo<String>,
    refund: Resource<Result<Option<RefundView>, Trouble>>,
    said: RwSignal<String>,
) {
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
            if let Ok(Some(fresh)) = news.await {
                // It may have been overtaken by what an action loaded, or the page left.
                let later = |shown: &Refund| {
                    shown.refund_no == fresh.refund.refund_no
                        && shown.version < fresh.refund.version
                };
                if latest.try_get_value().flatten().as_ref().is_some_and(later) {
                    refund.set(Some(Ok(Some(*fresh))));
                }
            }
            rounds.try_update(|n| *n += 1);
        });
    };
    Effect::new(move |before: Option<Option<Refund>>| {
        let round = rounds.get();
        let now = refund.get().and_then(Result::ok).flatten();
        let now = now.map(|view| view.refund);
        latest.set_value(now.clone());
        if let (Some(Some(before)), Some(now)) = (before, &now)
            && before.refund_no == now.refund_no
            && before.status != now.status
        {
            said.set(words::state_is_now(now.status, lang));
            desk.refetch();
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

#[component]
fn Whole(
    app: String,
    view: RefundView,
    since: Memo<Option<i64>>,
    arrived: RwSignal<bool>,
    acts: Acts,
) -> impl IntoView {
    let t = use_words();
    let lang = use_lang();
    let RefundView {
        refund,
        order,
        created,
        submitted,
        finished,
        zone,
        timeline,
        may_move_money,
    } = view;
    let reload = refund
        .holds()
        .then(|| view! { <noscript inner_html=RELOAD></noscript> }.into_any());
    let attention = refund
        .attention
        .map(|attention| view! { <NeedsPerson attention/> }.into_any());
    let failure = (refund.status == RefundStatus::Fail).then(|| {
        view! {
            <p class="problem">{words::refused_by(&refund, lang)}</p>
        }
        .into_any()
    });
    let actions = may_move_money.then(|| {
        view! { <Actions app=app.clone() refund=refund.clone() order=order.clone() acts/> }
            .into_any()
    });
    view! {
        <div class="one">
            {reload}
            <div class="head">
                <h1>
                    <span class="kind">{t(words::REFUND)}</span>
                    <Number number=refund.refund_no.clone() what=words::REFUND_NO/>
                </h1>
                {state_badge(refund.status)}
                {actions}
            </div>
            <DeedTrouble deed=acts.sync/>
            <Outcome timeline=timeline.clone() since arrived/>
            {attention}
            <div class="means">
                {failure}
                <p>{words::what_it_means(&refund, lang)}</p>
            </div>
            <AllFacts app refund order created submitted finished zone=zone.clone()/>
            <Timeline entries=timeline zone since/>
        </div>
    }
}

/// Why a person has to look, what that means, and what to do.
#[component]
fn NeedsPerson(attention: Attention) -> impl IntoView {
    let t = use_words();
    view! {
        <section class="attention">
            <h2>
                <Badge tone=Tone::Alert text=words::NEEDS_PERSON/>
                {t(words::attention(attention))}
            </h2>
            <p>{t(words::what_to_do(attention))}</p>
        </section>
    }
}

/// What came of the action that led here.
#[component]
fn Outcome(
    timeline: Vec<Entry>,
    since: Memo<Option<i64>>,
    arrived: RwSignal<bool>,
) -> impl IntoView {
    let lang = use_lang();
    let shown = NodeRef::<P>::new();
    Effect::new(move || {
        if let Some(shown) = shown.get()
            && arrived.get_untracked()
        {
            arrived.set(false);
            let _ = shown.focus();
        }
    });
    move || {
        let since = since.get()?;
        let events = timeline
            .iter()
            .map(|entry| &entry.event)
            .filter(|event| event.seq > since);
        let outcome = words::outcome(events, lang)?;
        Some(view! {
            <p class="done" role="status" tabindex="-1" node_ref=shown>
                {outcome}
            </p>
        })
    }
}

/// The two or three things that make sense now.
#[component]
fn Actions(app: String, refund: Refund, order: Order, acts: Acts) -> impl IntoView {
    let lang = use_lang();
    let page = app_path(&app, &format!("refunds/{}", escape(&refund.refund_no)));
    let sync = view! {
        <Act deed=acts.sync fields=fields(&app, &refund) text=words::SYNC key="s"/>
    };
    if refund.status != RefundStatus::Fail {
        return sync.into_any();
    }
    let close = view! { <Close app=app.clone() refund=refund.clone() order=order.clone() acts/> };
    let retry = match order.refundable() >= refund.amount {
        true => view! {
            <DialogLink dialog=RETRY href=format!("{page}/retry") text=words::RETRY/>
            <Dialog id=RETRY title=words::RETRY_TITLE close=words::CANCEL>
                <Retry app refund order acts/>
            </Dialog>
        }
        .into_any(),
        false => view! { <small>{words::too_little_left(&order, lang)}</small> }.into_any(),
    };
    view! {
        {sync}
        {retry}
        <DialogLink dialog=CLOSE href=format!("{page}/close") text=words::CLOSE/>
        <Dialog id=CLOSE title=words::CLOSE_TITLE close=words::CANCEL>
            {close}
        </Dialog>
    }
    .into_any()
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
            happens=words::what_closing_does(&refund, &order, lang)
            button=words::CLOSE_REFUND.get(lang)
        />
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

#[component]
fn ConfirmPage(title: Text, what: &'static str) -> impl IntoView {
    let t = use_words();
    let lang = use_lang();
    let app = use_app_id();
    let number = use_number();
    let acts = Acts::new();
    let refund = Resource::new(
        move || (app.get(), number.get()),
        |(app, number)| find(app, number),
    );
    let body = move |view: Option<RefundView>| {
        let Some(view) = view else {
            return view! { <p>{t(words::NO_SUCH_REFUND_WHY)}</p> }.into_any();
        };
        let RefundView { refund, order, .. } = view;
        let app = app.get_untracked();
        if !view.may_move_money {
            return view! { <p>{t(words::ONLY_LOOKING)}</p> }.into_any();
        }
        match (refund.status, what) {
            (RefundStatus::Fail, RETRY) if order.refundable() < refund.amount => {
                view! { <p>{words::too_little_left(&order, lang)}</p> }.into_any()
            }
            (RefundStatus::Fail, RETRY) => view! { <Retry app refund order acts/> }.into_any(),
            (RefundStatus::Fail, _) => view! { <Close app refund order acts/> }.into_any(),
            _ => view! { <p>{words::what_it_means(&refund, lang)}</p> }.into_any(),
        }
    };
    let back = move || {
        let page = format!("refunds/{}", escape(&number.get()));
        app_path(&app.get(), &page)
    };
    view! {
        <PageTitle text=t(title)/>
        <h1>{t(title)}</h1>
        <Loaded resource=refund let:view>
            <div class="narrow">
                {body(view)}
            </div>
        </Loaded>
        <p>
            <a href=back>{t(words::BACK_TO_REFUND)}</a>
        </p>
    }
}

#[component]
fn AllFacts(
    app: String,
    refund: Refund,
    order: Order,
    created: Stamp,
    submitted: Stamp,
    finished: Option<Stamp>,
    zone: String,
) -> impl IntoView {
    let t = use_words();
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
        </Facts>
    }
}
