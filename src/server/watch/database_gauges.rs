//! Gauges read from the database when the figures are scraped: rarely, and within a time limit.

use std::time::Duration;

use metrics::gauge;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::server::counters::{
    BACKUP_EVERY_SECONDS, BACKUP_TAKEN_SECONDS, BREAKER_OPEN, HELD_FEN, NOTICES_DUE,
    NOTICES_WAITING, OLDEST_NOTICE_SECONDS, OLDEST_OPEN_SECONDS, READINGS_FRESH, REFUNDS_OPEN,
    REFUNDS_RAISED, RESTORED_MODE, SYNCS_DUE,
};
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::store;
use crate::server::store::gauges;
use crate::server::store::gauges::{Figure, Question};

/// Maximum time for all readings together.
const LIMIT: Duration = Duration::from_secs(2);
/// Minimum time for which readings are reused.
const KEPT: Duration = Duration::from_secs(5);
/// Factor of the time that the readings took, for which they are reused at least. It keeps a large backlog from being
/// counted all the time.
const KEPT_TIMES: u32 = 20;

/// The readings, the most expensive last, so that the others need not wait for it.
const READINGS: [(&str, &Question, Unit); 9] = [
    (
        OLDEST_OPEN_SECONDS,
        &gauges::OLDEST_OPEN_MS,
        Unit::Timestamp,
    ),
    (BREAKER_OPEN, &gauges::BREAKERS, Unit::One),
    (REFUNDS_RAISED, &gauges::RAISED, Unit::One),
    (
        OLDEST_NOTICE_SECONDS,
        &gauges::OLDEST_NOTICE_MS,
        Unit::Timestamp,
    ),
    (SYNCS_DUE, &gauges::SYNCS_DUE, Unit::One),
    (NOTICES_DUE, &gauges::NOTICES_DUE, Unit::One),
    (NOTICES_WAITING, &gauges::NOTICES_WAITING, Unit::One),
    (REFUNDS_OPEN, &gauges::OPEN, Unit::One),
    (HELD_FEN, &gauges::HELD_FEN, Unit::One),
];

#[derive(Clone, Copy)]
enum Unit {
    One,
    /// A moment, shown in seconds.
    Timestamp,
}

/// The time until which the last readings are reused.
#[derive(Default)]
pub struct Readings(Mutex<Option<Instant>>);

impl Readings {
    /// Reads again what is out of date. Simultaneous callers wait for the same readings.
    pub async fn refresh(&self, ctx: &Ctx) {
        let mut good_until = self.0.lock().await;
        let began = Instant::now();
        if good_until.is_some_and(|until| began < until) {
            return;
        }
        let fresh = match timeout(LIMIT, read(ctx)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "the figures of the database cannot be read");
                false
            }
            Err(_) => {
                tracing::warn!("the figures of the database take too long");
                false
            }
        };
        gauge!(READINGS_FRESH).set(u32::from(fresh));
        *good_until = Some(Instant::now() + KEPT.max(began.elapsed() * KEPT_TIMES));
    }
}

async fn read(ctx: &Ctx) -> Result<()> {
    let mut conn = ctx.db.read().await?;
    for (name, question, unit) in READINGS {
        for figure in gauges::ask(&mut conn, question, ctx.clock.now()).await? {
            show(name, figure, unit);
        }
    }
    let restored = store::restoration::open(&mut conn).await?;
    gauge!(RESTORED_MODE).set(u32::from(restored.is_some()));
    let taken = store::backup_schedule::last(&mut conn).await?;
    let taken_s = taken.map_or(0, |taken| taken.seconds());
    gauge!(BACKUP_TAKEN_SECONDS).set(taken_s as f64);
    let every_ms = match ctx.config.backup_dir {
        Some(_) => ctx.config.backup_every_ms,
        None => 0,
    };
    gauge!(BACKUP_EVERY_SECONDS).set(every_ms as f64 / 1_000.0);
    Ok(())
}

/// Sets a gauge. Gauges are floats, exact up to 2^53; they are only shown, never calculated with.
fn show(name: &'static str, figure: Figure, unit: Unit) {
    let label = |(column, value)| metrics::Label::new(label_of(column), value);
    let labels: Vec<_> = figure.names.into_iter().map(label).collect();
    gauge!(name, labels).set(match unit {
        Unit::One => figure.value as f64,
        Unit::Timestamp => figure.value as f64 / 1_000.0,
    });
}

/// Returns the label for a column: `app` for `app_id`.
fn label_of(column: &'static str) -> &'static str {
    column.strip_suffix("_id").unwrap_or(column)
}
