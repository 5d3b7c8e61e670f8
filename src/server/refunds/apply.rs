//! The only door: evidence is applied to a refund, its order's balance and its timeline in one
//! transaction. And the call to the channel that brings most of it.

use std::time::{Duration, Instant};

use tracing::Instrument;

use crate::domain::event::{Actor, Event, EventKind};
use crate::domain::limits;
use crate::domain::merchant::MerchantApp;
use crate::domain::money::Fen;
use crate::domain::order::Order;
use crate::domain::refund::{Effect, Evidence, Outcome, Refund, Source};
use crate::domain::text::sanitized;
use crate::domain::time::Timestamp;
use crate::server::channels::Answer;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::refunds::{changed_event, current, refundable};
use crate::server::{counters, notices, store};

/// The only door: applies evidence to a refund, its order's balance and its timeline, and writes down
/// what its merchant is to be told, in one transaction. Idempotent, and indifferent to the order in which evidence arrives.
///
/// `known` is the refund as last seen. When it has changed since, the evidence is weighed again
/// against what it has become.
pub(super) async fn settle(
    ctx: &Ctx,
    known: Refund,
    evidence: Evidence,
    actor: Actor,
    said: &str,
) -> Result<Refund> {
    let now = ctx.clock.now();
    let begun = known.leased_until;
    let said = sanitized(said, limits::SAID_BYTES);
    let recheck_ms = ctx.config.recheck_after_ms;
    let merchant = ctx.merchants.of(&known.app_id).await?;
    let (settled, changed) = ctx
        .db
        .write(move |conn| {
            let (mut current, evidence, actor, said) =
                (known.clone(), evidence.clone(), actor.clone(), said.clone());
            let merchant = merchant.clone();
            Box::pin(async move {
                loop {
                    let refundable = if current.holds() {
                        Fen::ZERO
                    } else {
                        refundable(conn, &current).await?
                    };
                    let settlement = current.settle(refundable, &evidence);
                    let changed = settlement.effect == Effect::Changed;
                    let mut next = Refund {
                        version: current.version + 1,
                        ..settlement.refund
                    };
                    next.next_sync_at = next.next_sync_after(&evidence, changed, now, recheck_ms);
                    // What was begun is over; what somebody else has begun meanwhile is not.
                    let ours = current.leased_until == begun && evidence.attempt == current.attempt;
                    if evidence.source != Source::Callback && ours {
                        next.leased_until = Timestamp::default();
                    }
                    if !store::refund::update(conn, &next).await? {
                        current = crate::server::refunds::apply::current(conn, &current).await?;
                        continue;
                    }
                    if changed {
                        let (held, refunded) = (settlement.held, settlement.refunded);
                        store::order::move_balance(
                            conn,
                            &next.app_id,
                            &next.order_no,
                            held,
                            refunded,
                        )
                        .await?;
                        notices::enqueue(conn, &merchant, &next, now).await?;
                    }
                    let kind = match evidence.source {
                        Source::Answer => EventKind::Answered,
                        Source::Callback => EventKind::Callback,
                        Source::Sync => EventKind::Sync,
                    };
                    let event = Event {
                        outcome: Some(evidence.outcome.kind()),
                        said: Some(said),
                        ..changed_event(&next, kind, actor, now, current.status)
                    };
                    store::event::insert(conn, &event).await?;
                    return Ok((next, changed));
                }
            })
        })
        .await?;
    if changed && !settled.holds() {
        counters::settled(settled.channel, settled.status);
    }
    Ok(settled)
}

/// Submits a refund whose intent is written down, and settles it by the answer.
pub(super) async fn submit(
    ctx: &Ctx,
    merchant: &MerchantApp,
    order: Order,
    refund: Refund,
) -> Result<Refund> {
    let adapter = ctx.channels.adapter(refund.channel)?;
    let answer = adapter.refund(merchant, &order, &refund);
    let answer = in_time(ctx, &refund, "submit", answer).await;
    let lane = (refund.app_id.clone(), refund.channel);
    if !matches!(answer.outcome, Outcome::Unknown { .. }) {
        log_breaker_error(ctx.breakers.answered(&lane).await);
    }
    let evidence = Evidence {
        source: Source::Answer,
        attempt: refund.attempt,
        outcome: answer.outcome,
        at: ctx.clock.now(),
    };
    settle(ctx, refund, evidence, Actor::Channel, &answer.said).await
}

/// A channel's answer within the time limit; silence is an unknown outcome, not a failure.
/// `operation` is what it is counted as.
#[tracing::instrument(name = "channel", level = "debug", skip_all, fields(app = refund.app_id, channel = refund.channel.as_str(), operation = operation))]
pub(super) async fn in_time(
    ctx: &Ctx,
    refund: &Refund,
    operation: &'static str,
    answer: impl Future<Output = Answer<Outcome>>,
) -> Answer<Outcome> {
    let limit = Duration::from_millis(u64::try_from(ctx.config.channel_time_limit_ms).unwrap_or(0));
    let began = Instant::now();
    let answer = tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| {
            let why = format!("no answer within {} ms", limit.as_millis());
            Answer {
                said: why.clone(),
                outcome: Outcome::Unknown { why },
            }
        });
    let found = answer.outcome.kind();
    counters::channel_called(
        &refund.app_id,
        refund.channel,
        operation,
        found,
        began.elapsed(),
    );
    answer
}

/// A breaker that cannot be kept is no reason to lose evidence.
pub(super) fn log_breaker_error(heard: Result<()>) {
    if let Err(error) = heard {
        tracing::error!(%error, "a breaker could not be kept");
    }
}

/// How long a submission or a sync that began now keeps others away, should it never end: longer
/// than both calls to the channel that a sync may make.
pub(super) fn leased_until(ctx: &Ctx, now: Timestamp) -> Timestamp {
    now.plus_ms(2 * ctx.config.channel_time_limit_ms + 10_000)
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
