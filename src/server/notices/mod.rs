//! Notices: messages to merchants' systems about the state that a refund has reached, delivered at least once.
//!
//! A notice is enqueued in the transaction that changes the refund ([`enqueue`]) and sent later ([`send_due`]):
//! claimed with a lease, sent with no transaction open, and its outcome recorded. If a node dies in between, the
//! notice is sent again when its lease is over.
//!
//! An earlier notice of a refund never arrives after a later one. When the refund reaches another state, a notice that
//! has not arrived is superseded, so that the merchant gets the newest state at once instead of after a day of
//! attempts to deliver an outdated one. While the earlier notice is being sent, the later one waits.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use serde_json::json;

use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::error::Refusal;
use crate::domain::event::Actor;
use crate::domain::filter::{Count, NoticeFilter, Page, Place};
use crate::domain::merchant::MerchantApp;
use crate::domain::notice::{DeliveryAttempt, Notice, NoticeKey, NoticeRow, NoticeState};
use crate::domain::refund::{Refund, RefundKey};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::{Error, Result};
use crate::server::trace::TraceId;
use crate::server::{audit, counters, outbound, store};
use crate::wire::notice as body;

/// Length of a sender's lease; when it is over, the notice may be sent again.
const LEASE_MS: i64 = MINUTE_MS;
/// Maximum time for which a notice is postponed while an earlier one of its refund is being sent.
const POSTPONE_MS: i64 = MINUTE_MS;

/// Adds the notice of the state that a refund has reached, in the transaction that changes the refund, and supersedes
/// earlier ones that have not arrived. Does nothing where there is no address.
pub async fn enqueue(
    conn: &mut Conn,
    merchant: &MerchantApp,
    refund: &Refund,
    now: Timestamp,
) -> Result<()> {
    if refund.holds() || address(merchant, refund).is_none() {
        return Ok(());
    }
    Ok(store::notice::insert(conn, &Notice::of(refund, now)).await?)
}

/// Returns the address to which a refund's notices are sent: its own, or else its app's. `None` where neither is named, or
/// the merchant wants no notices of this refund.
pub fn address<'a>(merchant: &'a MerchantApp, refund: &'a Refund) -> Option<&'a str> {
    if refund.not_notify {
        return None;
    }
    let own = refund.notify_url.as_deref();
    own.or(merchant.notify_url.as_deref())
}

/// Returns the lanes that have notices due. Each app is a lane, so that a slow merchant's system holds up no other.
pub async fn send_lanes(ctx: &Ctx) -> Result<Vec<String>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::notice::due_lanes(&mut conn, ctx.clock.now()).await?)
}

/// Sends an app's due notices, a number of them at once, until none is due. Returns the number sent.
pub async fn send_due(ctx: &Ctx, app_id: &str) -> Result<u64> {
    let at_once = ctx.config.notices_at_once;
    let mut sent = 0;
    loop {
        // Read again each time, as the app's secret may have been replaced.
        let merchant = ctx.merchants.of(app_id).await?;
        let claimed = claim_due(ctx, app_id, at_once).await?;
        let count = claimed.len();
        stream::iter(claimed)
            .for_each_concurrent(None, |notice| send_one(ctx, &merchant, notice))
            .await;
        sent += count as u64;
        if count < at_once as usize {
            return Ok(sent);
        }
    }
}

async fn claim_due(ctx: &Ctx, app_id: &str, limit: u32) -> Result<Vec<Notice>> {
    let now = ctx.clock.now();
    let until = now.plus_ms(LEASE_MS);
    let due = {
        let mut conn = ctx.db.read().await?;
        store::notice::is_due(&mut conn, app_id, now, until).await?
    };
    if !due {
        return Ok(Vec::new());
    }
    let app_id = app_id.to_owned();
    ctx.db
        .write(app_id, move |conn, app_id| {
            Box::pin(async move {
                let limit = limit.into();
                Ok(store::notice::claim_due(conn, &app_id, now, until, POSTPONE_MS, limit).await?)
            })
        })
        .await
}

/// Sends one notice, to the end even when the server stops. A notice that cannot be sent or recorded now is claimed
/// again when its lease is over.
async fn send_one(ctx: &Ctx, merchant: &Arc<MerchantApp>, notice: Notice) {
    let refund_no = notice.key.refund_no.clone();
    let (whole, merchant) = (ctx.clone(), merchant.clone());
    let sent = ctx
        .tasks
        .spawn(async move { send(&whole, &merchant, notice, Actor::System).await });
    match sent.await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::error!(%error, refund_no, "a notice could not be sent"),
        Err(error) => tracing::error!(%error, refund_no, "the sending of a notice ended early"),
    }
}

/// Sends a claimed notice and records the outcome. Returns `None` where there is no address any more.
#[tracing::instrument(name = "notice", level = "debug", skip_all, fields(app = merchant.app_id))]
async fn send(
    ctx: &Ctx,
    merchant: &MerchantApp,
    notice: Notice,
    actor: Actor,
) -> Result<(Notice, Option<DeliveryAttempt>)> {
    let (refund, order) = {
        let key = RefundKey::RefundNo(notice.key.refund_no.clone());
        let mut conn = ctx.db.read().await?;
        let refund = store::refund::by_key(&mut conn, &merchant.app_id, &key).await?;
        let refund = refund.ok_or(Refusal::NoSuchRefund)?;
        let order = store::order::get(&mut conn, &refund.app_id, &refund.order_no).await?;
        (refund, order.ok_or(Refusal::NoSuchOrder)?)
    };
    let at = ctx.clock.now();
    let Some(url) = address(merchant, &refund).map(str::to_owned) else {
        let after = notice.without_address(at);
        record(ctx, after.clone(), None, at).await?;
        counters::notice_sent(after.state.as_str());
        return Ok((after, None));
    };
    let told = notice.as_it_was(&refund);
    let request = body::of(
        merchant,
        merchant.notice_secret(notice.attempts, at),
        &told,
        &order,
        at,
        &ctx.config.time_zone,
        &TraceId::make().0,
    )?;
    let answer = ctx.outbound.post(&url, &request).await;
    let ended = ctx.clock.now();
    let send = DeliveryAttempt {
        key: notice.key.clone(),
        attempt: notice.attempts,
        at,
        took_ms: answer.took_ms,
        actor,
        url: outbound::shown(&url),
        request,
        http_status: answer.http_status,
        answer: answer.body,
        failure: answer.failure,
    };
    let after = notice.after(send.failure.is_none(), ended);
    record(ctx, after.clone(), Some(send.clone()), ended).await?;
    counters::notice_sent(match after.state {
        NoticeState::Waiting => "failed",
        ended => ended.as_str(),
    });
    Ok((after, Some(send)))
}

async fn record(
    ctx: &Ctx,
    after: Notice,
    send: Option<DeliveryAttempt>,
    now: Timestamp,
) -> Result<()> {
    ctx.db
        .write((after, send), move |conn, (after, send)| {
            Box::pin(async move {
                if let Some(send) = send {
                    store::notice::insert_attempt(conn, &send).await?;
                }
                store::notice::update(conn, &after).await?;
                Ok(store::notice::release_later(conn, &after.key, now).await?)
            })
        })
        .await
}

/// Sends a notice now, on an operator's request, in any state. Returns `None` where there is no address.
///
/// # Errors
/// [`Refusal::NoSuchNotice`]; [`Refusal::NoticeNotSendable`] while the notice or an earlier one of its refund is being
/// sent, and where a later one exists, after which it must not arrive.
pub async fn send_again(
    ctx: &Ctx,
    key: &NoticeKey,
    actor: impl Into<Origin>,
) -> Result<(Notice, Option<DeliveryAttempt>)> {
    let origin = actor.into();
    let actor = origin.actor.clone();
    find(ctx, key).await?;
    let merchant = ctx.merchants.of(&key.app_id).await?;
    let now = ctx.clock.now();
    let until = now.plus_ms(LEASE_MS);
    let claimed = ctx
        .db
        .write((key.clone(), origin), move |conn, (wanted, origin)| {
            Box::pin(async move {
                let claimed = store::notice::claim(conn, &wanted, now, until).await?;
                if let Some(notice) = &claimed {
                    audit::record(conn, &act_of_sending(notice, &origin, now)).await?;
                }
                Ok(claimed)
            })
        })
        .await?;
    let notice = claimed.ok_or(Refusal::NoticeNotSendable)?;
    let whole = ctx.clone();
    let sent = ctx
        .tasks
        .spawn(async move { send(&whole, &merchant, notice, actor).await });
    sent.await
        .map_err(|error| Error::internal(format!("a send ended early: {error}")))?
}

/// Makes the audit's act of sending a notice by hand.
fn act_of_sending(notice: &Notice, origin: &Origin, now: Timestamp) -> Act {
    let number = format!("{}/{}", notice.key.refund_no, notice.key.seq);
    let state = json!({"tells": notice.status.as_str(), "attempt": notice.attempts});
    Act::new(
        now,
        origin,
        Action::NoticeSent,
        (SubjectKind::Notice, &number),
    )
    .of_app(&notice.key.app_id)
    .to(state)
}

/// Returns a notice and its attempts, newest first.
///
/// # Errors
/// [`Refusal::NoSuchNotice`].
pub async fn find(ctx: &Ctx, key: &NoticeKey) -> Result<(Notice, Vec<DeliveryAttempt>)> {
    let mut conn = ctx.db.read().await?;
    let notice = store::notice::get(&mut conn, key).await?;
    let attempts = store::notice::attempts(&mut conn, key).await?;
    Ok((notice.ok_or(Refusal::NoSuchNotice)?, attempts))
}

/// Returns one page of an app's notices, newest first.
pub async fn list(
    ctx: &Ctx,
    app_id: &str,
    filter: &NoticeFilter,
    place: &Place,
) -> Result<Page<NoticeRow>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::list::notices(&mut conn, app_id, filter, place).await?)
}

/// Counts the notices in each state that match the filter's other criteria.
pub async fn counts(
    ctx: &Ctx,
    app_id: &str,
    filter: &NoticeFilter,
) -> Result<Vec<(NoticeState, Count)>> {
    let mut conn = ctx.db.read().await?;
    let mut counts = Vec::new();
    for &state in NoticeState::ALL {
        let filter = NoticeFilter {
            state: Some(state),
            ..filter.clone()
        };
        let count = store::list::count_notices(&mut conn, app_id, &filter).await?;
        counts.push((state, count));
    }
    Ok(counts)
}

/// Counts the notices of an app that were given up.
pub async fn count_given_up(ctx: &Ctx, app_id: &str) -> Result<Count> {
    let given_up = NoticeFilter {
        state: Some(NoticeState::GivenUp),
        ..NoticeFilter::default()
    };
    let mut conn = ctx.db.read().await?;
    Ok(store::list::count_notices(&mut conn, app_id, &given_up).await?)
}

/// Returns the notices of a refund, oldest first.
pub async fn of_refund(ctx: &Ctx, app_id: &str, refund_no: &str) -> Result<Vec<Notice>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::notice::of_refund(&mut conn, app_id, refund_no).await?)
}
