//! The decisions of a person about a refund: to close it, to book what became of its money, and that what it was
//! flagged for has been looked at.

use crate::domain::audit::Origin;
use crate::domain::error::{Reason, Refusal};
use crate::domain::event::{EventKind, Subject, last_word};
use crate::domain::limits;
use crate::domain::merchant::MerchantApp;
use crate::domain::money::Fen;
use crate::domain::movement::Amounts;
use crate::domain::order::Order;
use crate::domain::refund::{Booking, OutcomeKind, Refund, RefundKey, RefundStatus, Settlement};
use crate::domain::text::sanitized;
use crate::domain::time::Timestamp;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::Result;
use crate::server::refunds::Cause;
use crate::server::refunds::apply::{apply, decide, refundable};
use crate::server::refunds::submit::run_detached;
use crate::server::refunds::sync::{AfterAsking, ask, lease};
use crate::server::refunds::{find, reload};
use crate::server::store;

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
            let owned = ctx.clone();
            run_detached(ctx, async move {
                close_unknown(&owned, order, refund, actor).await
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
        let in_doubt = current.review_reason.is_some() || current.leased_until() > now;
        match current.status {
            RefundStatus::Fail if !in_doubt => Ok(current.closed_after_failure()),
            _ => Err(wrong_state(current)),
        }
    })
    .await
}

async fn close_unknown(ctx: &Ctx, order: Order, refund: Refund, actor: Origin) -> Result<Refund> {
    let line = ctx.channels.line(&refund.account_id).await?;
    let refund = lease(ctx, &refund).await?.ok_or(Refusal::SyncUnderWay)?;
    let submissions = refund.submissions.count();
    let actor_of_close = actor.clone();
    let asked = ask(ctx, &line, &order, refund, actor, AfterAsking::EndLease).await?;
    let seen = asked.refund;
    if !seen.holds() {
        return Ok(seen);
    }
    // The channel's word is not about what somebody has submitted since it was asked.
    if seen.submissions.count() != submissions {
        return Err(Refusal::SyncUnderWay.into());
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
        match current.version == version && current.leased_until() <= now {
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

/// A booking as an operator decided on it: what was shown, and what is to be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingRequest {
    pub booking: Booking,
    /// The version of the refund that was shown.
    pub version: i64,
    /// Refundable amount of the order, as it was shown.
    pub refundable: Fen,
    /// Source of the operator's knowledge, for example a bank's statement.
    pub remark: String,
}

/// Books what became of a refund's money, by the judgement of a person. Moves no money: the channel is neither told
/// nor asked.
///
/// # Errors
/// Refuses when the refund or the order's balance has changed since it was shown, which a second press meets too,
/// when the refund is not flagged for what is to be booked or the channel's last word is another, and when something
/// is under way with it.
pub async fn book(
    ctx: &Ctx,
    merchant: &MerchantApp,
    refund_no: &str,
    request: BookingRequest,
    actor: impl Into<Origin>,
) -> Result<Refund> {
    let (refund, _) = find(ctx, merchant, &RefundKey::RefundNo(refund_no.to_owned())).await?;
    let now = ctx.clock.now();
    let recheck_ms = ctx.config.recheck_after_ms;
    let cause = Cause {
        said: Some(sanitized(&request.remark, limits::SAID_BYTES)),
        ..Cause::new(EventKind::Booked, actor, now)
    };
    let merchant = merchant.clone();
    let booked = ctx
        .db
        .write(
            (refund, merchant, request, cause),
            move |conn, (refund, merchant, request, cause)| {
                Box::pin(async move {
                    let current = reload(conn, &refund).await?;
                    match booking(conn, &current, &request, now, recheck_ms).await? {
                        Err(refusal) => Ok(Err(refusal)),
                        Ok(settlement) => {
                            apply(conn, &merchant, &current, settlement, &cause, None)
                                .await
                                .map(Ok)
                        }
                    }
                })
            },
        )
        .await?;
    Ok(booked?)
}

/// Returns the transition of a booking, or the refusal of a refund or an order that is not as it was shown.
async fn booking(
    conn: &mut Conn,
    current: &Refund,
    request: &BookingRequest,
    now: Timestamp,
    recheck_ms: i64,
) -> Result<Result<Settlement, Refusal>> {
    if current.version != request.version || current.bookable() != Some(request.booking) {
        return Ok(Err(wrong_state(current)));
    }
    if current.leased_until() > now {
        return Ok(Err(Refusal::SyncUnderWay));
    }
    let (app_id, refund_no) = (&current.app_id, &current.refund_no);
    let events = store::event::timeline(conn, app_id, Subject::Refund, refund_no).await?;
    if !request.booking.agrees_with(last_word(&events)) {
        return Ok(Err(Refusal::NotBookable));
    }
    let left = refundable(conn, current).await?;
    if left != request.refundable {
        let reason = Reason::BalanceChanged { left };
        return Ok(Err(Refusal::field("refundable", reason)));
    }
    let booked = store::movement::sum_of_refund(conn, current).await?;
    Ok(Ok(match request.booking {
        Booking::Overpaid => current.booked_as_overpaid(left, now, recheck_ms),
        Booking::Returned => current.booked_as_returned(booked, now),
    }))
}

/// Returns what a person can book of a refund, and what it would change of the order's balance. `left` is what the
/// order has refundable, `booked` the part that the refund has of the balance.
pub fn preview(refund: &Refund, left: Fen, booked: Amounts) -> Option<(Booking, Amounts)> {
    let at = Timestamp::default();
    let booking = refund.bookable()?;
    let settlement = match booking {
        Booking::Overpaid => refund.booked_as_overpaid(left, at, 0),
        Booking::Returned => refund.booked_as_returned(booked, at),
    };
    Some((booking, settlement.change()))
}
