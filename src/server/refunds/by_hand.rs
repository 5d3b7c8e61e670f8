//! The decisions of a person about a refund: to close it, and that what it was flagged for has been looked at.

use crate::domain::audit::Origin;
use crate::domain::error::Refusal;
use crate::domain::event::EventKind;
use crate::domain::limits;
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Order;
use crate::domain::refund::{OutcomeKind, Refund, RefundKey, RefundStatus};
use crate::domain::text::sanitized;
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::refunds::apply::{Cause, decide};
use crate::server::refunds::find;
use crate::server::refunds::submit::run_detached;
use crate::server::refunds::sync::{AfterAsking, ask, lease};

/// Closes a refund that has failed, so that nobody submits it again; or one in progress that its
/// channel, asked at this moment, does not know: the channel's words are attached, and the amount goes back to
/// the order. Where the channel knows it, the refund is settled by what it says instead.
///
/// # Errors
/// Refuses when it has succeeded or is closed, when something is under way with it, when the channel
/// may have paid it out after all, and when the channel does not answer or is not done.
pub async fn close(
    ctx: &Ctx,
    merchant: &MerchantApp,
    refund_no: &str,
    actor: impl Into<Origin>,
) -> Result<Refund> {
    let actor = actor.into();
    let (refund, order) = find(ctx, merchant, &RefundKey::RefundNo(refund_no.to_owned())).await?;
    match refund.status {
        RefundStatus::Fail => close_failed(ctx, refund, actor).await,
        RefundStatus::Progress => {
            let (owned, merchant) = (ctx.clone(), merchant.clone());
            run_detached(ctx, async move {
                close_unknown(&owned, &merchant, order, refund, actor).await
            })
            .await
        }
        RefundStatus::Success | RefundStatus::Close => Err(wrong_state(&refund).into()),
    }
}

fn wrong_state(refund: &Refund) -> Refusal {
    Refusal::WrongState {
        status: refund.status.as_str().into(),
    }
}

async fn close_failed(ctx: &Ctx, refund: Refund, actor: Origin) -> Result<Refund> {
    let now = ctx.clock.now();
    let cause = Cause::new(EventKind::Closed, actor, now);
    decide(ctx, &refund, cause, move |current| {
        let in_doubt = current.review_reason.is_some() || current.leased_until > now;
        match current.status {
            RefundStatus::Fail if !in_doubt => Ok(current.closed_after_failure()),
            _ => Err(wrong_state(current)),
        }
    })
    .await
}

async fn close_unknown(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: Order,
    refund: Refund,
    actor: Origin,
) -> Result<Refund> {
    let refund = lease(ctx, &refund).await?.ok_or(Refusal::SyncUnderWay)?;
    let actor_of_close = actor.clone();
    let asked = ask(ctx, merchant, &order, refund, actor, AfterAsking::EndLease).await?;
    let seen = asked.refund;
    if !seen.holds() {
        return Ok(seen);
    }
    if asked.outcome != OutcomeKind::NotFound {
        let outcome = asked.outcome.as_str().into();
        return Err(Refusal::NotClosable { outcome }.into());
    }
    let now = ctx.clock.now();
    let recheck_ms = ctx.config.recheck_after_ms;
    let cause = Cause {
        outcome: Some(OutcomeKind::NotFound),
        said: Some(sanitized(&asked.said, limits::SAID_BYTES)),
        ..Cause::new(EventKind::Closed, actor_of_close, now)
    };
    let version = seen.version;
    decide(ctx, &seen, cause, move |current| {
        // The channel's word is fresh only as long as nothing has happened since.
        match current.version == version && current.leased_until <= now {
            true => Ok(current.closed_as_unknown(now, recheck_ms)),
            false => Err(Refusal::SyncUnderWay),
        }
    })
    .await
}

/// Notes that a person has looked at what a settled refund was flagged for, with a remark.
/// `seen` is the version that was looked at.
///
/// # Errors
/// Refuses when nothing is flagged, when the refund is in progress, where looking decides nothing, and
/// when it has changed since.
pub async fn review(
    ctx: &Ctx,
    merchant: &MerchantApp,
    refund_no: &str,
    seen: i64,
    remark: &str,
    actor: impl Into<Origin>,
) -> Result<Refund> {
    let (refund, _) = find(ctx, merchant, &RefundKey::RefundNo(refund_no.to_owned())).await?;
    let remark = sanitized(remark, limits::SAID_BYTES);
    let cause = Cause {
        said: Some(remark).filter(|remark| !remark.is_empty()),
        ..Cause::new(EventKind::Reviewed, actor, ctx.clock.now())
    };
    decide(ctx, &refund, cause, move |current| {
        let flagged = current.review_reason.is_some() && !current.reviewed;
        match flagged && !current.holds() && current.version == seen {
            true => Ok(current.reviewed()),
            false => Err(wrong_state(current)),
        }
    })
    .await
}
