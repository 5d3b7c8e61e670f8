//! The use-cases of payment orders: recording one, finding one, asking the channel for one.

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

/// The result of an order's sync.
#[derive(Clone, Debug)]
pub struct OrderSync {
    pub order: Order,
    /// True where the sync changed the order.
    pub changed: bool,
    /// Text of the channel's answer.
    pub said: String,
}

/// The result of recording an order.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub order: Order,
    /// True where the order was not recorded before.
    pub new: bool,
}

/// Records a payment that was taken elsewhere. A repeated request returns the order that is recorded.
///
/// # Errors
/// [`Refusal::Inconsistent`] where a number is recorded with other content; nothing changes then.
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

/// Records many payments in one transaction. Each has its own outcome; the audit gets one entry for all.
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
        .write((orders, actor), move |conn, (orders, actor)| {
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

/// Returns the audit's entry about recorded orders: the number and amount of one order, or the count of several. `None`
/// where no order is new, or the origin decided nothing, see [`Origin::decides`].
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
    Some(match recorded.len() {
        1 => recorded_act(first, origin, now),
        all => {
            let subject = (SubjectKind::App, first.app_id.as_str());
            let state = json!({
                "new": new,
                "known": told().count() - new,
                "refused": all - told().count(),
                "firstOrderNo": first.order_no,
            });
            Act::new(now, origin, Action::OrdersImported, subject)
                .of_app(&first.app_id)
                .to(state)
        }
    })
}

/// Returns the entry of the audit that tells of one recorded order.
pub fn recorded_act(order: &Order, origin: &Origin, at: Timestamp) -> Act {
    let subject = (SubjectKind::Order, order.order_no.as_str());
    Act::new(at, origin, Action::OrderRecorded, subject)
        .of_app(&order.app_id)
        .to(json!({
            "amount": order.amount.plain(),
            "status": order.status.as_str(),
            "bizOrderNo": order.biz_order_no,
        }))
}

/// Returns the first event of a recorded order.
pub fn recorded_event(order: &Order, actor: Actor, at: Timestamp) -> Event {
    event(order, EventKind::Recorded, actor, at, None)
}

/// Makes an order of the account that the app currently uses for the channel.
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

/// Returns the refusal of an order whose channel the app does not have.
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
        let recorded = recorded_event(&order, actor.clone(), now);
        store::run(conn, vec![store::event::insertion(&recorded)]).await?;
        return Ok(Ok(Recorded { order, new: true }));
    }
    let by_biz = OrderKey::BizOrderNo(order.biz_order_no.clone());
    let known = store::order::by_key(conn, &order.app_id, &by_biz)
        .await?
        .pop();
    // The merchant's number is new, so another order has one of the other numbers.
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

/// Returns the order that a request names.
///
/// # Errors
/// [`Refusal::NoSuchOrder`]. A channel's number that two accounts have is refused as ambiguous.
pub async fn find(ctx: &Ctx, merchant: &MerchantApp, key: &OrderKey) -> Result<Order> {
    let mut conn = ctx.db.read().await?;
    find_on(&mut conn, merchant, key).await
}

/// Returns the order that a request names, as [`find`] does, on a connection.
pub async fn find_on(conn: &mut Conn, merchant: &MerchantApp, key: &OrderKey) -> Result<Order> {
    let mut found = store::order::by_key(conn, &merchant.app_id, key).await?;
    match (found.pop(), found.pop()) {
        (Some(order), None) => Ok(order),
        (None, _) => Err(Refusal::NoSuchOrder.into()),
        _ => Err(Refusal::field("outOrderNo", Reason::TooManyMatches).into()),
    }
}

/// Asks the channel for an order's state and takes it over where ours is behind. Asks the app's channels for an order
/// that is not recorded, and records it where one of them knows it.
///
/// # Errors
/// [`Refusal::NoSuchOrder`] where neither we nor a channel know the order.
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

/// Asks the app's channels for an order that is not recorded.
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
            // A channel that this server does not reach cannot know the order.
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
    // A channel that did not answer may know the order.
    if let Some(channel) = silent {
        let channel = channel.as_str().into();
        return Err(Refusal::ChannelSilent { channel }.into());
    }
    Err(Refusal::NoSuchOrder.into())
}

/// Records the channel's statement about an order, and takes over its state where ours is open. A payment that
/// succeeded stays so: only refunds take money off it.
///
/// # Errors
/// [`Refusal::Inconsistent`] where the channel contradicts the record. Its answer is stored all the same.
async fn adopt(
    ctx: &Ctx,
    order: Order,
    reply: Reply<OrderOutcome>,
    actor: Origin,
) -> Result<OrderSync> {
    let now = ctx.clock.now();
    let said = sanitized(&reply.raw, limits::SAID_BYTES);
    ctx.db
        .write(
            (order, reply.outcome, said, actor),
            move |conn, (order, outcome, said, actor)| {
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
                    let mut writes = vec![store::event::insertion(&event)];
                    if actor.decides() {
                        let subject = (SubjectKind::Order, next.order_no.as_str());
                        let act = Act::new(now, &actor, Action::OrderSynced, subject)
                            .of_app(&next.app_id)
                            .from(json!({"status": before.as_str()}))
                            .to(json!({"status": next.status.as_str(), "outcome": kind}));
                        writes.push(audit::entry(&act));
                    }
                    store::run(conn, writes).await?;
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
            },
        )
        .await?
        .map_err(Into::into)
}

/// Takes over a channel's statement about an order: its state where ours is open, and details that ours lacks. Returns
/// the statement without its details, and the name of a differing field that was not taken over.
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

/// Returns one page of an app's orders.
pub async fn list(
    ctx: &Ctx,
    app_id: &str,
    filter: &OrderFilter,
    place: &Place,
) -> Result<Page<Order>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::orders(&mut conn, app_id, filter, place).await?)
}

/// Returns the events of an order, newest first.
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
