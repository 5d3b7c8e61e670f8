//! The page of an order: facts, refunds, money movements, balance, timeline.

mod balance;
mod refund;

pub use refund::RefundOrderPage;

use leptos::prelude::*;
use leptos_router::hooks::use_url;

use crate::console::components::*;
use crate::console::hooks::use_app_id;
use crate::console::hooks::use_number;
use crate::console::pages::order::balance::Balance;
use crate::console::pages::order::refund::{Draft, RefundForm};
use crate::console::paths::app_path;
use crate::console::paths::escape;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::rpc::orders::{SyncOrder, load_order};
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{MovementOfOrder, OrderView, RefundOfOrder, Stamp};
use crate::domain::event::{Event, EventKind};
use crate::domain::money::Fen;
use crate::domain::movement::MovementKind;
use crate::domain::order::Order;

/// Shows an order: `/apps/:app_id/orders/:number`. After a sync the address also has `did=sync`.
#[component]
pub fn OrderPage() -> impl IntoView {
    let app_id = use_app_id();
    let number = use_number();
    let sync = FormAction::of::<SyncOrder>();
    let order = Loader::new(
        move || (app_id.get(), number.get(), sync.version()),
        load_order,
    );
    let draft = Draft::new(move || order.again());
    // The router keeps the page when only the number in the address changes.
    Effect::new(move |before: Option<String>| {
        let number = number.get();
        if before.is_some_and(|before| before != number) {
            sync.leave();
        }
        number
    });
    view! {
        <Loaded resource=order let:view>
            <Content app_id=app_id.get_untracked() view sync draft/>
        </Loaded>
    }
}

/// Shows the loaded order.
#[component]
fn Content(app_id: String, view: OrderView, sync: FormAction, draft: Draft) -> impl IntoView {
    let t = use_texts();
    let OrderView {
        order,
        test_mode,
        paid,
        recorded,
        zone,
        refunds,
        movements,
        timeline,
        may_move_money,
        obstacle,
        biz_refund_no,
    } = view;
    let newest = timeline.first().map(|entry| entry.event.clone());
    let fields = vec![
        ("app_id", app_id.clone()),
        ("order_no", order.order_no.clone()),
    ];
    view! {
        <PageTitle text=order.order_no.clone()/>
        <div class="head">
            <h1>
                <span class="kind">{t(texts::ORDER)}</span>
                <Number number=order.order_no.clone() what=texts::ORDER_NO/>
            </h1>
            {state_badge(order.status)}
            {state_badge(order.refund_side())}
            {may_move_money
                .then(|| view! { <ActionButton action=sync fields=fields.clone() text=texts::SYNC key="s"/> }.into_any())}
        </div>
        <ActionErrorNote action=sync/>
        <Synced event=newest/>
        <div class="split">
            <div>
                <Details order=order.clone() test_mode paid recorded zone=zone.clone()/>
                <Refunds app_id=app_id.clone() refunds zone=zone.clone()/>
                <Movements app_id=app_id.clone() movements zone=zone.clone()/>
                <Timeline entries=timeline zone/>
            </div>
            <aside>
                <Balance order=order.clone()/>
                <RefundForm app_id order test_mode biz_refund_no may_move_money obstacle draft/>
            </aside>
        </div>
    }
}

/// Lists the order's facts.
#[component]
fn Details(
    order: Order,
    test_mode: bool,
    paid: Option<Stamp>,
    recorded: Stamp,
    zone: String,
) -> impl IntoView {
    let t = use_texts();
    view! {
        <Facts>
            <Fact name=texts::BIZ_ORDER_NO>
                <Number number=order.biz_order_no what=texts::BIZ_ORDER_NO/>
            </Fact>
            <Fact name=texts::OUT_ORDER_NO>
                <MaybeNumber number=order.out_order_no what=texts::OUT_ORDER_NO/>
            </Fact>
            <Fact name=texts::TITLE><Given text=order.title/></Fact>
            <Fact name=texts::CHANNEL><ChannelName channel=order.channel test_mode/></Fact>
            <Fact name=texts::METHOD>
                {match order.method {
                    Some(method) => t(texts::method(method)).into_any(),
                    None => view! { <Nothing/> }.into_any(),
                }}
            </Fact>
            <Fact name=texts::PAID_AT>
                {match paid {
                    Some(paid) => view! { <When stamp=paid/> }.into_any(),
                    None => view! { <Nothing/> }.into_any(),
                }}
            </Fact>
            <Fact name=texts::RECORDED_AT>
                <When stamp=recorded/> " " <small>{zone}</small>
            </Fact>
            <Fact name=texts::ATTACH>
                {match order.attach {
                    Some(attach) => view! { <span class="mono"><Given text=attach/></span> }.into_any(),
                    None => view! { <Nothing/> }.into_any(),
                }}
            </Fact>
        </Facts>
    }
}

/// Shows the outcome of the sync that led here, until another event follows it.
#[component]
fn Synced(event: Option<Event>) -> impl IntoView {
    let lang = use_lang();
    let url = use_url();
    let event = event.filter(|event| event.kind == EventKind::Sync);
    move || {
        let did = url.with(|url| Query::value_in(url.search(), "did"));
        let event = event.clone().filter(|_| did.as_deref() == Some("sync"))?;
        Some(view! { <p class="done" role="status">{texts::synced(&event, lang)}</p> })
    }
}

/// Lists the order's refunds.
#[component]
fn Refunds(app_id: String, refunds: Vec<RefundOfOrder>, zone: String) -> impl IntoView {
    let t = use_texts();
    if refunds.is_empty() {
        return view! {
            <section>
                <h2>{t(texts::REFUNDS)}</h2>
                <p class="faint">{t(texts::NO_REFUNDS_OF_ORDER)}</p>
            </section>
        }
        .into_any();
    }
    let head = view! {
        <Head name=texts::REFUND_NO/>
        <Head name=texts::REASON/>
        <Head name=texts::REFUND_AMOUNT class="end"/>
        <Head name=texts::STATUS/>
        <Head name=texts::CREATED detail=zone/>
    };
    let rows = refunds
        .into_iter()
        .map(|RefundOfOrder { refund, created }| {
            let href = app_path(&app_id, &format!("refunds/{}", escape(&refund.refund_no)));
            view! {
                <tr>
                    <td>
                        <Number number=refund.refund_no what=texts::REFUND_NO href of_row=true/>
                    </td>
                    <td class="text">{refund.reason.map(|text| view! { <Given text/> }.into_any())}</td>
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
            <h2>{t(texts::REFUNDS)}</h2>
            <Table name=texts::REFUNDS head few=true>{rows}</Table>
        </section>
    }
    .into_any()
}

/// Lists the movements of the order's balance.
#[component]
fn Movements(app_id: String, movements: Vec<MovementOfOrder>, zone: String) -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    if movements.is_empty() {
        return ().into_any();
    }
    let head = view! {
        <Head name=texts::MOVED_AT detail=zone/>
        <Head name=texts::MOVEMENT_KIND/>
        <Head name=texts::MOVEMENT_AMOUNT class="end"/>
        <Head name=texts::REFUND/>
        <Head name=texts::EVIDENCE/>
    };
    let rows = movements
        .into_iter()
        .map(|MovementOfOrder { movement, at }| {
            let refund_no = movement.refund_no.clone();
            let href = app_path(&app_id, &format!("refunds/{}", escape(&refund_no)));
            let amount = movement.amount();
            let (sign, size) = match amount < Fen::ZERO {
                true => ("− ", -amount),
                false => ("+ ", amount),
            };
            let overpaid = movement.change.overpaid;
            let part = (movement.kind == MovementKind::Overpaid && overpaid < amount).then(|| {
                view! { " "<small>{texts::overpaid_part(overpaid, lang)}</small> }.into_any()
            });
            view! {
                <tr>
                    <td><When stamp=at/></td>
                    <td>{t(texts::movement_kind(movement.kind))} {part}</td>
                    <td class="end">{sign} <Money amount=size/></td>
                    <td><a class="mono" href=href>{refund_no}</a></td>
                    <td>{t(texts::movement_evidence(movement.evidence))}</td>
                </tr>
            }
            .into_any()
        })
        .collect_view();
    view! {
        <section>
            <h2>{t(texts::MOVEMENTS)}</h2>
            <Table name=texts::MOVEMENTS head few=true>{rows}</Table>
        </section>
    }
    .into_any()
}
