//! The use-cases of refunds. Transactions live here.
//!
//! A refund is written down before the channel is told: one short transaction holds the amount and
//! records the intent, then the channel is called with no transaction open, then [`settle`] applies
//! what it said. A stop or a loss between any two steps leaves a refund in progress that a callback
//! or a sync settles.

use std::collections::HashMap;
use std::time::Duration;

use tracing::Instrument;

use super::app::App;
use super::channel::{Answer, CallbackReply, Gate};
use super::db::Conn;
use super::error::{Error, Result};
use super::numbers::Kind;
use super::orders;
use super::store;
use super::store::callback::CallbackRow;
use crate::domain::error::{Reason, Refusal};
use crate::domain::event::{Actor, Event, EventKind, Subject};
use crate::domain::filter::{Count, Page, Place, RefundFilter};
use crate::domain::limits;
use crate::domain::merchant::MerchantApp;
use crate::domain::money::Fen;
use crate::domain::order::{Channel, Order, OrderStatus};
use crate::domain::refund::{
    Effect, Evidence, Finding, FindingWord, NewRefund, Refund, RefundKey, RefundStatus, Source,
};
use crate::domain::time::{DAY_MS, Millis};

pub use crate::domain::refund::RefundRow;

/// What a sync of a refund found.
#[derive(Clone, Debug)]
pub struct RefundSync {
    pub refund: Refund,
    /// What the channel said, in a word.
    pub finding: FindingWord,
    /// Whether our state was changed by it.
    pub changed: bool,
    /// Whether it was submitted again, the channel never having seen it.
    pub resubmitted: bool,
    /// What the channel said, word for word.
    pub said: String,
}

/// Issues a refund, or tells how the one with the same merchant's number stands.
///
/// Goes on to its end even if the caller goes away.
///
/// # Errors
/// Refuses what the order's state, window or balance do not allow; the message names the field.
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
    if let Some(known) = by_key(
        app,
        merchant,
        &RefundKey::BizRefundNo(new.biz_refund_no.clone()),
    )
    .await?
    {
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
enum Reserved {
    New(Box<Refund>),
    /// Somebody was faster with the same merchant's number.
    Known(Box<Refund>),
    Refused(Refusal),
}

/// Holds the amount and writes the intent down, in one transaction.
async fn reserve(app: &App, order: &Order, new: NewRefund, actor: Actor) -> Result<Reserved> {
    let now = app.clock.now();
    let refund_no = app.numbers.make(Kind::Refund, now);
    let refund = Refund {
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
        error_code: None,
        error_msg: None,
        created_at: now,
        submitted_at: now,
        finished_at: None,
        busy_until: busy_until(app, now),
        version: 1,
    };
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
    let key = refund.biz_refund_key();
    if let Some(known) = store::refund::by_biz_refund_key(conn, &refund.app_id, &key).await? {
        return Ok(if known.biz_refund_no == refund.biz_refund_no {
            Reserved::Known(Box::new(known))
        } else {
            Reserved::Refused(Refusal::field("bizRefundNo", Reason::DiffersInCase))
        });
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
                let taken_up = current.attempt != failed.attempt;
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

/// Closes a refund that has failed, so that nobody takes it up again.
///
/// # Errors
/// Refuses when it has not failed.
pub async fn close(
    app: &App,
    merchant: &MerchantApp,
    refund_no: &str,
    actor: Actor,
) -> Result<Refund> {
    let (refund, _) = find(app, merchant, &RefundKey::RefundNo(refund_no.to_owned())).await?;
    let now = app.clock.now();
    let closed = app
        .db
        .write(move |conn| {
            let (refund, actor) = (refund.clone(), actor.clone());
            Box::pin(async move {
                let current = current(conn, &refund).await?;
                if current.status != RefundStatus::Fail || current.busy_until > now {
                    return Ok(Err(Refusal::WrongState {
                        status: current.status.word().into(),
                    }));
                }
                let next = Refund {
                    status: RefundStatus::Close,
                    version: current.version + 1,
                    ..current
                };
                store_next(conn, &next).await?;
                let event = changed_event(&next, EventKind::Closed, actor, now, RefundStatus::Fail);
                store::event::insert(conn, &event).await?;
                Ok(Ok(next))
            })
        })
        .await?;
    Ok(closed?)
}

/// Asks the channel for a refund's true state, settles ours to it, and submits the refund again
/// where the channel never saw it.
///
/// # Errors
/// [`Refusal::SyncUnderWay`] while it is being synced or submitted.
pub async fn sync(
    app: &App,
    merchant: &MerchantApp,
    key: &RefundKey,
    actor: Actor,
) -> Result<RefundSync> {
    let (whole, merchant, key) = (app.clone(), merchant.clone(), key.clone());
    to_the_end(
        app,
        async move { sync_it(&whole, &merchant, &key, actor).await },
    )
    .await
}

async fn sync_it(
    app: &App,
    merchant: &MerchantApp,
    key: &RefundKey,
    actor: Actor,
) -> Result<RefundSync> {
    let (refund, order) = find(app, merchant, key).await?;
    app.channels.gate(refund.channel)?;
    let now = app.clock.now();
    let until = busy_until(app, now);
    let claim = refund.clone();
    let claimed = app
        .db
        .write(move |conn| {
            let claim = claim.clone();
            Box::pin(async move {
                if !store::refund::claim(conn, &claim.app_id, &claim.refund_no, now, until).await? {
                    return Ok(None);
                }
                current(conn, &claim).await.map(Some)
            })
        })
        .await?;
    let refund = claimed.ok_or(Refusal::SyncUnderWay)?;
    ask(app, merchant, order, refund, actor).await
}

/// The sync of a refund that this call has claimed.
async fn ask(
    app: &App,
    merchant: &MerchantApp,
    order: Order,
    refund: Refund,
    actor: Actor,
) -> Result<RefundSync> {
    let gate = app.channels.gate(refund.channel)?;
    let asked_at = app.clock.now();
    let answer = in_time(app, gate.query_refund(merchant, &order, &refund)).await;
    let answer = not_yet_visible(gate, &refund, asked_at, answer);
    let finding = answer.finding.word();
    let evidence = Evidence {
        source: Source::Sync,
        attempt: refund.attempt,
        finding: answer.finding,
        at: asked_at,
    };
    let before = refund.status;
    let refund = settle(app, refund, evidence, actor, &answer.said).await?;
    let never_seen = finding == FindingWord::NotFound && refund.holds() && !refund.acknowledged;
    let refund = if never_seen {
        resubmit(app, merchant, order, refund).await?
    } else {
        refund
    };
    Ok(RefundSync {
        changed: refund.status != before,
        finding,
        resubmitted: never_seen,
        said: answer.said,
        refund,
    })
}

/// While a submission without an answer may still be on its way, only good news is news: "not
/// found" may mean "not yet", and a refusal may be that of an earlier submission.
fn not_yet_visible(
    gate: &dyn Gate,
    refund: &Refund,
    asked_at: Millis,
    answer: Answer<Finding>,
) -> Answer<Finding> {
    let delay = i64::try_from(gate.visibility_delay().as_millis()).unwrap_or(i64::MAX);
    let on_its_way = refund.unanswered > 0 && asked_at < refund.submitted_at.plus_ms(delay);
    match answer.finding {
        Finding::NotFound | Finding::Fail { .. } | Finding::Close { .. } if on_its_way => {
            let why = format!(
                "{}, but so soon after the submission",
                answer.finding.word()
            );
            Answer {
                finding: Finding::Unknown { why },
                ..answer
            }
        }
        _ => answer,
    }
}

/// Submits a refund that the channel never saw, under the same number.
async fn resubmit(
    app: &App,
    merchant: &MerchantApp,
    order: Order,
    refund: Refund,
) -> Result<Refund> {
    let now = app.clock.now();
    let busy_until = busy_until(app, now);
    let submitted = app
        .db
        .write(move |conn| {
            let refund = refund.clone();
            Box::pin(async move {
                let current = current(conn, &refund).await?;
                if !current.holds() || current.acknowledged || current.attempt != refund.attempt {
                    return Ok(Reserved::Known(Box::new(current)));
                }
                let next = Refund {
                    busy_until,
                    version: current.version + 1,
                    ..current.submitted_again(now)
                };
                store_next(conn, &next).await?;
                store::event::insert(
                    conn,
                    &event(&next, EventKind::Resubmitted, Actor::System, now),
                )
                .await?;
                Ok(Reserved::New(Box::new(next)))
            })
        })
        .await?;
    match submitted {
        Reserved::New(refund) => submit(app, merchant, order, *refund).await,
        Reserved::Known(refund) => Ok(*refund),
        Reserved::Refused(refusal) => Err(refusal.into()),
    }
}

/// Takes a channel's callback: checks it, records it as it came, and settles the refund by it.
///
/// # Errors
/// Refuses an app or channel that is not enabled. A callback that is not believed is no error: the
/// reply says so, in the channel's way.
pub async fn callback(
    app: &App,
    app_id: &str,
    channel: Channel,
    headers: &HashMap<String, String>,
    body: &[u8],
) -> Result<CallbackReply> {
    let merchant = app.merchant_app(Some(app_id)).await?;
    let gate = app.channels.gate(channel)?;
    let now = app.clock.now();
    let said = String::from_utf8_lossy(body).into_owned();
    let (verdict, refund_no) = match gate.read_callback(&merchant, headers, body) {
        Err(_) => ("bad_signature", None),
        Ok(callback) => {
            let known = known_by_channel(app, &merchant, channel, &callback.channel_no).await?;
            match known.filter(|refund| refund.amount == callback.amount) {
                None => ("not_found", None),
                Some(refund) => {
                    let refund_no = refund.refund_no.clone();
                    let verdict =
                        apply_callback(app, &merchant, refund, callback.finding, now, &said)
                            .await?;
                    (verdict, Some(refund_no))
                }
            }
        }
    };
    let row = CallbackRow {
        app_id: merchant.app_id.clone(),
        callback_no: app.numbers.make(Kind::Callback, now),
        channel,
        received_at: now,
        headers: header_lines(headers),
        body: said,
        verdict,
        refund_no,
    };
    app.db
        .write(move |conn| {
            let row = row.clone();
            Box::pin(async move { Ok(store::callback::insert(conn, &row).await?) })
        })
        .await?;
    Ok(gate.reply(matches!(verdict, "accepted" | "ignored")))
}

/// Settles a refund by a callback. One that says no while that is not conclusive is a hint: the
/// channel is asked.
async fn apply_callback(
    app: &App,
    merchant: &MerchantApp,
    refund: Refund,
    finding: Finding,
    at: Millis,
    said: &str,
) -> Result<&'static str> {
    let before = refund.status;
    let key = RefundKey::RefundNo(refund.refund_no.clone());
    let is_refusal = matches!(finding, Finding::Fail { .. } | Finding::Close { .. });
    let evidence = Evidence {
        source: Source::Callback,
        attempt: refund.attempt,
        finding,
        at,
    };
    let settled = settle(app, refund, evidence, Actor::Channel, said).await?;
    if is_refusal && settled.holds() {
        match sync(app, merchant, &key, Actor::System).await {
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(if settled.status == before {
        "ignored"
    } else {
        "accepted"
    })
}

async fn known_by_channel(
    app: &App,
    merchant: &MerchantApp,
    channel: Channel,
    channel_no: &str,
) -> Result<Option<Refund>> {
    let mut conn = app.db.read().await?;
    Ok(store::refund::by_channel_no(&mut conn, &merchant.app_id, channel, channel_no).await?)
}

fn header_lines(headers: &HashMap<String, String>) -> String {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    lines.sort();
    limits::cut(&lines.concat(), limits::SAID_BYTES).to_owned()
}

/// The only door: applies evidence to a refund, its order's balance and its timeline, in one
/// transaction. Idempotent, and indifferent to the order in which evidence arrives.
///
/// `known` is the refund as last seen. When it has changed since, the evidence is weighed again
/// against what it has become.
async fn settle(
    app: &App,
    known: Refund,
    evidence: Evidence,
    actor: Actor,
    said: &str,
) -> Result<Refund> {
    let now = app.clock.now();
    let said = limits::cut(said, limits::SAID_BYTES).to_owned();
    app.db
        .write(move |conn| {
            let (mut current, evidence, actor, said) =
                (known.clone(), evidence.clone(), actor.clone(), said.clone());
            Box::pin(async move {
                loop {
                    let room = if current.holds() {
                        Fen::ZERO
                    } else {
                        refundable(conn, &current).await?
                    };
                    let settlement = current.settle(room, &evidence);
                    let mut next = Refund {
                        version: current.version + 1,
                        ..settlement.refund
                    };
                    if evidence.source != Source::Callback && evidence.attempt == current.attempt {
                        next.busy_until = Millis::default();
                    }
                    if !store::refund::update(conn, &next).await? {
                        current = self::current(conn, &current).await?;
                        continue;
                    }
                    if settlement.effect == Effect::Changed {
                        let (held, refunded) = (settlement.held, settlement.refunded);
                        store::order::move_balance(
                            conn,
                            &next.app_id,
                            &next.order_no,
                            held,
                            refunded,
                        )
                        .await?;
                    }
                    let kind = match evidence.source {
                        Source::Answer => EventKind::Answered,
                        Source::Callback => EventKind::Callback,
                        Source::Sync => EventKind::Sync,
                    };
                    let event = Event {
                        finding: Some(evidence.finding.word()),
                        said: Some(said),
                        ..changed_event(&next, kind, actor, now, current.status)
                    };
                    store::event::insert(conn, &event).await?;
                    return Ok(next);
                }
            })
        })
        .await
}

/// Submits a refund whose intent is written down, and settles it by the answer.
async fn submit(app: &App, merchant: &MerchantApp, order: Order, refund: Refund) -> Result<Refund> {
    let gate = app.channels.gate(refund.channel)?;
    let answer = in_time(app, gate.refund(merchant, &order, &refund)).await;
    let evidence = Evidence {
        source: Source::Answer,
        attempt: refund.attempt,
        finding: answer.finding,
        at: app.clock.now(),
    };
    settle(app, refund, evidence, Actor::Channel, &answer.said).await
}

/// Runs work that must not stop half way when its caller goes away.
async fn to_the_end<T: Send + 'static>(
    app: &App,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    app.tasks
        .spawn(work.in_current_span())
        .await
        .map_err(|error| Error::internal(format!("a task ended early: {error}")))?
}

/// A channel's answer within the time limit; silence is an unknown outcome, not a failure.
async fn in_time(app: &App, answer: impl Future<Output = Answer<Finding>>) -> Answer<Finding> {
    let limit = Duration::from_millis(u64::try_from(app.config.channel_time_limit_ms).unwrap_or(0));
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| {
            let why = format!("no answer within {} ms", limit.as_millis());
            Answer {
                said: why.clone(),
                finding: Finding::Unknown { why },
            }
        })
}

/// How long a submission or a sync that began now keeps others away, should it never end: longer
/// than both calls to the channel that a sync may make.
fn busy_until(app: &App, now: Millis) -> Millis {
    now.plus_ms(2 * app.config.channel_time_limit_ms + 10_000)
}

/// The refund and its order.
///
/// # Errors
/// [`Refusal::NoSuchRefund`].
pub async fn find(app: &App, merchant: &MerchantApp, key: &RefundKey) -> Result<(Refund, Order)> {
    let refund = by_key(app, merchant, key)
        .await?
        .ok_or(Refusal::NoSuchRefund)?;
    let mut conn = app.db.read().await?;
    let order = store::order::get(&mut conn, &refund.app_id, &refund.order_no).await?;
    Ok((refund, order.ok_or(Refusal::NoSuchOrder)?))
}

async fn by_key(app: &App, merchant: &MerchantApp, key: &RefundKey) -> Result<Option<Refund>> {
    let mut conn = app.db.read().await?;
    Ok(store::refund::by_key(&mut conn, &merchant.app_id, key).await?)
}

/// The refunds of an order, oldest first.
pub async fn of_order(app: &App, app_id: &str, order_no: &str) -> Result<Vec<Refund>> {
    let mut conn = app.db.read().await?;
    Ok(store::refund::of_order(&mut conn, app_id, order_no).await?)
}

/// The events of a refund, newest first.
pub async fn timeline(app: &App, app_id: &str, refund_no: &str) -> Result<Vec<Event>> {
    let mut conn = app.db.read().await?;
    Ok(store::event::timeline(&mut conn, app_id, Subject::Refund, refund_no).await?)
}

/// One page of an app's refunds.
pub async fn list(
    app: &App,
    app_id: &str,
    filter: &RefundFilter,
    place: &Place,
) -> Result<Page<RefundRow>> {
    let mut conn = app.db.read().await?;
    Ok(store::list::refunds(&mut conn, app_id, filter, place).await?)
}

/// How many refunds there are of each status, the filter's own status left aside.
pub async fn counts(
    app: &App,
    app_id: &str,
    filter: &RefundFilter,
) -> Result<Vec<(RefundStatus, Count)>> {
    let mut conn = app.db.read().await?;
    let mut counts = Vec::new();
    for &status in RefundStatus::ALL {
        let filter = RefundFilter {
            status: Some(status),
            ..filter.clone()
        };
        counts.push((
            status,
            store::list::count_refunds(&mut conn, app_id, &filter).await?,
        ));
    }
    Ok(counts)
}

/// The refund as it is now, within a transaction.
async fn current(conn: &mut Conn, refund: &Refund) -> Result<Refund> {
    let key = RefundKey::RefundNo(refund.refund_no.clone());
    let found = store::refund::by_key(conn, &refund.app_id, &key).await?;
    found.ok_or_else(|| Error::internal(format!("refund {} has vanished", refund.refund_no)))
}

/// What the refund's order has left, within a transaction.
async fn refundable(conn: &mut Conn, refund: &Refund) -> Result<Fen> {
    let order = store::order::get(conn, &refund.app_id, &refund.order_no).await?;
    Ok(order.map_or(Fen::ZERO, |order| order.refundable()))
}

/// Stores the next version of a refund that was read in this transaction.
async fn store_next(conn: &mut Conn, next: &Refund) -> Result<()> {
    if store::refund::update(conn, next).await? {
        return Ok(());
    }
    Err(Error::internal(format!(
        "refund {} changed within a transaction",
        next.refund_no
    )))
}

/// The event that made this version of a refund.
fn event(refund: &Refund, kind: EventKind, actor: Actor, at: Millis) -> Event {
    changed_event(refund, kind, actor, at, refund.status)
}

/// The event that made this version of a refund out of one in state `before`.
fn changed_event(
    refund: &Refund,
    kind: EventKind,
    actor: Actor,
    at: Millis,
    before: RefundStatus,
) -> Event {
    Event {
        app_id: refund.app_id.clone(),
        subject: Subject::Refund,
        number: refund.refund_no.clone(),
        seq: refund.version,
        at,
        kind,
        actor,
        finding: None,
        said: None,
        before: Some(before.word().to_owned()),
        after: Some(refund.status.word().to_owned()),
    }
}
