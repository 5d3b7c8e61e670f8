//! Asking channels without anyone's help: refunds whose time has come, a lane an app and channel, so
//! that one that is slow or down holds up no other.

use futures::stream::{self, StreamExt};

use crate::domain::error::Refusal;
use crate::domain::event::{Actor, EventKind};
use crate::domain::merchant::MerchantApp;
use crate::domain::refund::{Refund, ReviewReason};
use crate::domain::time::Timestamp;
use crate::server::channels::breaker::{BreakerState, ChannelKey};
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::refunds::apply::{Cause, decide};
use crate::server::refunds::submit::{leased_until, run_detached};
use crate::server::refunds::sync::sync_leased;
use crate::server::store;

/// The lanes that have refunds to be asked for now, of channels that this server reaches. An app that
/// is no longer enabled keeps its lanes: what was begun for it is brought to its end.
pub async fn sync_lanes(ctx: &Ctx) -> Result<Vec<ChannelKey>> {
    let mut conn = ctx.db.read().await?;
    let mut lanes = store::submission::due_lanes(&mut conn, ctx.clock.now()).await?;
    lanes.retain(|(_, channel)| ctx.channels.policy(*channel).is_ok());
    Ok(lanes)
}

/// Asks for the refunds of a lane whose time has come, so many at once as the settings say, until no
/// more is due or the channel does not answer. Returns how many.
pub async fn sync_due(ctx: &Ctx, lane: &ChannelKey) -> Result<u64> {
    let merchant = ctx.merchants.of(&lane.0).await?;
    let mut asked = 0;
    loop {
        // Asked before the breaker, which would claim a probe with nothing to probe with.
        if !is_due(ctx, lane).await? {
            return Ok(asked);
        }
        let at_once = match ctx.channels.breakers.state(lane).await? {
            BreakerState::Closed => ctx.config.syncs_at_once,
            BreakerState::HalfOpen => 1,
            BreakerState::Open => return Ok(asked),
        };
        let claimed = claim_due(ctx, lane, at_once).await?;
        let count = claimed.len();
        stream::iter(claimed)
            .for_each_concurrent(None, |refund| sync_one(ctx, &merchant, refund))
            .await;
        asked += count as u64;
        if count < at_once as usize {
            return Ok(asked);
        }
    }
}

async fn is_due(ctx: &Ctx, lane: &ChannelKey) -> Result<bool> {
    let mut conn = ctx.db.read().await?;
    Ok(store::submission::is_due(&mut conn, &lane.0, lane.1, ctx.clock.now()).await?)
}

async fn claim_due(ctx: &Ctx, lane: &ChannelKey, limit: u32) -> Result<Vec<Refund>> {
    let now = ctx.clock.now();
    let until = leased_until(ctx, now);
    let (app_id, channel) = lane.clone();
    ctx.db
        .write(move |conn| {
            let app_id = app_id.clone();
            Box::pin(async move {
                let limit = limit.into();
                let claimed =
                    store::submission::claim_due(conn, &app_id, channel, now, until, limit).await?;
                Ok(store::refund::by_numbers(conn, &app_id, &claimed).await?)
            })
        })
        .await
}

/// What cannot be asked for now is claimed again when its lease is over.
async fn sync_one(ctx: &Ctx, merchant: &MerchantApp, refund: Refund) {
    let refund_no = refund.refund_no.clone();
    let (owned, merchant) = (ctx.clone(), merchant.clone());
    let synced = run_detached(ctx, async move {
        let order = {
            let mut conn = owned.db.read().await?;
            store::order::get(&mut conn, &refund.app_id, &refund.order_no).await?
        };
        let order = order.ok_or_else(|| Error::internal("a refund's order has vanished"))?;
        sync_leased(&owned, &merchant, &order, refund, Actor::System.into()).await
    });
    if let Err(error) = synced.await {
        tracing::error!(%error, refund_no, "a scheduled sync failed");
    }
}

/// Flags refunds for a person that have been in progress for longer than the settings say. Returns
/// their number.
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
                // One that cannot be flagged does not keep the others from it.
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

/// Flags a refund as overdue, if it still is.
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
