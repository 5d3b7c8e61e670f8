//! The jobs that the server runs by itself.
//!
//! A run that panics is counted, and the job goes on with its next run. A job that ends nevertheless is a defect that
//! no further run can repair, so the server stops with an error and its supervisor starts it again.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::task::{Id, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::server::counters;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::people::sessions;
use crate::server::{audit, backup, balances, merchants, notices, people, refunds, retention};

// Names of the jobs, in figures and in the log.
pub const SESSIONS: &str = "sessions";
pub const LOGIN_FAILURES: &str = "login_failures";
pub const OLD_SECRETS: &str = "old_secrets";
pub const NODE_NUMBER: &str = "node_number";
pub const CHECKUP: &str = "checkup";
pub const RETENTION: &str = "retention";
pub const BALANCES: &str = "balances";
pub const BACKUP: &str = "backup";
pub const OVERDUE: &str = "overdue";
pub const AUDIT: &str = "audit";
pub const SYNCS: &str = "syncs";
pub const NOTICES: &str = "notices";

/// Starts all jobs. Each run may be aborted at any point.
pub fn spawn(ctx: &Ctx) -> Jobs {
    let mut jobs = Jobs::on(ctx);
    jobs.every(FIFTEEN_SECONDS, NODE_NUMBER, |ctx| {
        renew_node_lease(ctx).boxed()
    });
    jobs.every(FIVE_SECONDS, CHECKUP, |ctx| {
        ctx.checkup.look(&ctx.db, &ctx.clock).boxed()
    });
    jobs.every(MINUTE, OVERDUE, |ctx| refunds::flag_overdue(ctx).boxed());
    jobs.every(TEN_MINUTES, SESSIONS, |ctx| sessions::clean_up(ctx).boxed());
    jobs.every(TEN_MINUTES, LOGIN_FAILURES, |ctx| {
        people::clean_up(ctx).boxed()
    });
    jobs.every(TEN_MINUTES, OLD_SECRETS, |ctx| {
        merchants::delete_expired_secrets(ctx).boxed()
    });
    jobs.every(TEN_MINUTES, RETENTION, |ctx| {
        retention::clean_up(ctx).boxed()
    });
    let balances_ms = ctx.config.balance_check_every_ms;
    if let Some(period) = u64::try_from(balances_ms).ok().filter(|ms| *ms > 0) {
        jobs.every(Duration::from_millis(period), BALANCES, |ctx| {
            balances::check(ctx).boxed()
        });
    }
    if ctx.config.backup_dir.is_some() {
        jobs.every(MINUTE, BACKUP, |ctx| backup::take_due(ctx).boxed());
    }
    jobs.every(TWO_SECONDS, AUDIT, |ctx| audit::seal(&ctx.db).boxed());
    jobs.in_lanes(
        SYNCS,
        |ctx| refunds::sync_lanes(ctx).boxed(),
        |ctx, lane| refunds::sync_due(ctx, lane).boxed(),
    );
    jobs.in_lanes(
        NOTICES,
        |ctx| notices::send_lanes(ctx).boxed(),
        |ctx, lane| notices::send_due(ctx, lane).boxed(),
    );
    jobs
}

const TWO_SECONDS: Duration = Duration::from_secs(2);
const FIVE_SECONDS: Duration = Duration::from_secs(5);
const FIFTEEN_SECONDS: Duration = Duration::from_secs(15);
const TEN_MINUTES: Duration = Duration::from_secs(600);
const MINUTE: Duration = Duration::from_secs(60);
/// Maximum time between two looks for due work.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A run of a job. Returns the amount of work that it did.
type Run<'a> = BoxFuture<'a, Result<u64>>;

/// The running jobs. Dropping this ends them.
pub struct Jobs {
    ctx: Ctx,
    running: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

impl Jobs {
    fn on(ctx: &Ctx) -> Jobs {
        Jobs {
            ctx: ctx.clone(),
            running: JoinSet::new(),
            names: HashMap::new(),
        }
    }

    /// Starts a job that runs at once and then once every `period`.
    fn every(&mut self, period: Duration, name: &'static str, run: fn(&Ctx) -> Run<'_>) {
        self.start(name, every(period, name, self.ctx.clone(), run));
    }

    /// Starts a job with independent lanes. Once a second, it runs in each lane that has something due and is not
    /// running.
    fn in_lanes<Lane>(
        &mut self,
        name: &'static str,
        lanes: fn(&Ctx) -> BoxFuture<'_, Result<Vec<Lane>>>,
        run: for<'a> fn(&'a Ctx, &'a Lane) -> Run<'a>,
    ) where
        Lane: Eq + Hash + Clone + Send + Sync + 'static,
    {
        self.start(name, in_lanes(name, self.ctx.clone(), lanes, run));
    }

    fn start(&mut self, name: &'static str, job: impl Future<Output = ()> + Send + 'static) {
        counters::job_started(name);
        self.names.insert(self.running.spawn(job).id(), name);
    }

    /// Waits until a job has ended, and returns its name. No job ends without a defect.
    pub async fn ended(&mut self) -> &'static str {
        let id = match self.running.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return std::future::pending().await,
        };
        self.names.get(&id).copied().unwrap_or("unknown")
    }

    /// Ends all jobs.
    pub async fn shutdown(&mut self) {
        self.running.shutdown().await;
    }
}

async fn every(period: Duration, name: &'static str, ctx: Ctx, run: fn(&Ctx) -> Run<'_>) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        report(name, unless_it_panics(name, run(&ctx)).await);
    }
}

async fn in_lanes<Lane>(
    name: &'static str,
    ctx: Ctx,
    lanes: fn(&Ctx) -> BoxFuture<'_, Result<Vec<Lane>>>,
    run: for<'a> fn(&'a Ctx, &'a Lane) -> Run<'a>,
) where
    Lane: Eq + Hash + Clone + Send + Sync,
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
            _ = ticks.tick() => match due(&ctx, name, lanes).await {
                Ok(all) => for lane in all {
                    if busy.insert(lane.clone()) {
                        let ctx = &ctx;
                        running.push(async move {
                            let outcome = unless_it_panics(name, run(ctx, &lane)).await;
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

/// Returns the lanes that have something due. Returns none on a node whose clock is wrong, since it cannot tell which
/// leases of other nodes are over.
async fn due<Lane>(
    ctx: &Ctx,
    name: &'static str,
    lanes: fn(&Ctx) -> BoxFuture<'_, Result<Vec<Lane>>>,
) -> Result<Vec<Lane>> {
    if ctx.checkup.clock_is_wrong() {
        return Ok(Vec::new());
    }
    unless_it_panics(name, lanes(ctx)).await
}

/// Turns a panic of a run into an error and counts it. The next run sees nothing half done: runs share only the
/// database, where the panic leaves the transaction uncommitted.
async fn unless_it_panics<T>(name: &'static str, run: BoxFuture<'_, Result<T>>) -> Result<T> {
    AssertUnwindSafe(run)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            counters::job_panicked(name);
            Err(Error::internal("it panicked"))
        })
}

fn report(name: &'static str, outcome: Result<u64>) {
    match outcome {
        Ok(0) => {}
        Ok(done) => tracing::debug!(job = name, done, "a job ran"),
        Err(error) => tracing::error!(job = name, %error, "a job failed"),
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::server::config::Config;
    use crate::server::testing::app_with;

    #[tokio::test]
    async fn a_job_and_a_lane_go_on_after_a_panic_and_it_is_counted() {
        // Each run takes one permit.
        static JOB: Semaphore = Semaphore::const_new(0);
        static BAD_LANE: Semaphore = Semaphore::const_new(0);
        static GOOD_LANE: Semaphore = Semaphore::const_new(0);
        let recorder = PrometheusBuilder::new().build_recorder();
        let figures = recorder.handle();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let panics = |job: &str| {
            let counted = format!("refundry_jobs_panicked_total{{name=\"{job}\"}} ");
            let told = figures.render();
            let line = told.lines().find_map(|line| line.strip_prefix(&counted));
            line.map(|count| count.parse::<u32>().expect("a count"))
        };
        let (ctx, _database) = app_with(Config::default()).await;
        let mut jobs = Jobs::on(&ctx);
        jobs.every(Duration::from_millis(1), "whole", |_| {
            async {
                JOB.add_permits(1);
                panic!("a run")
            }
            .boxed()
        });
        jobs.in_lanes(
            "lanes",
            |_| async { Ok(vec![true, false]) }.boxed(),
            |_, bad| {
                async move {
                    if *bad { &BAD_LANE } else { &GOOD_LANE }.add_permits(1);
                    assert!(!bad, "a run of a lane");
                    Ok(0)
                }
                .boxed()
            },
        );
        assert_eq!((panics("whole"), panics("lanes")), (Some(0), Some(0)));
        for runs in [&JOB, &BAD_LANE, &GOOD_LANE] {
            let _ = runs.acquire_many(2).await.unwrap();
        }
        assert!(jobs.ended().now_or_never().is_none(), "all jobs go on");
        assert!(panics("whole") >= Some(1) && panics("lanes") >= Some(1));
    }

    #[tokio::test]
    async fn a_job_that_ends_for_good_is_told_by_its_name() {
        let (ctx, _database) = app_with(Config::default()).await;
        let mut jobs = Jobs::on(&ctx);
        jobs.start("endless", std::future::pending());
        jobs.start("mortal", async { panic!("beyond any run") });
        assert_eq!(jobs.ended().await, "mortal");
    }
}
