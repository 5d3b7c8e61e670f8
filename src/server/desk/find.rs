//! The search box at the top of every page.

use crate::console::paths::{app_path, escape};
use crate::console::view::ApiError;
use crate::console::view::query::Query;
use crate::domain::error::Refusal;
use crate::domain::filter::{OrderFilter, Place, RefundFilter};
use crate::domain::order::OrderKey;
use crate::domain::people::Permission;
use crate::domain::refund::RefundKey;
use crate::server::desk::caller::{Caller, redirect};
use crate::server::error::{Error, Result};
use crate::server::{orders, refunds};

/// Redirects to the order or refund with this number: ours, the merchant's or the channel's. Without an exact match it
/// redirects to the list of orders whose number begins with it, or, where there are none, to that of refunds.
pub async fn find(app_id: &str, typed: &str) -> Result<(), ApiError> {
    let caller = Caller::of(app_id, Permission::View).await?;
    let list = Query::default().with("q", typed.trim());
    let address = match list.text("q").ok().flatten() {
        Some(number) => address(&caller, app_id, &number, &list).await?,
        None => list.href(&app_path(app_id, "orders")),
    };
    redirect(&address);
    Ok(())
}

/// Returns the address to which [`find`] redirects.
async fn address(caller: &Caller, app_id: &str, number: &str, list: &Query) -> Result<String> {
    let Caller { ctx, merchant, .. } = caller;
    for key in [
        OrderKey::OrderNo,
        OrderKey::BizOrderNo,
        OrderKey::OutOrderNo,
    ] {
        if let Some(order) = known(orders::find(ctx, merchant, &key(number.to_owned())).await)? {
            let page = format!("orders/{}", escape(&order.order_no));
            return Ok(app_path(app_id, &page));
        }
    }
    for key in [RefundKey::RefundNo, RefundKey::BizRefundNo] {
        if let Some((refund, _)) =
            known(refunds::find(ctx, merchant, &key(number.to_owned())).await)?
        {
            let page = format!("refunds/{}", escape(&refund.refund_no));
            return Ok(app_path(app_id, &page));
        }
    }
    let of_orders = OrderFilter {
        number: Some(number.to_owned()),
        ..OrderFilter::default()
    };
    let of_refunds = RefundFilter {
        number: Some(number.to_owned()),
        ..RefundFilter::default()
    };
    let orders = orders::list(ctx, app_id, &of_orders, &Place::First).await?;
    let only_refunds = orders.rows.is_empty()
        && !refunds::list(ctx, app_id, &of_refunds, &Place::First)
            .await?
            .rows
            .is_empty();
    let page = if only_refunds { "refunds" } else { "orders" };
    Ok(list.href(&app_path(app_id, page)))
}

/// Turns the refusals "not found" and "several match" into `None`.
fn known<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::Refused(
            Refusal::NoSuchOrder | Refusal::NoSuchRefund | Refusal::Field { .. },
        )) => Ok(None),
        Err(error) => Err(error),
    }
}
