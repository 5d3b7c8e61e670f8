//! What the server does by itself.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::people::sessions;
use crate::server::{notices, people, refunds};

/// Starts all jobs. They end when the set is dropped: each run is safe to break off.
pub fn spawn(ctx: &Ctx) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(every(
        TEN_MINUTES,
        "clean-up of sessions",
        ctx.clone(),
        sessions::clean_up,
    ));
    jobs.spawn(every(
        TEN_MINUTES,
        "clean-up of failed logins",
        ctx.clone(),
        people::clean_up,
    ));
    jobs.spawn(every(
        FIFTEEN_SECONDS,
        "renewal of the node's number",
        ctx.clone(),
        renew_node_lease,
    ));
    jobs.spawn(every(
        MINUTE,
        "raising of refunds open too long",
        ctx.clone(),
        refunds::flag_overdue,
    ));
    jobs.spawn(in_lanes(
        "scheduled sync",
        ctx.clone(),
        refunds::sync_lanes,
        async |ctx, lane| refunds::sync_due(ctx, lane).await,
    ));
    jobs.spawn(in_lanes(
        "sending of notices",
        ctx.clone(),
        notices::send_lanes,
        async |ctx, lane: &String| notices::send_due(ctx, lane).await,
    ));
    jobs
}

const FIFTEEN_SECONDS: Duration = Duration::from_secs(15);
const TEN_MINUTES: Duration = Duration::from_secs(600);
const MINUTE: Duration = Duration::from_secs(60);
/// How long what is due waits at most until it is seen.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Runs a job now and then, for as long as the server runs. It returns how much it did.
async fn every(
    period: Duration,
    name: &'static str,
    ctx: Ctx,
    job: impl AsyncFn(&Ctx) -> Result<u64>,
) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        report(name, job(&ctx).await);
    }
}

/// Runs a job in lanes that do not wait for each other, each again and again for as long as the
/// server runs.
async fn in_lanes<Lane>(
    name: &'static str,
    ctx: Ctx,
    lanes: impl AsyncFn(&Ctx) -> Result<Vec<Lane>>,
    job: impl AsyncFn(&Ctx, &Lane) -> Result<u64> + Clone,
) where
    Lane: Eq + Hash + Clone,
{
    let mut ticks = tokio::time::interval(POLL_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut busy: HashSet<Lane> = HashSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some((lane, outcome)) = running.next() => {
                busy.remove(&lane);
                report(name, outcome);
            }
            _ = ticks.tick() => match lanes(&ctx).await {
                Ok(all) => for lane in all {
                    if busy.insert(lane.clone()) {
                        let (ctx, job) = (&ctx, &job);
                        running.push(async move {
                            let outcome = job(ctx, &lane).await;
                            (lane, outcome)
                        });
                    }
                },
                Err(error) => report(name, Err(error)),
            },
        }
    }
}

async fn renew_node_lease(ctx: &Ctx) -> Result<u64> {
    ctx.numbers.lease.renew(ctx.clock.now()).await?;
    Ok(1)
}

fn report(name: &'static str, outcome: Result<u64>) {
    match outcome {
        Ok(0) => {}
        Ok(done) => tracing::debug!(job = name, done, "a job ran"),
        Err(error) => tracing::error!(job = name, %error, "a job failed"),
    }
}
