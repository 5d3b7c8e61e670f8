//! The list of refunds.

use leptos::prelude::*;

use crate::app::components::*;
use crate::app::look::use_words;
use crate::app::query::escape;
use crate::app::rpc::refunds::{RefundLine, RefundList, list_refunds};
use crate::app::words;
use crate::domain::filter::{Count, Sort};
use crate::domain::order::Channel;
use crate::domain::refund::RefundRow;

/// `/apps/:app/refunds`
#[component]
pub fn RefundsPage() -> impl IntoView {
    let t = use_words();
    let app = use_app_id();
    let list = provide_list_url();
    let refunds = Ask::new(
        move || (app.get(), list.query.get().href(""), 0),
        list_refunds,
    );

    view! {
        <PageTitle text=t(words::REFUNDS)/>
        <ListTitle text=words::REFUNDS list=refunds count=|list: &RefundList| list.page.count/>
        <Filters keep=&["status", "attention", "sort"]>
            <FilterChoice
                name="channel"
                label=words::CHANNEL
                any=words::ANY_CHANNEL
                options=choices(Channel::ALL, Channel::word, words::channel)
            />
            <FilterAmounts/>
            <FilterDays list=refunds days=|list: &RefundList| list.days.clone()/>
            <FilterText name="title" label=words::TITLE hint=words::TITLE_BEGINS/>
            <FilterText name="q" label=words::NUMBER hint=words::ANY_NUMBER/>
        </Filters>
        <Loaded resource=refunds let:refunds>
            <Refunds app=app.get_untracked() refunds/>
        </Loaded>
    }
}

#[component]
fn Refunds(app: String, refunds: RefundList) -> impl IntoView {
    let RefundList {
        page,
        counts,
        attention,
        zone,
        ..
    } = refunds;
    let too_many = page
        .too_many
        .then(|| view! { <Hint text=words::TOO_MANY/> }.into_any());
    let chips = view! { <States counts attention/> };
    if page.rows.is_empty() {
        return view! {
            {chips}
            {too_many}
            <NoRefunds app/>
        }
        .into_any();
    }
    let head = view! {
        <Head name=words::REFUND_NO/>
        <Head name=words::BIZ_REFUND_NO/>
        <Head name=words::BIZ_ORDER_NO class="wide"/>
        <Head name=words::TITLE/>
        <Head name=words::CHANNEL/>
        <SortHead name=words::AMOUNT_YUAN asc=Sort::AmountAsc desc=Sort::AmountDesc class="end"/>
        <Head name=words::STATUS/>
        <SortHead name=words::CREATED asc=Sort::TimeAsc desc=Sort::TimeDesc detail=zone/>
    };
    let rows = page
        .rows
        .into_iter()
        .map(|line| view! { <Row app=app.clone() line/> }.into_any())
        .collect_view();
    view! {
        {chips}
        {too_many}
        <Table name=words::REFUNDS head>
            {rows}
        </Table>
        <Pager before=page.before after=page.after/>
    }
    .into_any()
}

/// The states with their counts, and what a person has to look at.
#[component]
fn States(
    counts: Vec<(crate::domain::refund::RefundStatus, Count)>,
    attention: Count,
) -> impl IntoView {
    let all = counts
        .iter()
        .fold(Count::default(), |sum, (_, count)| sum + *count);
    let states = counts
        .into_iter()
        .map(|(status, count)| {
            view! {
                <Chip
                    name="status"
                    value=status.word()
                    text=words::refund_status(status)
                    tone=status.tone()
                    count
                />
            }
            .into_any()
        })
        .collect_view();
    view! {
        <Chips label=words::STATUS>
            <Chip name="status" value="" text=words::ALL count=all/>
            {states}
            <Chip name="attention" value="1" text=words::NEEDS_PERSON tone=Tone::Alert count=attention/>
        </Chips>
    }
}

#[component]
fn Row(app: String, line: RefundLine) -> impl IntoView {
    let t = use_words();
    let RefundLine { row, created } = line;
    let RefundRow {
        refund,
        biz_order_no,
        title,
    } = row;
    let href = app_path(&app, &format!("refunds/{}", escape(&refund.refund_no)));
    let attention = refund.attention.map(|attention| {
        view! { <Badge tone=Tone::Alert text=words::attention(attention)/> }.into_any()
    });
    view! {
        <tr>
            <td>
                <Number number=refund.refund_no what=words::REFUND_NO href=href of_row=true/>
            </td>
            <td class="mono wrap">{refund.biz_refund_no}</td>
            <td class="mono wrap wide">{biz_order_no}</td>
            <td class="text">{title}</td>
            <td>{t(words::channel(refund.channel))}</td>
            <td class="end"><Money amount=refund.amount/></td>
            <td class="end-narrow">{state_badge(refund.status)} {attention}</td>
            <td><When stamp=created/></td>
        </tr>
    }
}

/// Why there is nothing, and what to do next.
#[component]
fn NoRefunds(app: String) -> impl IntoView {
    let t = use_words();
    let list = expect_context::<ListUrl>();
    let query = list.query.get_untracked();
    if !query.narrows() {
        return view! {
            <Empty title=words::NO_REFUNDS why=words::NO_REFUNDS_WHY>
                <a href=app_path(&app, "orders")>{t(words::TO_ORDERS)}</a>
            </Empty>
        }
        .into_any();
    }
    let all = view! { <a href=list.path.get_untracked()>{t(words::CLEAR_FILTERS)}</a> };
    let only_attention = !query.without(&["attention"]).narrows();
    match only_attention {
        true => view! {
            <Empty title=words::NOTHING_TO_DO why=words::NOTHING_TO_DO_WHY>{all}</Empty>
        }
        .into_any(),
        false => view! {
            <Empty title=words::NOTHING_MATCHES why=words::NO_REFUNDS_MATCH_WHY>{all}</Empty>
        }
        .into_any(),
    }
}
