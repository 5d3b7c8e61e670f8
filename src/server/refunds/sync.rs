//! Syncs: asking the channel for a refund's true state, and submitting a refund that the channel never received.

use crate::domain::audit::Origin;
use crate::domain::error::Refusal;
use crate::domain::event::{Actor, EventKind};
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Order;
use crate::domain::refund::{
    Evidence, Lease, Outcome, OutcomeKind, Refund, RefundKey, RefundStatus, Source, Statement,
    WaitReason,
};
use crate::domain::time::Timestamp;
use crate::server::channels::Line;
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::refunds::Cause;
use crate::server::refunds::apply::{apply, begin_submission, settle, unknown};
use crate::server::refunds::callback::hasten;
use crate::server::refunds::submit::{
    Clearance, Patience, clearance, leased_until, millis, not_before, release, run_detached, submit,
};
use crate::server::refunds::{find, reload};
use crate::server::store;

/// The result of a refund's sync.
#[derive(Clone, Debug)]
pub struct RefundSync {
    pub refund: Refund,
    /// Outcome that the channel stated, without its details.
    pub outcome: OutcomeKind,
    /// True where the sync changed the refund.
    pub changed: bool,
    /// True where the refund was submitted: it had not been submitted yet, or the channel never received it.
    pub submitted: bool,
    /// Text of the channel's answer.
    pub said: String,
}

/// Asks the channel for a refund's true state and settles the refund by it. Submits the refund again where the channel
/// never received it.
///
/// # Errors
/// [`Refusal::SyncUnderWay`] while a sync or a submission of the refund is under way.
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
        let line = owned.channels.line(&refund.account_id).await?;
        let refund = lease(&owned, &refund).await?.ok_or(Refusal::SyncUnderWay)?;
        sync_leased(&owned, &merchant, &line, &order, refund, actor).await
    })
    .await
}

/// Takes a lease on a refund, so that nobody else begins a call about it. Returns the refund as it is then. `None`: a
/// submission or a sync of it is under way.
pub(super) async fn lease(ctx: &Ctx, refund: &Refund) -> Result<Option<Refund>> {
    let now = ctx.clock.now();
    let until = leased_until(ctx, now);
    let (app_id, refund_no) = (refund.app_id.clone(), refund.refund_no.clone());
    ctx.db
        .write((app_id, refund_no), move |conn, (app_id, refund_no)| {
            Box::pin(async move {
                if !store::submission::lease(conn, &app_id, &refund_no, now, until).await? {
                    return Ok(None);
                }
                let key = RefundKey::RefundNo(refund_no);
                Ok(store::refund::by_key(conn, &app_id, &key).await?)
            })
        })
        .await
}

/// Syncs a refund that is leased. A refund that waits to be submitted is submitted without asking; in restored mode it
/// is asked for and not submitted.
pub(super) async fn sync_leased(
    ctx: &Ctx,
    merchant: &MerchantApp,
    line: &Line<'_>,
    order: &Order,
    refund: Refund,
    actor: Origin,
) -> Result<RefundSync> {
    // Read now: a later copy of the refund may have another node's lease.
    let lease = refund.lease();
    if refund.rests() {
        release(ctx, lease).await;
        return Ok(resting(refund));
    }
    let synced = match ctx.restored.is_on().await {
        Err(error) => Err(error),
        Ok(true) => only_ask(ctx, merchant, line, order, refund, actor).await,
        Ok(false) if refund.waits_to_be_submitted() => {
            submit_waiting(ctx, merchant, line, order, refund, &lease, actor).await
        }
        Ok(false) => ask_and_resubmit(ctx, merchant, line, order, refund, &lease, actor).await,
    };
    if synced.is_err() {
        release(ctx, lease).await;
    }
    synced
}

/// Returns the result of a sync for a refund that awaits an approval: nothing was asked or submitted.
fn resting(refund: Refund) -> RefundSync {
    RefundSync {
        refund,
        outcome: OutcomeKind::Unknown,
        changed: false,
        submitted: false,
        said: String::new(),
    }
}

async fn submit_waiting(
    ctx: &Ctx,
    merchant: &MerchantApp,
    line: &Line<'_>,
    order: &Order,
    refund: Refund,
    lease: &Lease,
    actor: Origin,
) -> Result<RefundSync> {
    let before = refund.status;
    let (refund, submitted) =
        submit_again(ctx, merchant, line, order, refund, lease, actor).await?;
    Ok(RefundSync {
        outcome: match refund.status {
            RefundStatus::Success => OutcomeKind::Success,
            RefundStatus::Fail => OutcomeKind::Fail,
            RefundStatus::Close => OutcomeKind::Close,
            RefundStatus::Progress if refund.submissions.acknowledged() => OutcomeKind::Accepted,
            RefundStatus::Progress => OutcomeKind::Unknown,
        },
        changed: refund.status != before,
        submitted,
        said: String::new(),
        refund,
    })
}

/// Syncs a refund in restored mode. The channel is asked for a refund that waits for its first submission too: it may
/// have been submitted after the backup was taken. What would be submitted is kept back.
async fn only_ask(
    ctx: &Ctx,
    merchant: &MerchantApp,
    line: &Line<'_>,
    order: &Order,
    refund: Refund,
    actor: Origin,
) -> Result<RefundSync> {
    // Before the channel is asked, so that a silent channel does not leave the refund due for ever.
    let refund = match refund.submissions.last().waits() {
        true => keep_back(ctx, merchant, refund).await?,
        false => refund,
    };
    let sync = ask(ctx, line, order, refund, actor, AfterAsking::EndLease).await?;
    let repeats = line.policy().repeats_unknown;
    let refund = match repeats && is_never_seen(&sync.refund, sync.outcome) {
        true => keep_back(ctx, merchant, sync.refund).await?,
        false => sync.refund,
    };
    // Where the mode has ended since it was read, the refund was made due before it was put off again.
    if refund.submissions.are_kept_back() && !ctx.restored.is_on_now().await? {
        hasten(ctx, refund.clone(), ctx.clock.now()).await?;
    }
    Ok(RefundSync { refund, ..sync })
}

/// Lets a refund that is to be submitted wait for the end of restored mode. Returns any other refund as it is.
async fn keep_back(ctx: &Ctx, merchant: &MerchantApp, refund: Refund) -> Result<Refund> {
    let cause = Cause::new(EventKind::PutOff, Actor::System, ctx.clock.now());
    let merchant = merchant.clone();
    ctx.db
        .write(
            (refund, cause, merchant),
            move |conn, (refund, cause, merchant)| {
                Box::pin(async move {
                    let current = reload(conn, &refund).await?;
                    match current.kept_back(cause.at) {
                        Some(waits) => apply(conn, &merchant, &current, waits, &cause, None).await,
                        None => Ok(current),
                    }
                })
            },
        )
        .await
}

async fn ask_and_resubmit(
    ctx: &Ctx,
    merchant: &MerchantApp,
    line: &Line<'_>,
    order: &Order,
    refund: Refund,
    lease: &Lease,
    actor: Origin,
) -> Result<RefundSync> {
    let before = refund.status;
    let sync = ask(ctx, line, order, refund, actor, AfterAsking::KeepLease).await?;
    let repeats = line.policy().repeats_unknown;
    if !repeats || !is_never_seen(&sync.refund, sync.outcome) {
        if sync.outcome == OutcomeKind::NotFound {
            release(ctx, lease.clone()).await;
        }
        return Ok(sync);
    }
    let by_itself = Origin::from(Actor::System);
    let (refund, submitted) =
        submit_again(ctx, merchant, line, order, sync.refund, lease, by_itself).await?;
    Ok(RefundSync {
        changed: refund.status != before,
        submitted,
        refund,
        ..sync
    })
}

/// Returns true for a refund in progress that the channel has never acknowledged and, asked after the visibility delay,
/// does not know.
fn is_never_seen(refund: &Refund, outcome: OutcomeKind) -> bool {
    outcome == OutcomeKind::NotFound && refund.holds() && !refund.submissions.acknowledged()
}

/// The treatment of the lease after the channel was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterAsking {
    /// Ends the lease.
    EndLease,
    /// Keeps the lease where the channel does not know the refund, which may then be submitted again.
    KeepLease,
}

/// Asks the channel for a refund that is leased, and settles it by the answer.
pub(super) async fn ask(
    ctx: &Ctx,
    line: &Line<'_>,
    order: &Order,
    refund: Refund,
    actor: Origin,
    after: AfterAsking,
) -> Result<RefundSync> {
    let asked_at = ctx.clock.now();
    let submission = refund.submissions.current();
    let reply = line.query(order, submission).await;
    let delay = line.policy().visibility_delay;
    let visible_from = refund.submitted_at().plus_ms(millis(delay));
    let statement = Statement {
        outcome: not_yet_visible(reply.outcome.outcome, asked_at < visible_from),
        ..reply.outcome
    };
    let outcome = statement.outcome.kind();
    let evidence = Evidence {
        source: Source::Sync,
        attempt: submission.attempt,
        outcome: statement.outcome,
        amount: statement.amount,
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
fn not_yet_visible(outcome: Outcome, too_soon: bool) -> Outcome {
    match outcome {
        Outcome::NotFound | Outcome::Fail { .. } | Outcome::Close { .. } if too_soon => {
            let kind = outcome.kind();
            unknown(format!("{kind}, but so soon after the submission"))
        }
        outcome => outcome,
    }
}

/// Submits a refund that the caller has leased: the submission that waits, or another one of the same number where the
/// channel never received it. Returns the refund, and false where nothing was submitted because another node was faster
/// or the refund has to wait.
async fn submit_again(
    ctx: &Ctx,
    merchant: &MerchantApp,
    line: &Line<'_>,
    order: &Order,
    refund: Refund,
    lease: &Lease,
    actor: Origin,
) -> Result<(Refund, bool)> {
    let last = refund.submissions.last();
    let not_before = match last.waits() {
        true => not_before(ctx, line, order).await?.max(last.not_before),
        false => Timestamp::default(),
    };
    let cleared = match clearance(ctx, line, not_before, Patience::OneCall).await? {
        Clearance::Now(cleared) => cleared,
        Clearance::Later(WaitReason::Permit, _) => {
            release(ctx, lease.clone()).await;
            return Ok((refund, false));
        }
        Clearance::Later(WaitReason::Restored, _) => {
            release(ctx, lease.clone()).await;
            return Ok((keep_back(ctx, merchant, refund).await?, false));
        }
        Clearance::Later(_, not_before) => {
            let waits = put_off(ctx, merchant, refund, not_before, lease).await?;
            return Ok((waits, false));
        }
    };
    let now = ctx.clock.now();
    let until = leased_until(ctx, now);
    let kind = match refund.submissions.count() {
        0 => EventKind::Submitted,
        _ => EventKind::Resubmitted,
    };
    let cause = Cause::new(kind, actor, now);
    let begun = ctx
        .db
        .write(
            (lease.clone(), refund.clone(), cause, merchant.clone()),
            move |conn, (lease, known, cause, merchant)| {
                Box::pin(async move {
                    begin_submission(conn, &merchant, &known, &lease, until, &cause).await
                })
            },
        )
        .await?;
    match begun {
        Some(begun) => Ok((submit(ctx, line, order, begun, cleared).await?, true)),
        None => {
            release(ctx, lease.clone()).await;
            let key = RefundKey::RefundNo(refund.refund_no);
            Ok((find(ctx, merchant, &key).await?.0, false))
        }
    }
}

/// Postpones a waiting submission until `not_before`, and ends the lease.
async fn put_off(
    ctx: &Ctx,
    merchant: &MerchantApp,
    refund: Refund,
    not_before: Timestamp,
    lease: &Lease,
) -> Result<Refund> {
    let cause = Cause::new(EventKind::PutOff, Actor::System, ctx.clock.now());
    let (lease, merchant) = (lease.clone(), merchant.clone());
    ctx.db
        .write(
            (refund, cause, lease, merchant),
            move |conn, (refund, cause, lease, merchant)| {
                Box::pin(async move {
                    let current = reload(conn, &refund).await?;
                    let reason = match current.submissions.last().waits_for {
                        // Restored mode is over.
                        Some(WaitReason::Restored) => Some(WaitReason::Spacing),
                        reason => reason,
                    };
                    let Some(reason) = reason.filter(|_| current.waits_to_be_submitted()) else {
                        return Ok(current);
                    };
                    let waits = current.put_off(reason, not_before);
                    apply(conn, &merchant, &current, waits, &cause, Some(&lease)).await
                })
            },
        )
        .await
}
