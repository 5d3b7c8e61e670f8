//! Calls of a channel about a refund, with no transaction open, and leases, which keep two such calls apart.

use std::time::{Duration, Instant};

use tracing::Instrument;

use crate::domain::event::Actor;
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Order;
use crate::domain::refund::{Evidence, Lease, Outcome, Refund, Source};
use crate::domain::time::Timestamp;
use crate::server::channels::Reply;
use crate::server::counters;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::refunds::apply::{settle, unknown};
use crate::server::store;

/// Submits a refund whose submission is written down, settles it by the answer, and ends the lease.
pub(super) async fn submit(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: &Order,
    refund: Refund,
) -> Result<Refund> {
    let lease = refund.lease();
    let adapter = ctx.channels.adapter(refund.channel)?;
    let answer = adapter.refund(merchant, order, &refund);
    let reply = with_time_limit(ctx, &refund, "submit", answer).await;
    let evidence = Evidence {
        source: Source::Answer,
        attempt: refund.submissions,
        outcome: reply.outcome,
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

/// Awaits a channel's reply within the time limit. Silence is an unknown outcome, not a failure. The call is
/// counted as `operation`, and the channel's breaker hears of it.
#[tracing::instrument(name = "channel", level = "debug", skip_all, fields(app = refund.app_id, channel = refund.channel.as_str(), operation = operation))]
pub(super) async fn with_time_limit(
    ctx: &Ctx,
    refund: &Refund,
    operation: &'static str,
    answer: impl Future<Output = Reply<Outcome>>,
) -> Reply<Outcome> {
    let limit = Duration::from_millis(u64::try_from(ctx.config.channel_time_limit_ms).unwrap_or(0));
    let began = Instant::now();
    let reply = tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| {
            let why = format!("no answer within {} ms", limit.as_millis());
            Reply {
                raw: why.clone(),
                outcome: unknown(why),
            }
        });
    let reply = Reply {
        outcome: reply.outcome.cleaned(),
        ..reply
    };
    let outcome = reply.outcome.kind();
    counters::channel_called(
        &refund.app_id,
        refund.channel,
        operation,
        outcome,
        began.elapsed(),
    );
    let key = (refund.app_id.clone(), refund.channel);
    let heard = match reply.outcome {
        Outcome::Unknown { .. } => ctx.breakers.failed(&key, &reply.raw).await,
        _ => ctx.breakers.answered(&key).await,
    };
    if let Err(error) = heard {
        // The evidence is worth more than the breaker's state.
        tracing::error!(%error, "a breaker's state could not be stored");
    }
    reply
}

/// Returns the end of a lease that begins now: later than the end of both calls of the channel that a sync may
/// make.
pub(super) fn leased_until(ctx: &Ctx, now: Timestamp) -> Timestamp {
    now.plus_ms(2 * ctx.config.channel_time_limit_ms + 10_000)
}

/// Ends a lease that no evidence ended. One that cannot be ended now ends by itself.
pub(super) async fn release(ctx: &Ctx, lease: Lease) {
    let released = ctx.db.write(move |conn| {
        let lease = lease.clone();
        Box::pin(async move { Ok(store::refund::release(conn, &lease).await?) })
    });
    if let Err(error) = released.await {
        tracing::warn!(%error, "a lease on a refund could not be ended");
    }
}

/// Runs work that must not stop half way when its caller goes away.
pub(super) async fn run_detached<T: Send + 'static>(
    ctx: &Ctx,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    ctx.tasks
        .spawn(work.in_current_span())
        .await
        .map_err(|error| Error::internal(format!("a task ended early: {error}")))?
}
