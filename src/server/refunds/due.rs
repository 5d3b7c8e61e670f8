//! Asking channels without anyone's help: refunds whose time has come, a lane an app and channel, so
//! that one that is slow or down holds up no other.

use futures::stream::{self, StreamExt};

use crate::domain::event::{Actor, EventKind};
use crate::domain::merchant::MerchantApp;
use crate::domain::refund::{Refund, ReviewReason};
use crate::server::channels::breaker;
use crate::server::channels::breaker::{BreakerState, Lane};
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::refunds::apply::run_detached;
use crate::server::refunds::sync::sync_claimed;
use crate::server::refunds::{apply, current, event, save_version};
use crate::server::store;

/// The lanes that have refunds to be asked for now, of channels that this server reaches. An app that
/// is no longer enabled keeps its lanes: what was begun for it is brought to its end.
pub async fn sync_lanes(ctx: &Ctx) -> Result<Vec<Lane>> {
    let mut conn = ctx.db.read().await?;
    let mut lanes = store::refund::due_lanes(&mut conn, ctx.clock.now()).await?;
    lanes.retain(|(_, channel)| ctx.channels.adapter(*channel).is_ok());
    Ok(lanes)
}

/// Asks for the refunds of a lane whose time has come, so many at once as the settings say, until no
/// more is due or the channel does not answer. Returns how many.
pub async fn sync_due(ctx: &Ctx, lane: &Lane) -> Result<u64> {
    let merchant = ctx.merchant_app_of(&lane.0).await?;
    let mut asked = 0;
    loop {
        let at_once = match breaker::passage(ctx, lane).await? {
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

async fn claim_due(ctx: &Ctx, lane: &Lane, limit: u32) -> Result<Vec<Refund>> {
    let now = ctx.clock.now();
    let due = {
        let mut conn = ctx.db.read().await?;
        store::refund::is_due(&mut conn, &lane.0, lane.1, now).await?
    };
    if !due {
        return Ok(Vec::new());
    }
    let until = apply::leased_until(ctx, now);
    let (app_id, channel) = lane.clone();
    ctx.db
        .write(move |conn| {
            let app_id = app_id.clone();
            Box::pin(async move {
                Ok(
                    store::refund::claim_due(conn, &app_id, channel, now, until, limit.into())
                        .await?,
                )
            })
        })
        .await
}

/// What cannot be asked for now is claimed again when its lease is over.
async fn sync_one(ctx: &Ctx, merchant: &MerchantApp, refund: Refund) {
    let refund_no = refund.refund_no.clone();
    let (whole, merchant) = (ctx.clone(), merchant.clone());
    let synced = run_detached(ctx, async move {
        let order = {
            let mut conn = whole.db.read().await?;
            store::order::get(&mut conn, &refund.app_id, &refund.order_no).await?
        };
        let order = order.ok_or_else(|| Error::internal("a refund's order has vanished"))?;
        sync_claimed(&whole, &merchant, order, refund, Actor::System).await
    });
    if let Err(error) = synced.await {
        tracing::error!(%error, refund_no, "a scheduled sync failed");
    }
}

/// Raises refunds to a person that have been in progress for longer than the settings say. Returns
/// how many.
pub async fn flag_overdue(ctx: &Ctx) -> Result<u64> {
    let before = ctx.clock.now().plus_ms(-ctx.config.overdue_after_ms);
    let mut raised = 0;
    loop {
        let overdue = {
            let mut conn = ctx.db.read().await?;
            store::refund::overdue(&mut conn, before, FLAGGED_AT_ONCE).await?
        };
        let count = overdue.len() as i64;
        for refund in overdue {
            raised += u64::from(flag_for_review(ctx, refund).await?);
        }
        if count < FLAGGED_AT_ONCE {
            return Ok(raised);
        }
    }
}

const FLAGGED_AT_ONCE: i64 = 100;

/// Raises a refund, if it is still as it was read.
async fn flag_for_review(ctx: &Ctx, refund: Refund) -> Result<bool> {
    let now = ctx.clock.now();
    ctx.db
        .write(move |conn| {
            let refund = refund.clone();
            Box::pin(async move {
                let current = current(conn, &refund).await?;
                if !current.holds() || current.review_reason.is_some() {
                    return Ok(false);
                }
                let next = Refund {
                    review_reason: Some(ReviewReason::Overdue),
                    reviewed: false,
                    version: current.version + 1,
                    ..current
                };
                save_version(conn, &next).await?;
                let event = event(&next, EventKind::Raised, Actor::System, now);
                store::event::insert(conn, &event).await?;
                Ok(true)
            })
        })
        .await
}
