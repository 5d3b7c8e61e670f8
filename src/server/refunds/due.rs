//! Scheduled sync: asks channels for the refunds that are due. Each account has its own lane, so that a channel that is
//! slow or down does not hold up the others.

use futures::stream::{self, StreamExt};

use crate::domain::error::Refusal;
use crate::domain::event::{Actor, EventKind};
use crate::domain::refund::{Refund, ReviewReason};
use crate::domain::time::Timestamp;
use crate::server::channels::breaker::BreakerState;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::refunds::Cause;
use crate::server::refunds::apply::decide;
use crate::server::refunds::submit::{leased_until, run_detached};
use crate::server::refunds::sync::sync_leased;
use crate::server::store;

/// Returns the accounts that have refunds due, of channels that this server reaches. Includes disabled apps and
/// accounts: their refunds are brought to their end.
pub async fn sync_lanes(ctx: &Ctx) -> Result<Vec<String>> {
    let due = {
        let mut conn = ctx.db.read().await?;
        store::submission::due_lanes(&mut conn, ctx.clock.now()).await?
    };
    let mut lanes = Vec::new();
    for account_id in due {
        match ctx.channels.line(&account_id).await {
            Ok(_) => lanes.push(account_id),
            Err(Error::Refused(_)) => {}
            // An account whose secrets cannot be opened does not stop the others.
            Err(error) => tracing::error!(%error, account_id, "a channel account cannot be used"),
        }
    }
    Ok(lanes)
}

/// Syncs the refunds of an account that are due, several at once as the settings allow, until none is left or the
/// channel does not answer. Returns their number.
pub async fn sync_due(ctx: &Ctx, account_id: &str) -> Result<u64> {
    let mut asked = 0;
    loop {
        // Checked before the breaker, which would otherwise claim a probe with no refund to ask for.
        if !is_due(ctx, account_id).await? {
            return Ok(asked);
        }
        let at_once = match ctx.channels.breakers.state(account_id).await? {
            BreakerState::Closed => ctx.config.syncs_at_once,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => return Ok(asked),
        };
        let claimed = claim_due(ctx, account_id, at_once).await?;
        let count = claimed.len();
        stream::iter(claimed)
            .for_each_concurrent(None, |refund| sync_one(ctx, refund))
            .await;
        asked += count as u64;
        if count < at_once as usize {
            return Ok(asked);
        }
    }
}

async fn is_due(ctx: &Ctx, account_id: &str) -> Result<bool> {
    let mut conn = ctx.db.read().await?;
    Ok(store::submission::is_due(&mut conn, account_id, ctx.clock.now()).await?)
}

async fn claim_due(ctx: &Ctx, account_id: &str, limit: u32) -> Result<Vec<Refund>> {
    let now = ctx.clock.now();
    let until = leased_until(ctx, now);
    let account_id = account_id.to_owned();
    ctx.db
        .write(account_id, move |conn, account_id| {
            Box::pin(async move {
                let limit = limit.into();
                let claimed =
                    store::submission::claim_due(conn, &account_id, now, until, limit).await?;
                Ok(store::refund::by_names(conn, &claimed).await?)
            })
        })
        .await
}

/// Syncs a refund that was claimed. On an error the refund is claimed again once its lease is over.
async fn sync_one(ctx: &Ctx, refund: Refund) {
    let refund_no = refund.refund_no.clone();
    let owned = ctx.clone();
    let synced = run_detached(ctx, async move {
        let merchant = owned.merchants.of(&refund.app_id).await?;
        let line = owned.channels.line(&refund.account_id).await?;
        let order = {
            let mut conn = owned.db.read().await?;
            store::order::get(&mut conn, &refund.app_id, &refund.order_no).await?
        };
        let order = order.ok_or_else(|| Error::internal("a refund's order has vanished"))?;
        let by_itself = Actor::System.into();
        sync_leased(&owned, &merchant, &line, &order, refund, by_itself).await
    });
    if let Err(error) = synced.await {
        tracing::error!(%error, refund_no, "a scheduled sync failed");
    }
}

/// Flags refunds for review that have been in progress for longer than the settings allow. Returns their number.
pub async fn flag_overdue(ctx: &Ctx) -> Result<u64> {
    let before = ctx.clock.now().plus_ms(-ctx.config.overdue_after_ms);
    let mut flagged = 0;
    loop {
        let overdue = {
            let mut conn = ctx.db.read().await?;
            store::refund::overdue(&mut conn, before, FLAGGED_AT_ONCE).await?
        };
        let mut of_batch = 0;
        for refund in overdue {
            let refund_no = refund.refund_no.clone();
            match flag_for_review(ctx, refund, before).await {
                Ok(done) => of_batch += u64::from(done),
                // A refund that cannot be flagged does not stop the others.
                Err(error) => tracing::error!(%error, refund_no, "a refund could not be flagged"),
            }
        }
        flagged += of_batch;
        if of_batch < FLAGGED_AT_ONCE as u64 {
            return Ok(flagged);
        }
    }
}

const FLAGGED_AT_ONCE: i64 = 100;

/// Flags a refund as overdue, if it still is. Returns true where it was flagged.
async fn flag_for_review(ctx: &Ctx, refund: Refund, opened_before: Timestamp) -> Result<bool> {
    let cause = Cause::new(EventKind::Flagged, Actor::System, ctx.clock.now());
    let flagged = decide(ctx, &refund, cause, move |current| {
        let overdue = current.holds() && current.opened_at < opened_before;
        match overdue && current.review_reason.is_none() {
            true => Ok(current.flagged(ReviewReason::Overdue)),
            false => Err(Refusal::WrongState {
                status: current.status.as_str().into(),
            }),
        }
    });
    match flagged.await {
        Ok(_) => Ok(true),
        Err(Error::Refused(_)) => Ok(false),
        Err(error) => Err(error),
    }
}
