//! Makes the data of the pages of orders, and runs their actions.

use crate::console::paths::{app_path, escape};
use crate::console::texts;
use crate::console::view::query::{Query, read_amount};
use crate::console::view::refund_form::Typed;
use crate::console::view::{
    ApiError, Cell, ListView, MovementOfOrder, OrderView, RefundOfOrder, refund_form,
};
use crate::domain::error::{Reason, Refusal};
use crate::domain::filter::OrderFilter;
use crate::domain::order::{Channel, Order, OrderKey, OrderStatus, RefundSide};
use crate::domain::people::Permission;
use crate::domain::refund::{NewRefund, Refund, RefundKey};
use crate::domain::time::Timestamp;
use crate::server::desk::accounts::Accounts;
use crate::server::desk::caller::{Caller, redirect};
use crate::server::desk::{lists, times};
use crate::server::error::Error;
use crate::server::refunds::OnRepeat;
use crate::server::{orders, refunds};
use crate::wire::field::fits_a_number;

/// Makes one page of an app's orders. The cells stand in the order of the page's columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, ApiError> {
    let filter = filter(caller, query)?;
    let app_id = &caller.merchant.app_id;
    let page = orders::list(&caller.ctx, app_id, &filter, &query.place()?).await?;
    let accounts = Accounts::read(caller).await?;
    let row = |order: Order| {
        let refundable = order.refundable();
        let side = order.refund_side();
        let href = app_path(app_id, &format!("orders/{}", escape(&order.order_no)));
        let number = order.order_no;
        vec![
            Cell::Number { number, href },
            Cell::Code(order.biz_order_no),
            Cell::Long(order.title),
            accounts.cell(caller, order.channel, &order.account_id),
            Cell::Money(order.amount),
            Cell::Money(refundable),
            caller.states([&order.status]),
            caller.states([&side]),
            Cell::Time(caller.stamp(order.created_at)),
        ]
    };
    Ok(lists::view(caller, page, row, Vec::new()))
}

/// Reads the filter of the list.
fn filter(caller: &Caller, query: &Query) -> Result<OrderFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(OrderFilter {
        number: query.text("q")?,
        title: query.text("title")?,
        channel: query.word("channel", Channel::ALL)?,
        status: query.word("status", OrderStatus::ALL)?,
        refund_side: query.word("refund", RefundSide::ALL)?,
        amount_min: query.amount("min")?,
        amount_max: query.amount("max")?,
        from,
        to,
        sort: query.sort()?,
    })
}

/// Makes the data of an order's page.
pub async fn load(app_id: &str, order_no: &str) -> Result<OrderView, ApiError> {
    let caller = Caller::of(app_id, Permission::View).await?;
    let key = OrderKey::OrderNo(order_no.to_owned());
    let order = orders::find(&caller.ctx, &caller.merchant, &key).await?;
    let refunds = refunds::of_order(&caller.ctx, app_id, order_no).await?;
    let movements = refunds::movements(&caller.ctx, app_id, order_no).await?;
    let timeline = orders::timeline(&caller.ctx, app_id, order_no).await?;
    let obstacle = match refunds::may_refund(&caller.ctx, &caller.merchant, &order).await {
        Ok(()) => None,
        Err(Error::Refused(refusal)) => Some(texts::sentence(refusal.text(caller.lang))),
        Err(error) => return Err(error.into()),
    };
    let accounts = Accounts::read(&caller).await?;
    Ok(OrderView {
        test_mode: accounts.is_test(&order.account_id),
        paid: order.pay_time.map(|at| caller.stamp(at)),
        recorded: caller.stamp(order.recorded_at),
        zone: caller.zone_name(),
        biz_refund_no: new_biz_refund_no(order_no),
        refunds: refunds
            .into_iter()
            .rev()
            .map(|refund| RefundOfOrder {
                created: caller.stamp(refund.created_at),
                refund,
            })
            .collect(),
        movements: movements
            .into_iter()
            .map(|movement| MovementOfOrder {
                at: caller.stamp(movement.at),
                movement,
            })
            .collect(),
        timeline: caller.entries(timeline),
        may_move_money: caller.may(Permission::MoveMoney),
        obstacle,
        order,
    })
}

/// Returns the merchant's refund number that an order's form sends. Sending one form several times makes one refund.
/// Another page's form has another number, and is refused where the balance has changed since. The number is random
/// instead of counted, so that reading a page writes nothing.
fn new_biz_refund_no(order_no: &str) -> String {
    let order_no: String = order_no.chars().take(ORDER_NO_CHARS).collect();
    format!("{order_no}R{:08X}", rand::random::<u32>())
}

/// Maximum number of characters of the order's number that go into the refund's.
const ORDER_NO_CHARS: usize = 80;

/// Asks the channel for an order's true state, and redirects to the order.
pub async fn sync(app_id: &str, order_no: &str) -> Result<(), ApiError> {
    let caller = Caller::of(app_id, Permission::MoveMoney).await?;
    let key = OrderKey::OrderNo(order_no.to_owned());
    orders::sync(&caller.ctx, &caller.merchant, &key, caller.actor()).await?;
    let page = app_path(app_id, &format!("orders/{}", escape(order_no)));
    redirect(&format!("{page}?did=sync"));
    Ok(())
}

/// Issues a refund of an order from the typed values, and redirects to it. A repeated number redirects to the refund
/// that has it and submits nothing, not even where that refund has failed: a retry is an action of its own.
pub async fn refund(app_id: &str, order_no: &str, typed: Typed) -> Result<(), ApiError> {
    let caller = Caller::of(app_id, Permission::MoveMoney).await?;
    let number = typed.biz_refund_no.trim().to_owned();
    let key = RefundKey::BizRefundNo(number);
    let refund = match refunds::find(&caller.ctx, &caller.merchant, &key).await {
        Ok((known, _)) => same(known, order_no, &typed)?,
        Err(Error::Refused(Refusal::NoSuchRefund)) => issue(&caller, order_no, &typed).await?,
        Err(error) => return Err(error.into()),
    };
    redirect(&app_path(
        app_id,
        &format!("refunds/{}", escape(&refund.refund_no)),
    ));
    Ok(())
}

/// Returns the refund that has the number already, if order and amount are the same.
fn same(known: Refund, order_no: &str, typed: &Typed) -> Result<Refund, Refusal> {
    let amount = read_amount(refund_form::AMOUNT, &typed.amount)?;
    if known.order_no == order_no && known.amount == amount {
        Ok(known)
    } else {
        Err(Refusal::field(refund_form::BIZ_REFUND_NO, Reason::Taken))
    }
}

/// Checks the typed values and issues the refund.
async fn issue(caller: &Caller, order_no: &str, typed: &Typed) -> Result<Refund, ApiError> {
    let key = OrderKey::OrderNo(order_no.to_owned());
    let order = orders::find(&caller.ctx, &caller.merchant, &key).await?;
    refunds::may_refund(&caller.ctx, &caller.merchant, &order).await?;
    let first = |wrong: Vec<Refusal>| wrong.into_iter().next().expect("something is wrong");
    let intent = typed.check(&order).map_err(first)?;
    if !intent.biz_refund_no.chars().all(fits_a_number) {
        let (field, reason) = (refund_form::BIZ_REFUND_NO, Reason::BadCharacter);
        return Err(Refusal::field(field, reason).into());
    }
    let new = NewRefund {
        order: key,
        biz_refund_no: intent.biz_refund_no,
        amount: intent.amount,
        reason: intent.reason,
        attach: None,
        notify_url: None,
        not_notify: false,
        request: None,
        client_ip: Some(caller.address.0.to_string()),
        edition: caller.merchant.edition,
        expected_refundable: Some(intent.expected),
    };
    // The number may have been used just now, by a second press: that one sends nothing.
    let (ctx, merchant) = (&caller.ctx, &caller.merchant);
    let issued = refunds::issue(ctx, merchant, new, OnRepeat::Report, caller.actor()).await?;
    Ok(same(issued, order_no, typed)?)
}

/// Reads the time range of a list: from the beginning of `from` to the end of `to`.
pub fn range(
    caller: &Caller,
    query: &Query,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
    let not_a_time = |name: &'static str| move || Refusal::field(name, Reason::NotATime);
    let from = query
        .local_time("from")?
        .map(|typed| times::begin(typed, caller.zone()).ok_or_else(not_a_time("from")))
        .transpose()?;
    let to = query
        .local_time("to")?
        .map(|typed| times::end(typed, caller.zone()).ok_or_else(not_a_time("to")))
        .transpose()?;
    Ok((from, to))
}
