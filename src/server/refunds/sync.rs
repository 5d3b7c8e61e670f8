//! Syncs: asking the channel for a refund's true state, and submitting what the channel never saw.

use crate::domain::audit::Origin;
use crate::domain::error::Refusal;
use crate::domain::event::{Actor, EventKind};
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Order;
use crate::domain::refund::{
    Evidence, Lease, Outcome, OutcomeKind, Refund, RefundKey, RefundStatus, Source,
};
use crate::domain::time::Timestamp;
use crate::server::channels::{ChannelAdapter, Reply};
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::refunds::apply::{Cause, begin_submission, settle, unknown};
use crate::server::refunds::find;
use crate::server::refunds::submit::{
    leased_until, release, run_detached, submit, with_time_limit,
};
use crate::server::store;

/// The result of a refund's sync.
#[derive(Clone, Debug)]
pub struct RefundSync {
    pub refund: Refund,
    /// The channel's statement, without its details.
    pub outcome: OutcomeKind,
    /// The sync changed our state.
    pub changed: bool,
    /// The refund was submitted: the channel never saw it, or it had not been submitted yet.
    pub submitted: bool,
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
    actor: impl Into<Origin>,
) -> Result<RefundSync> {
    let actor = actor.into();
    let (owned, merchant, key) = (ctx.clone(), merchant.clone(), key.clone());
    run_detached(ctx, async move {
        let (refund, order) = find(&owned, &merchant, &key).await?;
        owned.channels.adapter(refund.channel)?;
        let refund = lease(&owned, &refund).await?.ok_or(Refusal::SyncUnderWay)?;
        sync_leased(&owned, &merchant, &order, refund, actor).await
    })
    .await
}

/// Takes a lease on a refund, so that nobody else begins anything with it. Returns the refund as it is then.
/// `None`: a submission or a sync of it is under way.
pub(super) async fn lease(ctx: &Ctx, refund: &Refund) -> Result<Option<Refund>> {
    let now = ctx.clock.now();
    let until = leased_until(ctx, now);
    let (app_id, refund_no) = (refund.app_id.clone(), refund.refund_no.clone());
    ctx.db
        .write(move |conn| {
            let (app_id, refund_no) = (app_id.clone(), refund_no.clone());
            Box::pin(async move {
                Ok(store::refund::lease(conn, &app_id, &refund_no, now, until).await?)
            })
        })
        .await
}

/// Syncs a refund that was leased. One that was never submitted is submitted; there is nothing to ask for.
pub(super) async fn sync_leased(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: &Order,
    refund: Refund,
    actor: Origin,
) -> Result<RefundSync> {
    // Kept from the beginning on: a refund that is read again later may carry somebody else's lease.
    let lease = refund.lease();
    let synced = match refund.submissions {
        0 => first_submission(ctx, merchant, order, refund, &lease, actor).await,
        _ => ask_and_resubmit(ctx, merchant, order, refund, &lease, actor).await,
    };
    if synced.is_err() {
        release(ctx, lease).await;
    }
    synced
}

async fn first_submission(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: &Order,
    refund: Refund,
    lease: &Lease,
    actor: Origin,
) -> Result<RefundSync> {
    let before = refund.status;
    let (refund, submitted) = submit_again(ctx, merchant, order, refund, lease, actor).await?;
    Ok(RefundSync {
        outcome: match refund.status {
            RefundStatus::Success => OutcomeKind::Success,
            RefundStatus::Fail => OutcomeKind::Fail,
            RefundStatus::Close => OutcomeKind::Close,
            RefundStatus::Progress if refund.acknowledged => OutcomeKind::Accepted,
            RefundStatus::Progress => OutcomeKind::Unknown,
        },
        changed: refund.status != before,
        submitted,
        said: String::new(),
        refund,
    })
}

async fn ask_and_resubmit(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: &Order,
    refund: Refund,
    lease: &Lease,
    actor: Origin,
) -> Result<RefundSync> {
    let before = refund.status;
    let sync = ask(ctx, merchant, order, refund, actor, AfterAsking::KeepLease).await?;
    if !is_never_seen(&sync.refund, sync.outcome) {
        if sync.outcome == OutcomeKind::NotFound {
            release(ctx, lease.clone()).await;
        }
        return Ok(sync);
    }
    let by_itself = Origin::from(Actor::System);
    let (refund, submitted) =
        submit_again(ctx, merchant, order, sync.refund, lease, by_itself).await?;
    Ok(RefundSync {
        changed: refund.status != before,
        submitted,
        refund,
        ..sync
    })
}

/// Returns true for a refund in progress that the channel, asked late enough, does not know and never
/// acknowledged.
fn is_never_seen(refund: &Refund, outcome: OutcomeKind) -> bool {
    outcome == OutcomeKind::NotFound && refund.holds() && !refund.acknowledged
}

/// The use that is made of the lease once the channel was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterAsking {
    /// The lease ends.
    EndLease,
    /// The lease is kept where the channel does not know the refund: it may be submitted again.
    KeepLease,
}

/// Asks the channel for a refund that was leased, and settles it by the answer.
pub(super) async fn ask(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: &Order,
    refund: Refund,
    actor: Origin,
    after: AfterAsking,
) -> Result<RefundSync> {
    let adapter = ctx.channels.adapter(refund.channel)?;
    let asked_at = ctx.clock.now();
    let answer = adapter.query_refund(merchant, order, &refund);
    let reply = with_time_limit(ctx, &refund, "query", answer).await;
    let reply = not_yet_visible(adapter, &refund, asked_at, reply);
    let outcome = reply.outcome.kind();
    let evidence = Evidence {
        source: Source::Sync,
        attempt: refund.submissions,
        outcome: reply.outcome,
        at: asked_at,
    };
    let keep = after == AfterAsking::KeepLease && outcome == OutcomeKind::NotFound;
    let released = (!keep).then(|| refund.lease());
    let before = refund.status;
    let refund = settle(ctx, &refund, evidence, actor, &reply.raw, released).await?;
    Ok(RefundSync {
        changed: refund.status != before,
        outcome,
        submitted: false,
        said: reply.raw,
        refund,
    })
}

/// Treats `NotFound`, `Fail` and `Close` as `Unknown` within the channel's visibility delay: so soon after a
/// submission they may describe the state before it, or an earlier submission.
fn not_yet_visible(
    adapter: &dyn ChannelAdapter,
    refund: &Refund,
    asked_at: Timestamp,
    reply: Reply<Outcome>,
) -> Reply<Outcome> {
    let delay = i64::try_from(adapter.visibility_delay().as_millis()).unwrap_or(i64::MAX);
    let too_soon = asked_at < refund.submitted_at.plus_ms(delay);
    match reply.outcome {
        Outcome::NotFound | Outcome::Fail { .. } | Outcome::Close { .. } if too_soon => {
            let kind = reply.outcome.kind();
            Reply {
                outcome: unknown(format!("{kind}, but so soon after the submission")),
                ..reply
            }
        }
        _ => reply,
    }
}

/// Submits a refund under its number: for the first time, or again where the channel never saw it. The caller
/// has a lease on it. Returns the refund, and false where somebody else was faster and nothing was submitted.
async fn submit_again(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: &Order,
    refund: Refund,
    lease: &Lease,
    actor: Origin,
) -> Result<(Refund, bool)> {
    let now = ctx.clock.now();
    let until = leased_until(ctx, now);
    let kind = match refund.submissions {
        0 => EventKind::Submitted,
        _ => EventKind::Resubmitted,
    };
    let cause = Cause::new(kind, actor, now);
    let (fence, known, owned) = (lease.clone(), refund.clone(), merchant.clone());
    let begun = ctx
        .db
        .write(move |conn| {
            let (lease, known) = (fence.clone(), known.clone());
            let (cause, merchant) = (cause.clone(), owned.clone());
            Box::pin(async move {
                begin_submission(conn, &merchant, &known, &lease, until, &cause).await
            })
        })
        .await?;
    match begun {
        Some(begun) => Ok((submit(ctx, merchant, order, begun).await?, true)),
        None => {
            release(ctx, lease.clone()).await;
            let key = RefundKey::RefundNo(refund.refund_no);
            Ok((find(ctx, merchant, &key).await?.0, false))
        }
    }
}
