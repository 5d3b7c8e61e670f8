//! What the server does by itself.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::app::App;
use super::error::Result;
use super::{operators, sessions};

/// Starts all jobs. They end when the set is dropped: each run is safe to break off.
pub fn spawn(app: &App) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    jobs.spawn(every(
        TEN_MINUTES,
        "clean-up of sessions",
        app.clone(),
        sessions::clean_up,
    ));
    jobs.spawn(every(
        TEN_MINUTES,
        "clean-up of failed logins",
        app.clone(),
        operators::clean_up,
    ));
    jobs
}

const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Runs a job now and then, for as long as the server runs. It returns how much it did.
async fn every(
    period: Duration,
    name: &'static str,
    app: App,
    job: impl AsyncFn(&App) -> Result<u64>,
) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match job(&app).await {
            Ok(0) => {}
            Ok(done) => tracing::debug!(job = name, done, "a job ran"),
            Err(error) => tracing::error!(job = name, %error, "a job failed"),
        }
    }
}
