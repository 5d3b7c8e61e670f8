//! Asking the channel for a refund's true state, and submitting again what it never saw.

use crate::domain::error::Refusal;
use crate::domain::event::{Actor, EventKind};
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Order;
use crate::domain::refund::{Evidence, Outcome, OutcomeKind, Refund, RefundKey, Source};
use crate::domain::time::Timestamp;
use crate::server::channels::{Answer, ChannelAdapter};
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::refunds::apply::{
    in_time, leased_until, log_breaker_error, run_detached, settle, submit,
};
use crate::server::refunds::issue::Reservation;
use crate::server::refunds::{current, event, find, save_version};
use crate::server::store;

/// What a sync of a refund found.
#[derive(Clone, Debug)]
pub struct RefundSync {
    pub refund: Refund,
    /// What the channel said, in a word.
    pub outcome: OutcomeKind,
    /// Whether our state was changed by it.
    pub changed: bool,
    /// Whether it was submitted again, the channel never having seen it.
    pub resubmitted: bool,
    /// What the channel said, word for word.
    pub said: String,
}

/// Asks the channel for a refund's true state, settles ours to it, and submits the refund again
/// where the channel never saw it.
///
/// # Errors
/// [`Refusal::SyncUnderWay`] while it is being synced or submitted.
#[tracing::instrument(level = "debug", skip_all, fields(app = merchant.app_id))]
pub async fn sync(
    ctx: &Ctx,
    merchant: &MerchantApp,
    key: &RefundKey,
    actor: Actor,
) -> Result<RefundSync> {
    let (whole, merchant, key) = (ctx.clone(), merchant.clone(), key.clone());
    run_detached(
        ctx,
        async move { sync_it(&whole, &merchant, &key, actor).await },
    )
    .await
}

async fn sync_it(
    ctx: &Ctx,
    merchant: &MerchantApp,
    key: &RefundKey,
    actor: Actor,
) -> Result<RefundSync> {
    let (refund, order) = find(ctx, merchant, key).await?;
    ctx.channels.adapter(refund.channel)?;
    let refund = claim(ctx, refund).await?.ok_or(Refusal::SyncUnderWay)?;
    sync_claimed(ctx, merchant, order, refund, actor).await
}

/// Claims a refund, so that nothing else is begun with it; tells how it stands then. `None`: something
/// is under way with it.
pub(super) async fn claim(ctx: &Ctx, refund: Refund) -> Result<Option<Refund>> {
    let now = ctx.clock.now();
    let until = leased_until(ctx, now);
    ctx.db
        .write(move |conn| {
            let refund = refund.clone();
            Box::pin(async move {
                if !store::refund::claim(conn, &refund.app_id, &refund.refund_no, now, until)
                    .await?
                {
                    return Ok(None);
                }
                current(conn, &refund).await.map(Some)
            })
        })
        .await
}

/// The sync of a refund that was claimed.
pub(super) async fn sync_claimed(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: Order,
    refund: Refund,
    actor: Actor,
) -> Result<RefundSync> {
    let sync = ask(ctx, merchant, &order, refund, actor).await?;
    let never_seen =
        sync.outcome == OutcomeKind::NotFound && sync.refund.holds() && !sync.refund.acknowledged;
    if !never_seen {
        return Ok(sync);
    }
    let refund = resubmit(ctx, merchant, order, sync.refund).await?;
    Ok(RefundSync {
        changed: sync.changed || !refund.holds(),
        resubmitted: true,
        refund,
        ..sync
    })
}

/// Asks the channel for a refund that was claimed, and settles it by the answer.
pub(super) async fn ask(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: &Order,
    refund: Refund,
    actor: Actor,
) -> Result<RefundSync> {
    let adapter = ctx.channels.adapter(refund.channel)?;
    let asked_at = ctx.clock.now();
    let answer = adapter.query_refund(merchant, order, &refund);
    let answer = in_time(ctx, &refund, "query", answer).await;
    let lane = (refund.app_id.clone(), refund.channel);
    log_breaker_error(match answer.outcome {
        Outcome::Unknown { .. } => ctx.breakers.failed(&lane, &answer.said).await,
        _ => ctx.breakers.answered(&lane).await,
    });
    let answer = not_yet_visible(adapter, &refund, asked_at, answer);
    let outcome = answer.outcome.kind();
    let evidence = Evidence {
        source: Source::Sync,
        attempt: refund.attempt,
        outcome: answer.outcome,
        at: asked_at,
    };
    let before = refund.status;
    let refund = settle(ctx, refund, evidence, actor, &answer.said).await?;
    Ok(RefundSync {
        changed: refund.status != before,
        outcome,
        resubmitted: false,
        said: answer.said,
        refund,
    })
}

/// So soon after a submission only good news is news, whatever it was answered with: "not found" may
/// mean "not yet", and a refusal may be that of an earlier submission.
fn not_yet_visible(
    adapter: &dyn ChannelAdapter,
    refund: &Refund,
    asked_at: Timestamp,
    answer: Answer<Outcome>,
) -> Answer<Outcome> {
    let delay = i64::try_from(adapter.visibility_delay().as_millis()).unwrap_or(i64::MAX);
    let too_soon = asked_at < refund.submitted_at.plus_ms(delay);
    match answer.outcome {
        Outcome::NotFound | Outcome::Fail { .. } | Outcome::Close { .. } if too_soon => {
            let why = format!(
                "{}, but so soon after the submission",
                answer.outcome.kind()
            );
            Answer {
                outcome: Outcome::Unknown { why },
                ..answer
            }
        }
        _ => answer,
    }
}

/// Submits a refund that the channel never saw, under the same number.
async fn resubmit(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: Order,
    refund: Refund,
) -> Result<Refund> {
    let now = ctx.clock.now();
    let leased_until = leased_until(ctx, now);
    let submitted = ctx
        .db
        .write(move |conn| {
            let refund = refund.clone();
            Box::pin(async move {
                let current = current(conn, &refund).await?;
                let taken_up = current.attempt != refund.attempt || current.leased_until > now;
                if !current.holds() || current.acknowledged || taken_up {
                    return Ok(Reservation::Known(Box::new(current)));
                }
                let next = Refund {
                    leased_until,
                    version: current.version + 1,
                    ..current.submitted_again(now)
                };
                save_version(conn, &next).await?;
                store::event::insert(
                    conn,
                    &event(&next, EventKind::Resubmitted, Actor::System, now),
                )
                .await?;
                Ok(Reservation::New(Box::new(next)))
            })
        })
        .await?;
    match submitted {
        Reservation::New(refund) => submit(ctx, merchant, order, *refund).await,
        Reservation::Known(refund) => Ok(*refund),
        Reservation::Refused(refusal) => Err(refusal.into()),
    }
}
