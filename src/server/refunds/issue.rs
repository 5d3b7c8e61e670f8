//! Asking for a refund: the amount is held and the intent written down before the channel is told.
//! Also repeats and retries, which begin a submission too.

use crate::domain::audit::Origin;
use crate::domain::error::{Reason, Refusal};
use crate::domain::event::EventKind;
use crate::domain::merchant::{Edition, MerchantApp};
use crate::domain::money::Fen;
use crate::domain::order::{Order, OrderKey, OrderStatus};
use crate::domain::refund::{
    NewRefund, Refund, RefundKey, RefundStatus, RepeatedFields, WaitReason,
};
use crate::domain::time::{DAY_MS, Timestamp};
use crate::server::channels::Line;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::{Conflict, Result};
use crate::server::refunds::Cause;
use crate::server::refunds::apply::{self, apply, refundable};
use crate::server::refunds::submit::{
    Clearance, Patience, begin_or_wait, clearance, leased_until, new_number, not_before,
    run_detached, submit,
};
use crate::server::refunds::{by_key, find, reload};
use crate::server::{orders, store};

/// The treatment of a refund whose number was used before and that has failed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRepeat {
    /// It is submitted again, as the gateway's contract says.
    Retry,
    /// It is returned as it stands.
    Report,
}

/// Issues a refund, or returns the one with the same merchant's number. The refund is submitted at once, unless
/// its channel does not answer or has too many calls under way: then the scheduled sync submits it.
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
    on_repeat: OnRepeat,
    actor: impl Into<Origin>,
) -> Result<Refund> {
    let actor = actor.into();
    let (owned, merchant) = (ctx.clone(), merchant.clone());
    run_detached(ctx, async move {
        let (ctx, merchant) = (&owned, &merchant);
        let key = RefundKey::of_merchant(&new.biz_refund_no, new.edition);
        let mut conn = ctx.db.read().await?;
        if let Some(known) = store::refund::by_key(&mut conn, &merchant.app_id, &key).await? {
            drop(conn);
            return repeat(ctx, merchant, known, new, on_repeat, actor).await;
        }
        let order = orders::find_on(&mut conn, merchant, &new.order).await?;
        drop(conn);
        let line = ctx.channels.line(&order.account_id).await?;
        check_refundable(ctx, merchant, &line, &order, &new)?;
        // Its permit is held until the submission ends.
        let clearance = clearance_now(ctx, &line, &order).await?;
        let wait = clearance.wait();
        match reserve(ctx, merchant, &line, &order, &new, wait, &actor).await? {
            Reservation::New(refund) => match clearance {
                Clearance::Now(cleared) if !refund.submissions.last().waits() => {
                    submit(ctx, &line, &order, *refund, cleared).await
                }
                _ => Ok(*refund),
            },
            Reservation::Known(refund) => {
                repeat(ctx, merchant, *refund, new, on_repeat, actor).await
            }
            Reservation::Refused(refusal) => Err(refusal.into()),
        }
    })
    .await
}

/// Decides whether a refund of an order may be submitted without waiting for anything.
async fn clearance_now(ctx: &Ctx, line: &Line<'_>, order: &Order) -> Result<Clearance> {
    let not_before = not_before(ctx, line, order).await?;
    clearance(ctx, line, not_before, Patience::None).await
}

/// Refuses what can be refused by looking. The balance is looked at again when the amount is held.
fn check_refundable(
    ctx: &Ctx,
    merchant: &MerchantApp,
    line: &Line<'_>,
    order: &Order,
    new: &NewRefund,
) -> Result<()> {
    check_order(ctx, merchant, line, order)?;
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

/// Checks that an order may be refunded at all at this moment, whatever the amount.
///
/// # Errors
/// Refuses an order whose channel or account is not enabled, that is not paid, or whose window is over.
pub async fn may_refund(ctx: &Ctx, merchant: &MerchantApp, order: &Order) -> Result<()> {
    let line = ctx.channels.line(&order.account_id).await?;
    check_order(ctx, merchant, &line, order)
}

fn check_order(ctx: &Ctx, merchant: &MerchantApp, line: &Line<'_>, order: &Order) -> Result<()> {
    let settings = merchant.channel(order.channel);
    let settings = settings.filter(|settings| settings.enabled && line.account().enabled);
    let settings = settings.ok_or(Refusal::ChannelNotEnabled {
        channel: order.channel.as_str().into(),
    })?;
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
enum Reservation {
    New(Box<Refund>),
    /// Somebody was faster with the same merchant's number.
    Known(Box<Refund>),
    Refused(Refusal),
}

/// Holds the amount and writes the intent down, in one transaction; without `wait`, the beginning of the first
/// submission too.
async fn reserve(
    ctx: &Ctx,
    merchant: &MerchantApp,
    line: &Line<'_>,
    order: &Order,
    new: &NewRefund,
    wait: Option<(WaitReason, Timestamp)>,
    actor: &Origin,
) -> Result<Reservation> {
    let number = new_number(ctx, line, order, new.amount, new.reason.as_deref()).await?;
    let now = ctx.clock.now();
    let refund = Refund::requested(new.clone(), order, number.channel_no, number.params, now);
    let refund = begin_or_wait(refund, wait, now, leased_until(ctx, now));
    let cause = Cause::new(EventKind::Requested, actor.clone(), now);
    let expected = new.expected_refundable;
    let reserved = ctx
        .db
        .write((refund.clone(), cause), move |conn, (refund, cause)| {
            Box::pin(async move {
                match apply::open(conn, &refund, expected, &cause).await? {
                    true => Ok(Reservation::New(Box::new(refund))),
                    false => why_not_held(conn, &refund, expected).await,
                }
            })
        });
    match reserved.await {
        // The refund may be there. Its merchant must not be told that it is not: he would ask under another number.
        Err(error) if error.is_commit_unknown() => {
            let key = RefundKey::of_merchant(&refund.biz_refund_no, refund.edition);
            match by_key(ctx, merchant, &key).await {
                Ok(Some(known)) if known.refund_no == refund.refund_no => {
                    Ok(Reservation::New(Box::new(known)))
                }
                Ok(Some(known)) => Ok(Reservation::Known(Box::new(known))),
                Ok(None) | Err(_) => Err(error),
            }
        }
        reserved => reserved,
    }
}

/// Finds out, within the same transaction, why [`apply::open`] wrote nothing.
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

/// Answers the same merchant's number again: the first request stands. Takes over what may change, and
/// submits a failed refund again where `on_repeat` says so.
async fn repeat(
    ctx: &Ctx,
    merchant: &MerchantApp,
    known: Refund,
    new: NewRefund,
    on_repeat: OnRepeat,
    actor: Origin,
) -> Result<Refund> {
    let fields = RepeatedFields {
        attach: new.attach,
        notify_url: new.notify_url,
        client_ip: new.client_ip,
        request: new.request,
    };
    let known = match known.merged(&fields) {
        Some(_) => merge_fields(ctx, merchant, known, fields, actor.clone()).await?,
        None => known,
    };
    match (known.status, on_repeat) {
        (RefundStatus::Fail, OnRepeat::Retry) => resubmit_failed(ctx, merchant, known, actor).await,
        _ => Ok(known),
    }
}

async fn merge_fields(
    ctx: &Ctx,
    merchant: &MerchantApp,
    known: Refund,
    fields: RepeatedFields,
    actor: Origin,
) -> Result<Refund> {
    let cause = Cause::new(EventKind::Repeated, actor, ctx.clock.now());
    let merchant = merchant.clone();
    ctx.db
        .write(
            (known, fields, merchant, cause),
            move |conn, (known, fields, merchant, cause)| {
                Box::pin(async move {
                    let current = reload(conn, &known).await?;
                    match current.merged(&fields) {
                        Some(merged) => {
                            apply(conn, &merchant, &current, merged, &cause, None).await
                        }
                        None => Ok(current),
                    }
                })
            },
        )
        .await
}

/// Submits a failed refund again, under its own number.
///
/// `seen` is the number of submissions that were shown, where they were shown. Where the refund has been submitted
/// again since, by a second press of the same button or by somebody else, nothing is submitted,
/// and the refund is returned as it stands.
///
/// # Errors
/// Refuses when it has not failed, when the order may not be refunded any more, or has not enough left.
pub async fn retry(
    ctx: &Ctx,
    merchant: &MerchantApp,
    refund_no: &str,
    seen: Option<i64>,
    actor: impl Into<Origin>,
) -> Result<Refund> {
    let actor = actor.into();
    let (refund, _) = find(ctx, merchant, &RefundKey::RefundNo(refund_no.to_owned())).await?;
    if seen.is_some_and(|seen| seen < refund.submissions.count()) {
        return Ok(refund);
    }
    if refund.status != RefundStatus::Fail {
        return Err(Refusal::WrongState {
            status: refund.status.as_str().into(),
        }
        .into());
    }
    let (owned, merchant) = (ctx.clone(), merchant.clone());
    run_detached(ctx, async move {
        resubmit_failed(&owned, &merchant, refund, actor).await
    })
    .await
}

/// Holds a failed refund's amount anew and submits it, at once or when its channel may be called. Where somebody
/// else was faster, returns the refund as it stands.
async fn resubmit_failed(
    ctx: &Ctx,
    merchant: &MerchantApp,
    failed: Refund,
    actor: Origin,
) -> Result<Refund> {
    let key = OrderKey::OrderNo(failed.order_no.clone());
    let order = orders::find(ctx, merchant, &key).await?;
    let line = ctx.channels.line(&order.account_id).await?;
    check_order(ctx, merchant, &line, &order)?;
    let number = match line.policy().new_number_after_failure {
        true => {
            let reason = failed.reason.as_deref();
            Some(new_number(ctx, &line, &order, failed.amount, reason).await?)
        }
        false => None,
    };
    let clearance = clearance_now(ctx, &line, &order).await?;
    let wait = clearance.wait();
    let now = ctx.clock.now();
    let until = leased_until(ctx, now);
    let cause = Cause::new(EventKind::Retried, actor, now);
    let begun = ctx
        .db
        .write(
            (failed, cause, merchant.clone(), number),
            move |conn, (failed, cause, merchant, number)| {
                Box::pin(async move {
                    let current = reload(conn, &failed).await?;
                    // Where the channel may have paid after all, paying again is not for a button.
                    let as_seen = current.submissions.count() == failed.submissions.count()
                        && current.status == RefundStatus::Fail
                        && current.review_reason.is_none();
                    if !as_seen {
                        return Ok(Reservation::Known(Box::new(current)));
                    }
                    let left = refundable(conn, &current).await?;
                    if left < current.amount {
                        let reason = Reason::ExceedsRefundable { left };
                        return Ok(Reservation::Refused(Refusal::field("amount", reason)));
                    }
                    let (app_id, refund_no) = (&current.app_id, &current.refund_no);
                    if !store::submission::lease(conn, app_id, refund_no, now, until).await? {
                        return Ok(Reservation::Known(Box::new(current)));
                    }
                    let mut retried = current.retried(now, number);
                    retried.refund = begin_or_wait(retried.refund, wait, now, until);
                    let begun = apply(conn, &merchant, &current, retried, &cause, None).await?;
                    Ok(Reservation::New(Box::new(begun)))
                })
            },
        )
        .await?;
    match (begun, clearance) {
        (Reservation::New(refund), Clearance::Now(cleared))
            if !refund.submissions.last().waits() =>
        {
            submit(ctx, &line, &order, *refund, cleared).await
        }
        (Reservation::New(refund) | Reservation::Known(refund), _) => Ok(*refund),
        (Reservation::Refused(refusal), _) => Err(refusal.into()),
    }
}
