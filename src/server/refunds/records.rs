//! The console's lists about refunds: the review queue, the callbacks and the syncs.

use crate::domain::callback::{Callback, CallbackRow, Verdict};
use crate::domain::error::Refusal;
use crate::domain::event::Event;
use crate::domain::filter::{CallbackFilter, Count, Page, Place, ReviewQueueFilter, SyncFilter};
use crate::domain::refund::ReviewQueueRow;
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::store;

/// Returns one page of an app's review queue, oldest first: refunds in progress, and those flagged for review.
pub async fn review_queue(
    ctx: &Ctx,
    app_id: &str,
    filter: ReviewQueueFilter,
    place: &Place,
) -> Result<Page<ReviewQueueRow>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::review_queue(&mut conn, app_id, filter, place).await?)
}

/// Counts the refunds of the review queue that match.
pub async fn count_review_queue(
    ctx: &Ctx,
    app_id: &str,
    filter: ReviewQueueFilter,
) -> Result<Count> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::count_review_queue(&mut conn, app_id, filter).await?)
}

/// Returns one page of an app's callbacks, newest first.
pub async fn callbacks(
    ctx: &Ctx,
    app_id: &str,
    filter: &CallbackFilter,
    place: &Place,
) -> Result<Page<CallbackRow>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::callbacks(&mut conn, app_id, filter, place).await?)
}

/// Counts the callbacks of each verdict. Ignores the filter's own verdict.
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

/// Returns a callback.
///
/// # Errors
/// [`Refusal::NoSuchPage`].
pub async fn find_callback(ctx: &Ctx, app_id: &str, callback_no: &str) -> Result<Callback> {
    let mut conn = ctx.db.read().await?;
    let callback = store::callback::get(&mut conn, app_id, callback_no).await?;
    Ok(callback.ok_or(Refusal::NoSuchPage)?)
}

/// Returns the callbacks about a refund, oldest first.
pub async fn callbacks_of(ctx: &Ctx, app_id: &str, refund_no: &str) -> Result<Vec<CallbackRow>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::callback::of_refund(&mut conn, app_id, refund_no).await?)
}

/// Returns one page of the syncs of an app's refunds, newest first.
pub async fn syncs(
    ctx: &Ctx,
    app_id: &str,
    filter: &SyncFilter,
    place: &Place,
) -> Result<Page<Event>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::syncs(&mut conn, app_id, filter, place).await?)
}

/// Counts the syncs that match.
pub async fn count_syncs(ctx: &Ctx, app_id: &str, filter: &SyncFilter) -> Result<Count> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::count_syncs(&mut conn, app_id, filter).await?)
}
