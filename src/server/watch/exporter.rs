//! `/metrics`, on a listener of its own: figures are the business of whoever runs the server, not of
//! whoever can reach it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics::gauge;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use tokio::task::JoinSet;

use crate::server::counters::{INFO, READY, begin_at_zero, describe};
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::watch::database_gauges::Readings;
use crate::server::watch::health;

/// The upper ends of what durations are sorted into, in seconds: from a look-up to the slowest
/// channel.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// How often what was measured is summed up, scraped or not: until then it takes memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// Begins to count, and to sum up now and then. Once in a process.
///
/// # Errors
/// At the second time.
pub fn start(ctx: &Ctx, tasks: &mut JoinSet<()>) -> Result<Figures> {
    let unusable = |error| Error::internal(format!("figures cannot be kept: {error}"));
    let figures = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(unusable)?;
    describe();
    begin_at_zero();
    gauge!(INFO, "version" => env!("CARGO_PKG_VERSION")).set(1);
    let process = Collector::default();
    process.describe();

    let kept = figures.clone();
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            kept.run_upkeep();
        }
    });
    Ok(Figures {
        ctx: ctx.clone(),
        figures,
        process,
        readings: Arc::default(),
    })
}

/// Everything that was counted and measured.
#[derive(Clone)]
pub struct Figures {
    ctx: Ctx,
    figures: PrometheusHandle,
    process: Collector,
    readings: Arc<Readings>,
}

/// What the second listener serves.
pub fn routes(figures: Figures) -> Router {
    let ctx = figures.ctx.clone();
    Router::new()
        .route("/metrics", get(scrape))
        .with_state(figures)
        .merge(health::routes(ctx))
}

/// All figures, as of now. What has to be asked of the database is asked within a time limit.
async fn scrape(State(figures): State<Figures>) -> impl IntoResponse {
    const TEXT: [(HeaderName, &str); 1] = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    let ready = health::ready(&figures.ctx).await.is_ok();
    gauge!(READY).set(u32::from(ready));
    figures.readings.refresh(&figures.ctx).await;
    figures.process.collect();
    (TEXT, figures.figures.render())
}
