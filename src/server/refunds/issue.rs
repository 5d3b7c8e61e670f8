//! Asking for a refund: the amount is held and the intent written down before the channel is told.
//! Also what else starts a submission: repeats and retries.

use super::settle::{busy_until, submit, to_the_end};
use super::{by_key, changed_event, current, event, find, refundable, store_next};
use crate::domain::error::{Reason, Refusal};
use crate::domain::event::{Actor, EventKind};
use crate::domain::merchant::{Edition, MerchantApp};
use crate::domain::money::Fen;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::refund::{NewRefund, Refund, RefundKey, RefundStatus};
use crate::domain::time::DAY_MS;
use crate::server::app::App;
use crate::server::db::Conn;
use crate::server::error::{Raced, Result};
use crate::server::numbers::Kind;
use crate::server::{orders, store};

/// Issues a refund, or tells how the one with the same merchant's number stands.
///
/// Goes on to its end even if the caller goes away.
///
/// # Errors
/// Refuses what the order's state, window or balance do not allow; the message names the field.
#[tracing::instrument(level = "debug", skip_all, fields(app = merchant.app_id))]
pub async fn issue(
    app: &App,
    merchant: &MerchantApp,
    new: NewRefund,
    actor: Actor,
) -> Result<Refund> {
    let (whole, merchant) = (app.clone(), merchant.clone());
    to_the_end(
        app,
        async move { issue_it(&whole, &merchant, new, actor).await },
    )
    .await
}

async fn issue_it(
    app: &App,
    merchant: &MerchantApp,
    new: NewRefund,
    actor: Actor,
) -> Result<Refund> {
    let key = RefundKey::of_merchant(&new.biz_refund_no, new.edition);
    if let Some(known) = by_key(app, merchant, &key).await? {
        return repeat(app, merchant, known, new, actor).await;
    }
    let order = orders::find(app, merchant, &new.order).await?;
    check_refundable(app, merchant, &order, &new)?;
    match reserve(app, &order, new.clone(), actor.clone()).await? {
        Reserved::New(refund) => submit(app, merchant, order, *refund).await,
        Reserved::Known(refund) => repeat(app, merchant, *refund, new, actor).await,
        Reserved::Refused(refusal) => Err(refusal.into()),
    }
}

/// What can be refused by looking. The balance is looked at again when the amount is held.
fn check_refundable(
    app: &App,
    merchant: &MerchantApp,
    order: &Order,
    new: &NewRefund,
) -> Result<()> {
    may_refund(app, merchant, order)?;
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
pub fn may_refund(app: &App, merchant: &MerchantApp, order: &Order) -> Result<()> {
    let settings = merchant
        .channel(order.channel)
        .filter(|settings| settings.enabled);
    let settings = settings.ok_or(Refusal::ChannelNotEnabled {
        channel: order.channel.word().into(),
    })?;
    app.channels.gate(order.channel)?;
    if order.status != OrderStatus::Success {
        return Err(Refusal::OrderNotPaid.into());
    }
    let paid_at = order.pay_time.unwrap_or(order.created_at);
    if app.clock.now() > paid_at.plus_ms(settings.refund_window_days * DAY_MS) {
        return Err(Refusal::RefundWindowOver {
            days: settings.refund_window_days,
        }
        .into());
    }
    Ok(())
}

/// The outcome of asking for an amount to be held.
pub(super) enum Reserved {
    New(Box<Refund>),
    /// Somebody was faster with the same merchant's number.
    Known(Box<Refund>),
    Refused(Refusal),
}

/// Holds the amount and writes the intent down, in one transaction.
pub(super) async fn reserve(
    app: &App,
    order: &Order,
    new: NewRefund,
    actor: Actor,
) -> Result<Reserved> {
    let now = app.clock.now();
    let refund_no = app.numbers.make(Kind::Refund, now).await?;
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
        unanswered: 1,
        acknowledged: false,
        attention: None,
        reviewed: false,
        error_code: None,
        error_msg: None,
        created_at: now,
        opened_at: now,
        submitted_at: now,
        finished_at: None,
        next_sync_at: None,
        busy_until: busy_until(app, now),
        version: 1,
    };
    refund.next_sync_at = Some(refund.next_rung(now));
    let event = event(&refund, EventKind::Requested, actor, now);
    let expected = new.expected_refundable;
    app.db
        .write(move |conn| {
            let (refund, event) = (refund.clone(), event.clone());
            Box::pin(async move {
                if !store::order::hold_for_new(conn, &refund, expected).await? {
                    return why_not_held(conn, &refund, expected).await;
                }
                store::refund::insert(conn, &refund).await?;
                store::event::insert(conn, &event).await?;
                Ok(Reserved::New(Box::new(refund)))
            })
        })
        .await
}

/// Why [`store::order::hold_for_new`] did nothing, told from the same transaction.
async fn why_not_held(conn: &mut Conn, refund: &Refund, expected: Option<Fen>) -> Result<Reserved> {
    let key = RefundKey::BizRefundKey(refund.biz_refund_key());
    if let Some(known) = store::refund::by_key(conn, &refund.app_id, &key).await? {
        let same_number = known.biz_refund_no == refund.biz_refund_no;
        // The open edition's signature cannot tell the two numbers apart: they are one refund.
        if same_number || refund.edition == Edition::Open {
            return Ok(Reserved::Known(Box::new(known)));
        }
        let known = known.biz_refund_no;
        let reason = Reason::DiffersInCase { known };
        return Ok(Reserved::Refused(Refusal::field("bizRefundNo", reason)));
    }
    let Some(order) = store::order::get(conn, &refund.app_id, &refund.order_no).await? else {
        return Ok(Reserved::Refused(Refusal::NoSuchOrder));
    };
    let left = order.refundable();
    let reason = match expected {
        _ if order.status != OrderStatus::Success => {
            return Ok(Reserved::Refused(Refusal::OrderNotPaid));
        }
        Some(expected) if expected != left => Reason::BalanceChanged { left },
        // Something was given back in between.
        _ if left >= refund.amount => return Err(Raced.into()),
        _ => Reason::ExceedsRefundable { left },
    };
    Ok(Reserved::Refused(Refusal::field("amount", reason)))
}

/// The same merchant's number again: the first request stands. Takes over what may change, and
/// submits a failed refund again.
async fn repeat(
    app: &App,
    merchant: &MerchantApp,
    known: Refund,
    new: NewRefund,
    actor: Actor,
) -> Result<Refund> {
    let taken_over = Refund {
        attach: new.attach.or_else(|| known.attach.clone()),
        notify_url: new.notify_url.or_else(|| known.notify_url.clone()),
        client_ip: new.client_ip.or_else(|| known.client_ip.clone()),
        ..known.clone()
    };
    let known = if taken_over == known {
        known
    } else {
        take_over(app, taken_over, actor.clone()).await?
    };
    match known.status {
        RefundStatus::Fail => take_up_again(app, merchant, known, actor).await,
        _ => Ok(known),
    }
}

/// Stores what a repeat may change.
async fn take_over(app: &App, wanted: Refund, actor: Actor) -> Result<Refund> {
    let now = app.clock.now();
    app.db
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
                store_next(conn, &next).await?;
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
    app: &App,
    merchant: &MerchantApp,
    refund_no: &str,
    seen: Option<i64>,
    actor: Actor,
) -> Result<Refund> {
    let (refund, _) = find(app, merchant, &RefundKey::RefundNo(refund_no.to_owned())).await?;
    if seen.is_some_and(|seen| seen < refund.attempt) {
        return Ok(refund);
    }
    if refund.status != RefundStatus::Fail {
        return Err(Refusal::WrongState {
            status: refund.status.word().into(),
        }
        .into());
    }
    let (whole, merchant) = (app.clone(), merchant.clone());
    to_the_end(app, async move {
        take_up_again(&whole, &merchant, refund, actor).await
    })
    .await
}

/// Holds a failed refund's amount anew and submits it. When somebody else was faster, tells how the
/// refund stands.
async fn take_up_again(
    app: &App,
    merchant: &MerchantApp,
    failed: Refund,
    actor: Actor,
) -> Result<Refund> {
    let key = crate::domain::order::OrderKey::OrderNo(failed.order_no.clone());
    let order = orders::find(app, merchant, &key).await?;
    app.channels.gate(order.channel)?;
    let now = app.clock.now();
    let busy_until = busy_until(app, now);
    let taken = app
        .db
        .write(move |conn| {
            let (failed, actor) = (failed.clone(), actor.clone());
            Box::pin(async move {
                let current = current(conn, &failed).await?;
                // Where the channel may have paid after all, paying again is not for a button.
                let taken_up = current.attempt != failed.attempt || current.attention.is_some();
                if taken_up || current.status != RefundStatus::Fail || current.busy_until > now {
                    return Ok(Reserved::Known(Box::new(current)));
                }
                let left = refundable(conn, &current).await?;
                if left < current.amount {
                    let reason = Reason::ExceedsRefundable { left };
                    return Ok(Reserved::Refused(Refusal::field("amount", reason)));
                }
                let before = current.status;
                let next = Refund {
                    busy_until,
                    version: current.version + 1,
                    ..current.retried(now)
                };
                store_next(conn, &next).await?;
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
                Ok(Reserved::New(Box::new(next)))
            })
        })
        .await?;
    match taken {
        Reserved::New(refund) => submit(app, merchant, order, *refund).await,
        Reserved::Known(refund) => Ok(*refund),
        Reserved::Refused(refusal) => Err(refusal.into()),
    }
}
