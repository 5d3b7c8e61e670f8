//! The use-cases of refunds, with their transactions.
//!
//! A refund is stored before its channel is called: one short transaction holds the amount and stores the refund
//! ([`issue`]), the channel is called with no transaction open, and `settle` applies the answer. A crash or a lost
//! answer between any two steps leaves a refund in progress, which a [`callback`] or a [`sync`] settles.

mod apply;
mod by_hand;
mod callback;
mod cause;
mod due;
mod issue;
pub mod records;
mod submit;
mod sync;

use crate::domain::error::Refusal;
use crate::domain::event::{Event, Subject};
use crate::domain::filter::{Count, Page, Place, RefundFilter};
use crate::domain::merchant::MerchantApp;
use crate::domain::movement::{Amounts, Movement};
use crate::domain::order::Order;
use crate::domain::refund::{Refund, RefundKey, RefundRow, RefundStatus};
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::{Error, Result};
use crate::server::store;

pub use by_hand::{BookingRequest, book, close, preview, review};
pub use callback::callback;
pub use cause::Cause;
pub use due::{flag_overdue, sync_due, sync_lanes};
pub use issue::{OnRepeat, issue, may_refund, retry};
pub use sync::{RefundSync, sync};

/// Returns a refund and its order.
///
/// # Errors
/// [`Refusal::NoSuchRefund`].
pub async fn find(ctx: &Ctx, merchant: &MerchantApp, key: &RefundKey) -> Result<(Refund, Order)> {
    let mut conn = ctx.db.read().await?;
    let refund = store::refund::by_key(&mut conn, &merchant.app_id, key).await?;
    let refund = refund.ok_or(Refusal::NoSuchRefund)?;
    let order = store::order::get(&mut conn, &refund.app_id, &refund.order_no).await?;
    Ok((refund, order.ok_or(Refusal::NoSuchOrder)?))
}

async fn by_key(ctx: &Ctx, merchant: &MerchantApp, key: &RefundKey) -> Result<Option<Refund>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::refund::by_key(&mut conn, &merchant.app_id, key).await?)
}

/// Returns the refunds of an order, oldest first.
pub async fn of_order(ctx: &Ctx, app_id: &str, order_no: &str) -> Result<Vec<Refund>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::refund::of_order(&mut conn, app_id, order_no).await?)
}

/// Returns a refund's part of its order's balance.
pub async fn booked(ctx: &Ctx, refund: &Refund) -> Result<Amounts> {
    let mut conn = ctx.db.read().await?;
    Ok(store::movement::sum_of_refund(&mut conn, refund).await?)
}

/// Returns the movements of an order, newest first, at most [`MOVEMENTS_SHOWN`].
pub async fn movements(ctx: &Ctx, app_id: &str, order_no: &str) -> Result<Vec<Movement>> {
    let mut conn = ctx.db.read().await?;
    let mut movements =
        store::movement::of_order(&mut conn, app_id, order_no, MOVEMENTS_SHOWN).await?;
    movements.sort_by(|a, b| (b.at, &b.refund_no, b.seq).cmp(&(a.at, &a.refund_no, a.seq)));
    Ok(movements)
}

/// Maximum number of movements shown of an order. Real orders have far fewer.
const MOVEMENTS_SHOWN: i64 = 500;

/// Returns the events of a refund, newest first.
pub async fn timeline(ctx: &Ctx, app_id: &str, refund_no: &str) -> Result<Vec<Event>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::event::timeline(&mut conn, app_id, Subject::Refund, refund_no).await?)
}

/// Returns one page of an app's refunds.
pub async fn list(
    ctx: &Ctx,
    app_id: &str,
    filter: &RefundFilter,
    place: &Place,
) -> Result<Page<RefundRow>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::refunds(&mut conn, app_id, filter, place).await?)
}

/// Counts the refunds of each status. Ignores the filter's own status.
pub async fn counts(
    ctx: &Ctx,
    app_id: &str,
    filter: &RefundFilter,
) -> Result<Vec<(RefundStatus, Count)>> {
    let mut conn = ctx.db.read().await?;
    let mut counts = Vec::new();
    for &status in RefundStatus::ALL {
        let filter = RefundFilter {
            status: Some(status),
            ..filter.clone()
        };
        counts.push((
            status,
            store::list::count_refunds(&mut conn, app_id, &filter).await?,
        ));
    }
    Ok(counts)
}

/// Returns the refund as it is now, within a transaction that is about to change it.
async fn reload(conn: &mut Conn, refund: &Refund) -> Result<Refund> {
    let found = store::refund::locked(conn, &refund.app_id, &refund.refund_no).await?;
    found.ok_or_else(|| Error::internal(format!("refund {} has vanished", refund.refund_no)))
}
