//! Asking for a refund: the amount is held and the intent written down before the channel is told.
//! Also what else starts a submission: repeats and retries.

use crate::domain::error::{Reason, Refusal};
use crate::domain::event::{Actor, EventKind};
use crate::domain::merchant::{Edition, MerchantApp};
use crate::domain::money::Fen;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::refund::{NewRefund, Refund, RefundKey, RefundStatus};
use crate::domain::time::DAY_MS;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::{Conflict, Result};
use crate::server::numbers::Kind;
use crate::server::refunds::apply::{leased_until, run_detached, submit};
use crate::server::refunds::{
    by_key, changed_event, current, event, find, refundable, save_version,
};
use crate::server::{orders, store};

/// Issues a refund, or tells how the one with the same merchant's number stands.
///
/// Goes on to its end even if the caller goes away.
///
/// # Errors
/// Refuses what the order's state, window or balance do not allow; the message names the field.
#[tracing::instrument(level = "debug", skip_all, fields(app = merchant.app_id))]
pub async fn issue(
    ctx: &Ctx,
    merchant: &MerchantApp,
    new: NewRefund,
    actor: Actor,
) -> Result<Refund> {
    let (whole, merchant) = (ctx.clone(), merchant.clone());
    run_detached(
        ctx,
        async move { issue_it(&whole, &merchant, new, actor).await },
    )
    .await
}

async fn issue_it(
    ctx: &Ctx,
    merchant: &MerchantApp,
    new: NewRefund,
    actor: Actor,
) -> Result<Refund> {
    let key = RefundKey::of_merchant(&new.biz_refund_no, new.edition);
    if let Some(known) = by_key(ctx, merchant, &key).await? {
        return repeat(ctx, merchant, known, new, actor).await;
    }
    let order = orders::find(ctx, merchant, &new.order).await?;
    check_refundable(ctx, merchant, &order, &new)?;
    match reserve(ctx, &order, new.clone(), actor.clone()).await? {
        Reservation::New(refund) => submit(ctx, merchant, order, *refund).await,
        Reservation::Known(refund) => repeat(ctx, merchant, *refund, new, actor).await,
        Reservation::Refused(refusal) => Err(refusal.into()),
    }
}

/// What can be refused by looking. The balance is looked at again when the amount is held.
fn check_refundable(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: &Order,
    new: &NewRefund,
) -> Result<()> {
    may_refund(ctx, merchant, order)?;
    if new.amount < Fen(1) || new.amount > Fen::MAX {
        return Err(Refusal::field(
            "amount",
            Reason::OutOfRange {
                min: Fen(1),
                max: Fen::MAX,
            },
        )
        .into());
    }
    if order.channel.needs_client_ip() && new.client_ip.is_none() {
        return Err(Refusal::field("clientIp", Reason::Missing).into());
    }
    Ok(())
}

/// Whether an order may be refunded at all at this moment, whatever the amount.
///
/// # Errors
/// Refuses an order whose channel is not enabled, that is not paid, or whose window is over.
pub fn may_refund(ctx: &Ctx, merchant: &MerchantApp, order: &Order) -> Result<()> {
    let settings = merchant
        .channel(order.channel)
        .filter(|settings| settings.enabled);
    let settings = settings.ok_or(Refusal::ChannelNotEnabled {
        channel: order.channel.as_str().into(),
    })?;
    ctx.channels.adapter(order.channel)?;
    if order.status != OrderStatus::Success {
        return Err(Refusal::OrderNotPaid.into());
    }
    let paid_at = order.pay_time.unwrap_or(order.created_at);
    if ctx.clock.now() > paid_at.plus_ms(settings.refund_window_days.saturating_mul(DAY_MS)) {
        return Err(Refusal::RefundWindowOver {
            days: settings.refund_window_days,
        }
        .into());
    }
    Ok(())
}

/// The outcome of asking for an amount to be held.
pub(super) enum Reservation {
    New(Box<Refund>),
    /// Somebody was faster with the same merchant's number.
    Known(Box<Refund>),
    Refused(Refusal),
}

/// Holds the amount and writes the intent down, in one transaction.
pub(super) async fn reserve(
    ctx: &Ctx,
    order: &Order,
    new: NewRefund,
    actor: Actor,
) -> Result<Reservation> {
    let now = ctx.clock.now();
    let refund_no = ctx.numbers.make(Kind::Refund, now).await?;
    let mut refund = Refund {
        app_id: order.app_id.clone(),
        channel_no: refund_no.clone(),
        refund_no,
        biz_refund_no: new.biz_refund_no,
        out_refund_no: None,
        order_no: order.order_no.clone(),
        channel: order.channel,
        amount: new.amount,
        reason: new.reason,
        attach: new.attach,
        notify_url: new.notify_url,
        client_ip: new.client_ip,
        edition: new.edition,
        status: RefundStatus::Progress,
        attempt: 1,
        unresolved_submissions: 1,
        acknowledged: false,
        review_reason: None,
        reviewed: false,
        error_code: None,
        error_msg: None,
        created_at: now,
        opened_at: now,
        submitted_at: now,
        finished_at: None,
        next_sync_at: None,
        leased_until: leased_until(ctx, now),
        version: 1,
    };
    refund.next_sync_at = Some(refund.next_poll_at(now));
    let event = event(&refund, EventKind::Requested, actor, now);
    let expected = new.expected_refundable;
    ctx.db
        .write(move |conn| {
            let (refund, event) = (refund.clone(), event.clone());
            Box::pin(async move {
                if !store::order::hold_for_new(conn, &refund, expected).await? {
                    return why_not_held(conn, &refund, expected).await;
                }
                store::refund::insert(conn, &refund).await?;
                store::event::insert(conn, &event).await?;
                Ok(Reservation::New(Box::new(refund)))
            })
        })
        .await
}

/// Why [`store::order::hold_for_new`] did nothing, told from the same transaction.
async fn why_not_held(
    conn: &mut Conn,
    refund: &Refund,
    expected: Option<Fen>,
) -> Result<Reservation> {
    let key = RefundKey::BizRefundKey(refund.biz_refund_key());
    if let Some(known) = store::refund::by_key(conn, &refund.app_id, &key).await? {
        let same_number = known.biz_refund_no == refund.biz_refund_no;
        // The open edition's signature cannot tell the two numbers apart: they are one refund.
        if same_number || refund.edition == Edition::Open {
            return Ok(Reservation::Known(Box::new(known)));
        }
        let known = known.biz_refund_no;
        let reason = Reason::DiffersInCase { known };
        return Ok(Reservation::Refused(Refusal::field("bizRefundNo", reason)));
    }
    let Some(order) = store::order::get(conn, &refund.app_id, &refund.order_no).await? else {
        return Ok(Reservation::Refused(Refusal::NoSuchOrder));
    };
    let left = order.refundable();
    let reason = match expected {
        _ if order.status != OrderStatus::Success => {
            return Ok(Reservation::Refused(Refusal::OrderNotPaid));
        }
        Some(expected) if expected != left => Reason::BalanceChanged { left },
        // Something was given back in between.
        _ if left >= refund.amount => return Err(Conflict.into()),
        _ => Reason::ExceedsRefundable { left },
    };
    Ok(Reservation::Refused(Refusal::field("amount", reason)))
}

/// The same merchant's number again: the first request stands. Takes over what may change, and
/// submits a failed refund again.
async fn repeat(
    ctx: &Ctx,
    merchant: &MerchantApp,
    known: Refund,
    new: NewRefund,
    actor: Actor,
) -> Result<Refund> {
    let merged_fields = Refund {
        attach: new.attach.or_else(|| known.attach.clone()),
        notify_url: new.notify_url.or_else(|| known.notify_url.clone()),
        client_ip: new.client_ip.or_else(|| known.client_ip.clone()),
        ..known.clone()
    };
    let known = if merged_fields == known {
        known
    } else {
        merge_fields(ctx, merged_fields, actor.clone()).await?
    };
    match known.status {
        RefundStatus::Fail => resubmit_failed(ctx, merchant, known, actor).await,
        _ => Ok(known),
    }
}

/// Stores what a repeat may change.
async fn merge_fields(ctx: &Ctx, wanted: Refund, actor: Actor) -> Result<Refund> {
    let now = ctx.clock.now();
    ctx.db
        .write(move |conn| {
            let (wanted, actor) = (wanted.clone(), actor.clone());
            Box::pin(async move {
                let current = current(conn, &wanted).await?;
                let next = Refund {
                    attach: wanted.attach,
                    notify_url: wanted.notify_url,
                    client_ip: wanted.client_ip,
                    version: current.version + 1,
                    ..current
                };
                save_version(conn, &next).await?;
                store::event::insert(conn, &event(&next, EventKind::Repeated, actor, now)).await?;
                Ok(next)
            })
        })
        .await
}

/// Submits a failed refund again, under its own number.
///
/// `seen` is the attempt whose failure the asker saw, if he saw one. Where the refund has been taken
/// up again since, by a second press of the same button or by somebody else, nothing is submitted,
/// and how it stands is told.
///
/// # Errors
/// Refuses when it has not failed, or the order has not enough left.
pub async fn retry(
    ctx: &Ctx,
    merchant: &MerchantApp,
    refund_no: &str,
    seen: Option<i64>,
    actor: Actor,
) -> Result<Refund> {
    let (refund, _) = find(ctx, merchant, &RefundKey::RefundNo(refund_no.to_owned())).await?;
    if seen.is_some_and(|seen| seen < refund.attempt) {
        return Ok(refund);
    }
    if refund.status != RefundStatus::Fail {
        return Err(Refusal::WrongState {
            status: refund.status.as_str().into(),
        }
        .into());
    }
    let (whole, merchant) = (ctx.clone(), merchant.clone());
    run_detached(ctx, async move {
        resubmit_failed(&whole, &merchant, refund, actor).await
    })
    .await
}

/// Holds a failed refund's amount anew and submits it. When somebody else was faster, tells how the
/// refund stands.
async fn resubmit_failed(
    ctx: &Ctx,
    merchant: &MerchantApp,
    failed: Refund,
    actor: Actor,
) -> Result<Refund> {
    let key = crate::domain::order::OrderKey::OrderNo(failed.order_no.clone());
    let order = orders::find(ctx, merchant, &key).await?;
    ctx.channels.adapter(order.channel)?;
    let now = ctx.clock.now();
    let leased_until = leased_until(ctx, now);
    let taken = ctx
        .db
        .write(move |conn| {
            let (failed, actor) = (failed.clone(), actor.clone());
            Box::pin(async move {
                let current = current(conn, &failed).await?;
                // Where the channel may have paid after all, paying again is not for a button.
                let taken_up = current.attempt != failed.attempt || current.review_reason.is_some();
                if taken_up || current.status != RefundStatus::Fail || current.leased_until > now {
                    return Ok(Reservation::Known(Box::new(current)));
                }
                let left = refundable(conn, &current).await?;
                if left < current.amount {
                    let reason = Reason::ExceedsRefundable { left };
                    return Ok(Reservation::Refused(Refusal::field("amount", reason)));
                }
                let before = current.status;
                let next = Refund {
                    leased_until,
                    version: current.version + 1,
                    ..current.retried(now)
                };
                save_version(conn, &next).await?;
                store::order::move_balance(
                    conn,
                    &next.app_id,
                    &next.order_no,
                    next.amount,
                    Fen::ZERO,
                )
                .await?;
                let event = changed_event(&next, EventKind::Retried, actor, now, before);
                store::event::insert(conn, &event).await?;
                Ok(Reservation::New(Box::new(next)))
            })
        })
        .await?;
    match taken {
        Reservation::New(refund) => submit(ctx, merchant, order, *refund).await,
        Reservation::Known(refund) => Ok(*refund),
        Reservation::Refused(refusal) => Err(refusal.into()),
    }
}
