//! Submissions: their numbers and parameters, the decision whether they may go out, the call of the channel with no
//! transaction open, and the leases that keep two calls about one refund apart.

use tracing::Instrument;

use crate::domain::event::Actor;
use crate::domain::money::Fen;
use crate::domain::order::Order;
use crate::domain::refund::{Evidence, Lease, NewNumber, Refund, Source, WaitReason};
use crate::domain::time::Timestamp;
use crate::server::channels::Line;
use crate::server::channels::adapter::RefundTerms;
use crate::server::channels::call::Permit;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::numbers::Kind;
use crate::server::refunds::apply::settle;
use crate::server::store;

/// Makes a new number for a refund of an order, and the parameters of the submissions under it.
pub(super) async fn new_number(
    ctx: &Ctx,
    line: &Line<'_>,
    order: &Order,
    amount: Fen,
    reason: Option<&str>,
) -> Result<NewNumber> {
    let channel_no = ctx.numbers.make(Kind::Refund, ctx.clock.now()).await?;
    let terms = RefundTerms {
        order,
        amount,
        reason,
        channel_no: &channel_no,
    };
    let params = line.params(terms);
    Ok(NewNumber { channel_no, params })
}

/// Returns the earliest time at which a refund of an order may be submitted: now, unless the channel wants a pause
/// after the order's last submission. Two that begin at the same time may both be sent; the channel then postpones the
/// second.
pub(super) async fn not_before(ctx: &Ctx, line: &Line<'_>, order: &Order) -> Result<Timestamp> {
    let spacing_ms = millis(line.policy().spacing);
    if spacing_ms == 0 {
        return Ok(Timestamp::default());
    }
    let mut conn = ctx.db.read().await?;
    let (app_id, order_no) = (&order.app_id, &order.order_no);
    let last = store::submission::last_of_order(&mut conn, app_id, order_no).await?;
    Ok(last.map_or(Timestamp::default(), |last| last.plus_ms(spacing_ms)))
}

/// The decision whether a refund may be submitted at this moment.
pub(super) enum Clearance {
    Now(Cleared),
    /// It waits, for this reason and at least until then.
    Later(WaitReason, Timestamp),
}

/// The right to submit one refund. Only [`clearance`] makes one and only [`submit`] takes one, so that no way in
/// submits in restored mode.
pub(super) struct Cleared(Permit);

/// The time that a submission waits for a permit of its channel account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// None; no permit is given while the breaker is open.
    None,
    /// At most the time limit of a call, even while the breaker is open.
    OneCall,
}

/// Decides whether a refund may be submitted now. `not_before` is the earliest time that its order and its own last
/// submission allow, see [`not_before`](fn@not_before).
///
/// # Errors
/// Fails where the database cannot tell whether it is in restored mode. Nothing may be submitted then.
pub(super) async fn clearance(
    ctx: &Ctx,
    line: &Line<'_>,
    not_before: Timestamp,
    patience: Patience,
) -> Result<Clearance> {
    let now = ctx.clock.now();
    if ctx.restored.is_on().await? {
        return Ok(Clearance::Later(WaitReason::Restored, now));
    }
    if not_before > now {
        return Ok(Clearance::Later(WaitReason::Spacing, not_before));
    }
    let permit = match patience {
        Patience::None => line.permit_now(),
        Patience::OneCall => line.permit().await,
    };
    Ok(match permit {
        Some(permit) => Clearance::Now(Cleared(permit)),
        None => Clearance::Later(WaitReason::Permit, now),
    })
}

impl Clearance {
    /// Returns the reason to wait and the earliest time; `None` where the refund may be submitted now.
    pub(super) fn wait(&self) -> Option<(WaitReason, Timestamp)> {
        match self {
            Clearance::Now(_) => None,
            Clearance::Later(reason, not_before) => Some((*reason, *not_before)),
        }
    }
}

/// Begins the submission that waits of a refund, under a lease until `leased_until`; with `wait`, lets it wait instead.
pub(super) fn begin_or_wait(
    refund: Refund,
    wait: Option<(WaitReason, Timestamp)>,
    now: Timestamp,
    leased_until: Timestamp,
) -> Refund {
    match wait {
        None => {
            let mut begun = refund.submitted(now).refund;
            begun.submissions.keep_lease(leased_until);
            begun
        }
        Some((WaitReason::Restored, _)) => match refund.kept_back(now) {
            Some(kept_back) => kept_back.refund,
            None => refund,
        },
        Some((reason, not_before)) => refund.put_off(reason, not_before).refund,
    }
}

pub(super) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Sends a submission that has begun, settles the refund by the answer, and ends the lease.
pub(super) async fn submit(
    ctx: &Ctx,
    line: &Line<'_>,
    order: &Order,
    refund: Refund,
    Cleared(permit): Cleared,
) -> Result<Refund> {
    let lease = refund.lease();
    let submission = refund.submissions.current();
    let reply = line.submit(order, submission, permit).await;
    let evidence = Evidence {
        source: Source::Answer,
        attempt: submission.attempt,
        outcome: reply.outcome.outcome,
        amount: reply.outcome.amount,
        at: ctx.clock.now(),
    };
    settle(
        ctx,
        &refund,
        evidence,
        Actor::Channel,
        &reply.raw,
        Some(lease),
    )
    .await
}

/// Returns the end of a lease that begins now. It outlasts the longest sync: two calls of the channel and the waits for
/// their permits.
pub(super) fn leased_until(ctx: &Ctx, now: Timestamp) -> Timestamp {
    now.plus_ms(4 * ctx.config.channel_time_limit_ms + 10_000)
}

/// Ends a lease that no evidence ended. A failure is only logged, as the lease ends by itself.
pub(super) async fn release(ctx: &Ctx, lease: Lease) {
    let released = ctx.db.write(lease, move |conn, lease| {
        Box::pin(async move { Ok(store::submission::release(conn, &lease).await?) })
    });
    if let Err(error) = released.await {
        tracing::warn!(%error, "a lease on a refund could not be ended");
    }
}

/// Runs work to its end even if the caller goes away.
pub(super) async fn run_detached<T: Send + 'static>(
    ctx: &Ctx,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    ctx.tasks
        .spawn(work.in_current_span())
        .await
        .map_err(|error| Error::internal(format!("a task ended early: {error}")))?
}
