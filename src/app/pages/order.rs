//! One order: its facts, its refunds, what is refundable, what happened.

use leptos::prelude::*;
use leptos_router::hooks::use_url;

use super::refund_order::{Draft, RefundForm};
use crate::app::components::*;
use crate::app::look::{use_lang, use_words};
use crate::app::query::{Query, escape};
use crate::app::rpc::orders::{OrderView, RefundOfOrder, SyncOrder, load_order};
use crate::app::view::Stamp;
use crate::app::words;
use crate::domain::event::{Event, EventKind};
use crate::domain::money::Fen;
use crate::domain::order::{Order, OrderStatus};

/// `/apps/:app/orders/:number`; after a sync also `did=sync`.
#[component]
pub fn OrderPage() -> impl IntoView {
    let app = use_app_id();
    let number = use_number();
    let sync = Deed::of::<SyncOrder>();
    let order = Ask::new(
        move || (app.get(), number.get(), sync.version()),
        load_order,
    );
    let draft = Draft::new(move || order.again());
    // The same page may come to show another order.
    Effect::new(move |before: Option<String>| {
        let number = number.get();
        if before.is_some_and(|before| before != number) {
            sync.leave();
        }
        number
    });
    view! {
        <Loaded resource=order let:view>
            <Whole app=app.get_untracked() view sync draft/>
        </Loaded>
    }
}

#[component]
fn Whole(app: String, view: OrderView, sync: Deed, draft: Draft) -> impl IntoView {
    let t = use_words();
    let OrderView {
        order,
        created,
        paid,
        zone,
        refunds,
        timeline,
        may_move_money,
        obstacle,
        biz_refund_no,
    } = view;
    let newest = timeline.first().map(|entry| entry.event.clone());
    let fields = vec![("app", app.clone()), ("order_no", order.order_no.clone())];
    view! {
        <PageTitle text=order.order_no.clone()/>
        <div class="head">
            <h1>
                <span class="kind">{t(words::ORDER)}</span>
                <Number number=order.order_no.clone() what=words::ORDER_NO/>
            </h1>
            {state_badge(order.status)}
            {state_badge(order.refund_side())}
            {may_move_money
                .then(|| view! { <Act deed=sync fields=fields.clone() text=words::SYNC key="s"/> }.into_any())}
        </div>
        <DeedTrouble deed=sync/>
        <Synced event=newest/>
        <div class="split">
            <div>
                <Details order=order.clone() created paid zone=zone.clone()/>
                <Refunds app=app.clone() refunds zone=zone.clone()/>
                <Timeline entries=timeline zone/>
            </div>
            <aside>
                <Balance order=order.clone()/>
                <RefundForm app order biz_refund_no may_move_money obstacle draft/>
            </aside>
        </div>
    }
}

#[component]
fn Details(order: Order, created: Stamp, paid: Option<Stamp>, zone: String) -> impl IntoView {
    let t = use_words();
    view! {
        <Facts>
            <Fact name=words::BIZ_ORDER_NO>
                <Number number=order.biz_order_no what=words::BIZ_ORDER_NO/>
            </Fact>
            <Fact name=words::OUT_ORDER_NO>
                <MaybeNumber number=order.out_order_no what=words::OUT_ORDER_NO/>
            </Fact>
            <Fact name=words::TITLE>{order.title}</Fact>
            <Fact name=words::CHANNEL>{t(words::channel(order.channel))}</Fact>
            <Fact name=words::METHOD>
                {match order.method {
                    Some(method) => t(words::method(method)).into_any(),
                    None => view! { <Nothing/> }.into_any(),
                }}
            </Fact>
            <Fact name=words::CREATED>
                <When stamp=created/> " " <small>{zone}</small>
            </Fact>
            <Fact name=words::PAID_AT>
                {match paid {
                    Some(paid) => view! { <When stamp=paid/> }.into_any(),
                    None => view! { <Nothing/> }.into_any(),
                }}
            </Fact>
            <Fact name=words::ATTACH>
                {match order.attach {
                    Some(attach) => view! { <span class="mono">{attach}</span> }.into_any(),
                    None => view! { <Nothing/> }.into_any(),
                }}
            </Fact>
        </Facts>
    }
}

/// What came of the sync that led here, while it is the last thing that happened.
#[component]
fn Synced(event: Option<Event>) -> impl IntoView {
    let lang = use_lang();
    let url = use_url();
    let event = event.filter(|event| event.kind == EventKind::Sync);
    move || {
        let did = url.with(|url| Query::value_in(url.search(), "did"));
        let event = event.clone().filter(|_| did.as_deref() == Some("sync"))?;
        Some(view! { <p class="done" role="status">{words::synced(&event, lang)}</p> })
    }
}

/// How the amounts of an order come to what is refundable.
#[component]
pub fn Balance(order: Order) -> impl IntoView {
    let t = use_words();
    let line = |sign: &'static str, name, amount: Fen| {
        view! {
            <div>
                <dt>{t(name)}</dt>
                <dd>{sign} <Money amount/></dd>
            </div>
        }
    };
    let amount = match order.status {
        OrderStatus::Success => words::PAID_AMOUNT,
        _ => words::ORDER_AMOUNT,
    };
    view! {
        <dl class="balance">
            {line("", amount, order.amount)}
            {line("− ", words::REFUNDED_AMOUNT, order.refunded)}
            {line("− ", words::HELD_AMOUNT, order.held)}
            <div class="sum">
                <dt>{t(words::REFUNDABLE)}</dt>
                <dd><Money amount=order.refundable() unit=true/></dd>
            </div>
        </dl>
    }
}

#[component]
fn Refunds(app: String, refunds: Vec<RefundOfOrder>, zone: String) -> impl IntoView {
    let t = use_words();
    if refunds.is_empty() {
        return view! {
            <section>
                <h2>{t(words::REFUNDS)}</h2>
                <p class="faint">{t(words::NO_REFUNDS_OF_ORDER)}</p>
            </section>
        }
        .into_any();
    }
    let head = view! {
        <Head name=words::REFUND_NO/>
        <Head name=words::REASON/>
        <Head name=words::REFUND_AMOUNT class="end"/>
        <Head name=words::STATUS/>
        <Head name=words::CREATED detail=zone/>
    };
    let rows = refunds
        .into_iter()
        .map(|RefundOfOrder { refund, created }| {
            let href = app_path(&app, &format!("refunds/{}", escape(&refund.refund_no)));
            view! {
                <tr>
                    <td>
                        <Number number=refund.refund_no what=words::REFUND_NO href of_row=true/>
                    </td>
                    <td class="text">{refund.reason}</td>
                    <td class="end"><Money amount=refund.amount/></td>
                    <td class="end-narrow">{state_badge(refund.status)}</td>
                    <td><When stamp=created/></td>
                </tr>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <section>
            <h2>{t(words::REFUNDS)}</h2>
            <Table name=words::REFUNDS head few=true>{rows}</Table>
        </section>
    }
    .into_any()
}
