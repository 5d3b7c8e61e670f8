//! The use-cases of payment orders: telling us of one, finding one, asking the channel for one.

pub mod import;

use serde_json::json;

use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::error::{Reason, Refusal};
use crate::domain::event::{Actor, Event, EventKind, Subject};
use crate::domain::filter::{OrderFilter, Page, Place};
use crate::domain::limits;
use crate::domain::merchant::MerchantApp;
use crate::domain::money::Fen;
use crate::domain::order::{NewOrder, Order, OrderKey, OrderStatus};
use crate::domain::refund::OutcomeKind;
use crate::domain::text::sanitized;
use crate::domain::time::Timestamp;
use crate::server::channels::adapter::{OrderOutcome, Reply};
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::{Conflict, Error, Result};
use crate::server::numbers::Kind;
use crate::server::{audit, store};

/// What a sync of an order found.
#[derive(Clone, Debug)]
pub struct OrderSync {
    pub order: Order,
    /// Whether our state was changed by it.
    pub changed: bool,
    /// What the channel said, word for word.
    pub said: String,
}

/// An order as it is after we were told of it.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub order: Order,
    /// Whether it was not known before.
    pub new: bool,
}

/// Records a payment that was taken elsewhere. The same again gives the same order.
///
/// # Errors
/// [`Refusal::Inconsistent`] when a number is known with something else; nothing changes then.
pub async fn record(
    ctx: &Ctx,
    merchant: &MerchantApp,
    new: NewOrder,
    actor: impl Into<Origin>,
) -> Result<Order> {
    let mut recorded = record_all(ctx, merchant, vec![new], actor).await?;
    let one = recorded
        .pop()
        .ok_or_else(|| Error::internal("recorded one order and got none"))?;
    Ok(one?.order)
}

/// Records many payments, all in one transaction. Each has its own outcome; the audit gets one entry of all.
pub async fn record_all(
    ctx: &Ctx,
    merchant: &MerchantApp,
    new: Vec<NewOrder>,
    actor: impl Into<Origin>,
) -> Result<Vec<Result<Recorded, Refusal>>> {
    let actor = actor.into();
    let now = ctx.clock.now();
    let mut orders = Vec::with_capacity(new.len());
    for new in new {
        orders.push(order(ctx, merchant, new, now).await?);
    }
    ctx.db
        .write(move |conn| {
            let (orders, actor) = (orders.clone(), actor.clone());
            Box::pin(async move {
                let mut recorded = Vec::with_capacity(orders.len());
                for order in orders {
                    recorded.push(match order {
                        Ok(order) => record_one(conn, order, &actor.actor, now).await?,
                        Err(refusal) => Err(refusal),
                    });
                }
                if let Some(act) = act_of_recording(&recorded, &actor, now) {
                    audit::record(conn, &act).await?;
                }
                Ok(recorded)
            })
        })
        .await
}

/// Returns the entry of the audit that tells of recorded orders: of one its number and amount, of several how many they
/// are. `None`: nothing is new, or nobody decided it.
fn act_of_recording(
    recorded: &[Result<Recorded, Refusal>],
    origin: &Origin,
    now: Timestamp,
) -> Option<Act> {
    let told = || recorded.iter().flatten();
    let first = &told().find(|recorded| recorded.new)?.order;
    if !origin.decides() {
        return None;
    }
    let new = told().filter(|recorded| recorded.new).count();
    Some(
        match recorded.len() {
            1 => {
                let subject = (SubjectKind::Order, first.order_no.as_str());
                let state = json!({
                    "amount": first.amount.plain(),
                    "status": first.status.as_str(),
                    "bizOrderNo": first.biz_order_no,
                });
                Act::new(now, origin, Action::OrderRecorded, subject).to(state)
            }
            all => {
                let subject = (SubjectKind::App, first.app_id.as_str());
                let state = json!({
                    "new": new,
                    "known": told().count() - new,
                    "refused": all - told().count(),
                    "firstOrderNo": first.order_no,
                });
                Act::new(now, origin, Action::OrdersImported, subject).to(state)
            }
        }
        .of_app(&first.app_id),
    )
}

/// Makes an order of the account that the app uses for its channel now.
async fn order(
    ctx: &Ctx,
    merchant: &MerchantApp,
    new: NewOrder,
    now: Timestamp,
) -> Result<Result<Order, Refusal>> {
    let Some(settings) = merchant.channel(new.channel) else {
        return Ok(Err(without_channel(ctx, merchant, &new).await?));
    };
    let order_no = match new.order_no {
        Some(order_no) => order_no,
        None => ctx.numbers.make(Kind::Payment, now).await?,
    };
    Ok(Ok(Order {
        app_id: merchant.app_id.clone(),
        order_no,
        biz_order_no: new.biz_order_no,
        out_order_no: new.out_order_no,
        channel: new.channel,
        account_id: settings.account_id.clone(),
        method: new.method,
        title: new.title,
        amount: new.amount,
        refunded: Fen::ZERO,
        held: Fen::ZERO,
        overpaid: Fen::ZERO,
        status: new.status,
        pay_time: new.pay_time,
        attach: new.attach,
        created_at: new.pay_time.unwrap_or(now),
        recorded_at: now,
        version: 1,
    }))
}

/// Returns the refusal of an order of a channel that the app does not have.
async fn without_channel(ctx: &Ctx, merchant: &MerchantApp, new: &NewOrder) -> Result<Refusal> {
    let key = OrderKey::BizOrderNo(new.biz_order_no.clone());
    let mut conn = ctx.db.read().await?;
    let known = store::order::by_key(&mut conn, &merchant.app_id, &key).await?;
    Ok(
        match known.iter().any(|known| known.channel != new.channel) {
            true => Refusal::Inconsistent {
                field: "channel".into(),
            },
            false => Refusal::ChannelNotEnabled {
                channel: new.channel.as_str().into(),
            },
        },
    )
}

async fn record_one(
    conn: &mut Conn,
    order: Order,
    actor: &Actor,
    now: Timestamp,
) -> Result<Result<Recorded, Refusal>> {
    if store::order::insert(conn, &order).await? {
        store::event::insert(
            conn,
            &event(&order, EventKind::Recorded, actor.clone(), now, None),
        )
        .await?;
        return Ok(Ok(Recorded { order, new: true }));
    }
    let by_biz = OrderKey::BizOrderNo(order.biz_order_no.clone());
    let known = store::order::by_key(conn, &order.app_id, &by_biz)
        .await?
        .pop();
    // Where the merchant's number is new, another of the numbers is taken by another order.
    let Some(known) = known else {
        let taken = store::order::get(conn, &order.app_id, &order.order_no)
            .await?
            .is_some();
        let field = if taken { "orderNo" } else { "outOrderNo" };
        return Ok(Err(Refusal::Inconsistent {
            field: field.into(),
        }));
    };
    let differs = [
        ("amount", known.amount != order.amount),
        ("channel", known.channel != order.channel),
        (
            "outOrderNo",
            order.out_order_no.is_some() && known.out_order_no != order.out_order_no,
        ),
    ];
    Ok(match differs.into_iter().find(|(_, differs)| *differs) {
        Some((field, _)) => Err(Refusal::Inconsistent {
            field: field.into(),
        }),
        None => Ok(Recorded {
            order: known,
            new: false,
        }),
    })
}

/// The order that a request names.
///
/// # Errors
/// [`Refusal::NoSuchOrder`]; a channel's number that two accounts gave is refused as ambiguous.
pub async fn find(ctx: &Ctx, merchant: &MerchantApp, key: &OrderKey) -> Result<Order> {
    let mut conn = ctx.db.read().await?;
    let mut found = store::order::by_key(&mut conn, &merchant.app_id, key).await?;
    match (found.pop(), found.pop()) {
        (Some(order), None) => Ok(order),
        (None, _) => Err(Refusal::NoSuchOrder.into()),
        _ => Err(Refusal::field("outOrderNo", Reason::TooManyMatches).into()),
    }
}

/// Asks the channel for an order's state and adopts it where ours is behind. An order that we do
/// not know is asked for at the app's channels and recorded when one of them knows it.
///
/// # Errors
/// [`Refusal::NoSuchOrder`] when neither we nor a channel know it.
pub async fn sync(
    ctx: &Ctx,
    merchant: &MerchantApp,
    key: &OrderKey,
    actor: impl Into<Origin>,
) -> Result<OrderSync> {
    let actor = actor.into();
    let order = match find(ctx, merchant, key).await {
        Err(Error::Refused(Refusal::NoSuchOrder)) => {
            return discover(ctx, merchant, key, actor).await;
        }
        found => found?,
    };
    let line = ctx.channels.line(&order.account_id).await?;
    let reply = line.query_order(key, Some(&order)).await;
    adopt(ctx, order, reply, actor).await
}

/// Looks for an order that we do not know at the app's channels.
async fn discover(
    ctx: &Ctx,
    merchant: &MerchantApp,
    key: &OrderKey,
    actor: Origin,
) -> Result<OrderSync> {
    let mut silent = None;
    for settings in merchant.channels.iter().filter(|settings| settings.enabled) {
        let line = match ctx.channels.line(&settings.account_id).await {
            Ok(line) => line,
            // A channel that this server does not reach knows nothing.
            Err(Error::Refused(_)) => continue,
            Err(error) => return Err(error),
        };
        let reply = line.query_order(key, None).await;
        match reply.outcome {
            OrderOutcome::Known { details, .. } => {
                let order = record(ctx, merchant, *details, actor).await?;
                return Ok(OrderSync {
                    order,
                    changed: true,
                    said: reply.raw,
                });
            }
            OrderOutcome::NotFound => {}
            OrderOutcome::Unknown { .. } => silent = Some(settings.channel),
        }
    }
    // What a silent channel knows cannot be denied.
    if let Some(channel) = silent {
        let channel = channel.as_str().into();
        return Err(Refusal::ChannelSilent { channel }.into());
    }
    Err(Refusal::NoSuchOrder.into())
}

/// Writes down what the channel said of an order, and adopts its state where ours was open.
/// A payment that succeeded stays so: only refunds take money off it.
///
/// # Errors
/// [`Refusal::Inconsistent`] where the channel contradicts what was recorded; its words are kept.
async fn adopt(
    ctx: &Ctx,
    order: Order,
    reply: Reply<OrderOutcome>,
    actor: Origin,
) -> Result<OrderSync> {
    let now = ctx.clock.now();
    let said = sanitized(&reply.raw, limits::SAID_BYTES);
    ctx.db
        .write(move |conn| {
            let (order, outcome) = (order.clone(), reply.outcome.clone());
            let (said, actor) = (said.clone(), actor.clone());
            Box::pin(async move {
                let current = store::order::get(conn, &order.app_id, &order.order_no).await?;
                let current = current.ok_or(sqlx::Error::RowNotFound)?;
                let before = current.status;
                let mut next = Order {
                    version: current.version + 1,
                    ..current
                };
                let (kind, differs) = learn(conn, &mut next, outcome).await?;
                if !store::order::update(conn, &next).await? {
                    return Err(Conflict.into());
                }
                let event = Event {
                    outcome: Some(kind),
                    said: Some(said.clone()),
                    ..event(
                        &next,
                        EventKind::Sync,
                        actor.actor.clone(),
                        now,
                        Some(before),
                    )
                };
                store::event::insert(conn, &event).await?;
                if actor.decides() {
                    let subject = (SubjectKind::Order, next.order_no.as_str());
                    let act = Act::new(now, &actor, Action::OrderSynced, subject)
                        .of_app(&next.app_id)
                        .from(json!({"status": before.as_str()}))
                        .to(json!({"status": next.status.as_str(), "outcome": kind}));
                    audit::record(conn, &act).await?;
                }
                Ok(match differs {
                    Some(field) => Err(Refusal::Inconsistent {
                        field: field.into(),
                    }),
                    None => Ok(OrderSync {
                        changed: next.status != before,
                        order: next,
                        said,
                    }),
                })
            })
        })
        .await?
        .map_err(Into::into)
}

/// Takes over what a channel says of an order: its state where ours is open, and what we lack. Returns the
/// statement without its details, and the name of a field that differs from ours and was not taken over.
async fn learn(
    conn: &mut Conn,
    order: &mut Order,
    outcome: OrderOutcome,
) -> Result<(OutcomeKind, Option<&'static str>)> {
    let (status, details) = match outcome {
        OrderOutcome::Known { status, details } => (status, details),
        OrderOutcome::NotFound => return Ok((OutcomeKind::NotFound, None)),
        OrderOutcome::Unknown { .. } => return Ok((OutcomeKind::Unknown, None)),
    };
    let kind = match status {
        OrderStatus::Success => OutcomeKind::Success,
        _ => OutcomeKind::Accepted,
    };
    if details.amount != order.amount {
        return Ok((kind, Some("amount")));
    }
    let open = matches!(order.status, OrderStatus::Wait | OrderStatus::Progress);
    if open || status == OrderStatus::Success {
        order.status = status;
        order.pay_time = order.pay_time.or(details.pay_time);
    }
    if let (None, Some(out_order_no)) = (&order.out_order_no, details.out_order_no) {
        let account_id = &order.account_id;
        if store::order::is_out_order_no_taken(conn, account_id, &out_order_no).await? {
            return Ok((kind, Some("outOrderNo")));
        }
        order.out_order_no = Some(out_order_no);
    }
    Ok((kind, None))
}

/// One page of an app's orders.
pub async fn list(
    ctx: &Ctx,
    app_id: &str,
    filter: &OrderFilter,
    place: &Place,
) -> Result<Page<Order>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::orders(&mut conn, app_id, filter, place).await?)
}

/// The events of an order, newest first.
pub async fn timeline(ctx: &Ctx, app_id: &str, order_no: &str) -> Result<Vec<Event>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::event::timeline(&mut conn, app_id, Subject::Order, order_no).await?)
}

fn event(
    order: &Order,
    kind: EventKind,
    actor: Actor,
    at: Timestamp,
    before: Option<OrderStatus>,
) -> Event {
    Event {
        app_id: order.app_id.clone(),
        subject: Subject::Order,
        number: order.order_no.clone(),
        seq: order.version,
        at,
        kind,
        actor,
        outcome: None,
        said: None,
        before: before.map(|status| status.as_str().to_owned()),
        after: Some(order.status.as_str().to_owned()),
    }
}
