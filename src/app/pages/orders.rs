//! The list of orders.

use leptos::prelude::*;

use crate::app::components::*;
use crate::app::look::use_words;
use crate::app::query::escape;
use crate::app::rpc::orders::{OrderList, OrderRow, list_orders};
use crate::app::words;
use crate::domain::filter::Sort;
use crate::domain::order::{Channel, OrderStatus, RefundSide};

/// A merchant's number up to this length stands in one line.
const WHOLE_CHARS: usize = 22;

/// `/apps/:app/orders`
#[component]
pub fn OrdersPage() -> impl IntoView {
    let t = use_words();
    let app = use_app_id();
    let list = provide_list_url();
    let orders = Ask::new(
        move || (app.get(), list.query.get().href(""), 0),
        list_orders,
    );

    view! {
        <PageTitle text=t(words::ORDERS)/>
        <ListTitle text=words::ORDERS list=orders count=|list: &OrderList| list.page.count/>
        <Filters keep=&["sort"]>
            <FilterChoice
                name="channel"
                label=words::CHANNEL
                any=words::ANY_CHANNEL
                options=choices(Channel::ALL, Channel::word, words::channel)
            />
            <FilterChoice
                name="status"
                label=words::STATUS
                any=words::ANY_STATUS
                options=choices(OrderStatus::ALL, OrderStatus::word, words::order_status)
            />
            <FilterChoice
                name="refund"
                label=words::REFUND_SIDE
                any=words::ANY_REFUND_SIDE
                options=choices(RefundSide::ALL, RefundSide::word, words::refund_side)
            />
            <FilterAmounts/>
            <FilterDays list=orders days=|list: &OrderList| list.days.clone()/>
            <FilterText name="title" label=words::TITLE hint=words::TITLE_BEGINS/>
            <FilterText name="q" label=words::NUMBER hint=words::ANY_NUMBER/>
        </Filters>
        <Loaded resource=orders let:orders>
            <Orders app=app.get_untracked() orders/>
        </Loaded>
    }
}

#[component]
fn Orders(app: String, orders: OrderList) -> impl IntoView {
    let list = expect_context::<ListUrl>();
    let page = orders.page;
    let too_many = page
        .too_many
        .then(|| view! { <Hint text=words::TOO_MANY/> }.into_any());
    if page.rows.is_empty() {
        let narrowed = list.query.get_untracked().narrows();
        return view! { {too_many} <NoOrders narrowed/> }.into_any();
    }
    let head = view! {
        <Head name=words::ORDER_NO/>
        <Head name=words::BIZ_ORDER_NO/>
        <Head name=words::TITLE/>
        <Head name=words::CHANNEL/>
        <SortHead name=words::AMOUNT_YUAN asc=Sort::AmountAsc desc=Sort::AmountDesc class="end"/>
        <Head name=words::REFUNDABLE class="end wide"/>
        <Head name=words::STATUS/>
        <Head name=words::REFUND_SIDE/>
        <SortHead name=words::CREATED asc=Sort::TimeAsc desc=Sort::TimeDesc detail=orders.zone/>
    };
    let rows = page
        .rows
        .into_iter()
        .map(|row| view! { <Row app=app.clone() row/> }.into_any())
        .collect_view();
    view! {
        {too_many}
        <Table name=words::ORDERS head>
            {rows}
        </Table>
        <Pager before=page.before after=page.after/>
    }
    .into_any()
}

#[component]
fn Row(app: String, row: OrderRow) -> impl IntoView {
    let t = use_words();
    let OrderRow { order, created } = row;
    let href = app_path(&app, &format!("orders/{}", escape(&order.order_no)));
    let refundable = order.refundable();
    let side = order.refund_side();
    let long = order.biz_order_no.len() > WHOLE_CHARS;
    view! {
        <tr>
            <td>
                <Number number=order.order_no what=words::ORDER_NO href=href of_row=true/>
            </td>
            <td class="mono" class:wrap=long>{order.biz_order_no}</td>
            <td class="text">{order.title}</td>
            <td>{t(words::channel(order.channel))}</td>
            <td class="end"><Money amount=order.amount/></td>
            <td class="end wide"><Money amount=refundable/></td>
            <td class="end-narrow">{state_badge(order.status)}</td>
            <td class="end-narrow">{state_badge(side)}</td>
            <td><When stamp=created/></td>
        </tr>
    }
}

#[component]
fn NoOrders(narrowed: bool) -> impl IntoView {
    let t = use_words();
    let list = expect_context::<ListUrl>();
    match narrowed {
        true => view! {
            <Empty title=words::NOTHING_MATCHES why=words::NO_ORDERS_MATCH_WHY>
                <a href=list.path.get_untracked()>{t(words::CLEAR_FILTERS)}</a>
            </Empty>
        }
        .into_any(),
        false => view! { <Empty title=words::NO_ORDERS why=words::NO_ORDERS_WHY/> }.into_any(),
    }
}
