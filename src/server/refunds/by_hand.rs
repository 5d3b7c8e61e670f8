//! What a person decides of a refund: to close it, and that what was raised has been looked at.

use crate::domain::error::Refusal;
use crate::domain::event::{Actor, EventKind};
use crate::domain::limits;
use crate::domain::merchant::MerchantApp;
use crate::domain::money::Fen;
use crate::domain::order::Order;
use crate::domain::refund::{OutcomeKind, Refund, RefundKey, RefundStatus};
use crate::domain::text::sanitized;
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::refunds::apply::run_detached;
use crate::server::refunds::sync::{ask, claim};
use crate::server::refunds::{changed_event, current, event, find, save_version};
use crate::server::{notices, store};

/// Closes a refund that has failed, so that nobody takes it up again; or one in progress that its
/// channel, asked at this moment, does not know: its words are attached, and the amount goes back to
/// the order. Where the channel knows it, the refund is settled by what it says instead.
///
/// # Errors
/// Refuses when it has succeeded or is closed, when something is under way with it, when the channel
/// may have paid it out after all, and when the channel does not answer or is still at it.
pub async fn close(
    ctx: &Ctx,
    merchant: &MerchantApp,
    refund_no: &str,
    actor: Actor,
) -> Result<Refund> {
    let (refund, order) = find(ctx, merchant, &RefundKey::RefundNo(refund_no.to_owned())).await?;
    match refund.status {
        RefundStatus::Fail => close_failed(ctx, refund, actor).await,
        RefundStatus::Progress => {
            let (whole, merchant) = (ctx.clone(), merchant.clone());
            run_detached(ctx, async move {
                close_unknown(&whole, &merchant, order, refund, actor).await
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

async fn close_failed(ctx: &Ctx, refund: Refund, actor: Actor) -> Result<Refund> {
    let now = ctx.clock.now();
    let merchant = ctx.merchants.of(&refund.app_id).await?;
    let closed = ctx
        .db
        .write(move |conn| {
            let (refund, actor, merchant) = (refund.clone(), actor.clone(), merchant.clone());
            Box::pin(async move {
                let current = current(conn, &refund).await?;
                let in_doubt = current.review_reason.is_some() || current.leased_until > now;
                if current.status != RefundStatus::Fail || in_doubt {
                    return Ok(Err(wrong_state(&current)));
                }
                let next = Refund {
                    status: RefundStatus::Close,
                    version: current.version + 1,
                    ..current
                };
                save_version(conn, &next).await?;
                notices::enqueue(conn, &merchant, &next, now).await?;
                let event = changed_event(&next, EventKind::Closed, actor, now, RefundStatus::Fail);
                store::event::insert(conn, &event).await?;
                Ok(Ok(next))
            })
        })
        .await?;
    Ok(closed?)
}

async fn close_unknown(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: Order,
    refund: Refund,
    actor: Actor,
) -> Result<Refund> {
    let refund = claim(ctx, refund).await?.ok_or(Refusal::SyncUnderWay)?;
    let asked = ask(ctx, merchant, &order, refund, actor.clone()).await?;
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
    let said = sanitized(&asked.said, limits::SAID_BYTES);
    let merchant = ctx.merchants.of(&seen.app_id).await?;
    let closed = ctx
        .db
        .write(move |conn| {
            let (seen, actor, said) = (seen.clone(), actor.clone(), said.clone());
            let merchant = merchant.clone();
            Box::pin(async move {
                // What was heard is fresh only as long as nothing has happened since.
                let current = current(conn, &seen).await?;
                if current.version != seen.version || current.leased_until > now {
                    return Ok(Err(Refusal::SyncUnderWay));
                }
                let next = Refund {
                    version: current.version + 1,
                    ..current.closed_as_unknown(now, recheck_ms)
                };
                save_version(conn, &next).await?;
                store::order::move_balance(
                    conn,
                    &next.app_id,
                    &next.order_no,
                    Fen::ZERO - next.amount,
                    Fen::ZERO,
                )
                .await?;
                notices::enqueue(conn, &merchant, &next, now).await?;
                let mut event =
                    changed_event(&next, EventKind::Closed, actor, now, RefundStatus::Progress);
                event.outcome = Some(OutcomeKind::NotFound);
                event.said = Some(said);
                store::event::insert(conn, &event).await?;
                Ok(Ok(next))
            })
        })
        .await?;
    Ok(closed?)
}

/// Takes note that a person has looked at what was raised about a settled refund, with a remark.
/// `seen` is the version that was looked at.
///
/// # Errors
/// Refuses when nothing is raised, when the refund is in progress, where looking decides nothing, and
/// when it has changed since.
pub async fn review(
    ctx: &Ctx,
    merchant: &MerchantApp,
    refund_no: &str,
    seen: i64,
    remark: &str,
    actor: Actor,
) -> Result<Refund> {
    let (refund, _) = find(ctx, merchant, &RefundKey::RefundNo(refund_no.to_owned())).await?;
    let now = ctx.clock.now();
    let remark = sanitized(remark, limits::SAID_BYTES);
    let reviewed = ctx
        .db
        .write(move |conn| {
            let (refund, actor, remark) = (refund.clone(), actor.clone(), remark.clone());
            Box::pin(async move {
                let current = current(conn, &refund).await?;
                let raised = current.review_reason.is_some() && !current.reviewed;
                if !raised || current.holds() || current.version != seen {
                    return Ok(Err(wrong_state(&current)));
                }
                let next = Refund {
                    reviewed: true,
                    version: current.version + 1,
                    ..current
                };
                save_version(conn, &next).await?;
                let mut event = event(&next, EventKind::Reviewed, actor, now);
                event.said = Some(remark).filter(|remark| !remark.is_empty());
                store::event::insert(conn, &event).await?;
                Ok(Ok(next))
            })
        })
        .await?;
    Ok(reviewed?)
}
