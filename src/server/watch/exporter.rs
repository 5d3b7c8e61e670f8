//! `/metrics`, on a listener of its own, since figures are meant for those who run the server, not for its clients.

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

/// Upper bounds of the histogram buckets for durations, in seconds: from a look-up to the slowest channel.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Interval at which measurements are summed up. Until then they take memory, scraped or not.
const UPKEEP: Duration = Duration::from_secs(5);

/// Installs the recorder of figures and starts its upkeep task. Possible once in a process.
///
/// # Errors
/// Fails on a second call.
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

/// All figures that were counted and measured.
#[derive(Clone)]
pub struct Figures {
    ctx: Ctx,
    figures: PrometheusHandle,
    process: Collector,
    readings: Arc<Readings>,
}

/// Returns the routes of the second listener.
pub fn routes(figures: Figures) -> Router {
    let ctx = figures.ctx.clone();
    Router::new()
        .route("/metrics", get(scrape))
        .with_state(figures)
        .merge(health::routes(ctx))
}

/// Answers with all current figures. Those from the database are read within a time limit.
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
