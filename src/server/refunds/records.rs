//! What the console lists of refunds besides themselves: those without an outcome, what channels
//! called back with, and what they said when they were asked.

use crate::domain::callback::{Callback, CallbackRow, Verdict};
use crate::domain::error::Refusal;
use crate::domain::event::Event;
use crate::domain::filter::{CallbackFilter, Count, Page, Place, ReviewQueueFilter, SyncFilter};
use crate::domain::refund::ReviewQueueRow;
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::store;

/// One page of an app's refunds that are in progress, or that a person has to look at, oldest first.
pub async fn review_queue(
    ctx: &Ctx,
    app_id: &str,
    filter: ReviewQueueFilter,
    place: &Place,
) -> Result<Page<ReviewQueueRow>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::review_queue(&mut conn, app_id, filter, place).await?)
}

/// How many these are.
pub async fn count_review_queue(
    ctx: &Ctx,
    app_id: &str,
    filter: ReviewQueueFilter,
) -> Result<Count> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::count_review_queue(&mut conn, app_id, filter).await?)
}

/// One page of an app's callbacks, newest first.
pub async fn callbacks(
    ctx: &Ctx,
    app_id: &str,
    filter: &CallbackFilter,
    place: &Place,
) -> Result<Page<CallbackRow>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::callbacks(&mut conn, app_id, filter, place).await?)
}

/// How many callbacks there are of each verdict, the filter's own verdict left aside.
pub async fn count_callbacks(
    ctx: &Ctx,
    app_id: &str,
    filter: &CallbackFilter,
) -> Result<Vec<(Verdict, Count)>> {
    let mut conn = ctx.db.read().await?;
    let mut counts = Vec::new();
    for &verdict in Verdict::ALL {
        let filter = CallbackFilter {
            verdict: Some(verdict),
            ..filter.clone()
        };
        let count = store::list::count_callbacks(&mut conn, app_id, &filter).await?;
        counts.push((verdict, count));
    }
    Ok(counts)
}

/// A callback.
///
/// # Errors
/// [`Refusal::NoSuchPage`].
pub async fn find_callback(ctx: &Ctx, app_id: &str, callback_no: &str) -> Result<Callback> {
    let mut conn = ctx.db.read().await?;
    let callback = store::callback::get(&mut conn, app_id, callback_no).await?;
    Ok(callback.ok_or(Refusal::NoSuchPage)?)
}

/// The callbacks about a refund, oldest first.
pub async fn callbacks_of(ctx: &Ctx, app_id: &str, refund_no: &str) -> Result<Vec<CallbackRow>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::callback::of_refund(&mut conn, app_id, refund_no).await?)
}

/// One page of the syncs of an app's refunds, newest first.
pub async fn syncs(
    ctx: &Ctx,
    app_id: &str,
    filter: &SyncFilter,
    place: &Place,
) -> Result<Page<Event>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::syncs(&mut conn, app_id, filter, place).await?)
}

/// How many syncs match.
pub async fn count_syncs(ctx: &Ctx, app_id: &str, filter: &SyncFilter) -> Result<Count> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::count_syncs(&mut conn, app_id, filter).await?)
}
