//! The checkup: a node's periodic test of itself. `/readyz` only reports the last finding, so that requests to it
//! cause no work.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::domain::time::Timestamp;
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::{counters, store};

/// The reason why a node must not be sent requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("stopping")]
    Stopping,
    #[error("the database does not answer")]
    Database,
    #[error("the database takes no writes")]
    Writes,
    #[error("the database's file has gone, or another is in its place")]
    File,
    #[error("the clock differs from the database's by {} s", off_ms.abs() / 1_000)]
    Clock { off_ms: i64 },
}

/// Maximum duration of a checkup.
const LIMIT: Duration = Duration::from_secs(10);
/// Age after which a finding shows that checkups no longer complete.
const STALE: Duration = Duration::from_secs(30);
/// Maximum difference between a node's clock and the database's. Leases last much longer.
const CLOCK_TOLERANCE_MS: i64 = 2_000;

/// The finding of the last checkup.
#[derive(Default)]
pub struct Checkup(RwLock<Option<Finding>>);

#[derive(Clone, Copy)]
struct Finding {
    at: Instant,
    outcome: Result<(), NotReady>,
}

impl Checkup {
    /// Returns the last finding. Before the first checkup, the node counts as ready.
    ///
    /// # Errors
    /// The reason why the node must not be sent requests.
    pub fn last(&self) -> Result<(), NotReady> {
        match self.finding() {
            Some(finding) if finding.at.elapsed() > STALE => Err(NotReady::Database),
            Some(finding) => finding.outcome,
            None => Ok(()),
        }
    }

    /// Tells whether the node's clock was found wrong, so that it must not decide by it which leases are over.
    pub fn clock_is_wrong(&self) -> bool {
        let finding = self.finding();
        finding.is_some_and(|found| matches!(found.outcome, Err(NotReady::Clock { .. })))
    }

    /// Checks the clock and whether the disk accepts writes. Run as a job.
    pub async fn look(&self, db: &Db, clock: &Clock) -> Result<u64> {
        let found = match timeout(LIMIT, find(db, clock)).await {
            Ok(found) => found,
            Err(_) => Err((NotReady::Database, None)),
        };
        self.note(found.as_ref().map_err(|(why, _)| *why).copied());
        match found {
            Ok(()) => Ok(1),
            Err((_, Some(cause))) => Err(cause),
            Err((why, None)) => Err(Error::internal(why.to_string())),
        }
    }

    fn finding(&self) -> Option<Finding> {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, outcome: Result<(), NotReady>) {
        let at = Instant::now();
        let mut finding = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *finding = Some(Finding { at, outcome });
    }
}

/// The finding; where the node is not ready, with the error that caused it.
type Found = Result<(), (NotReady, Option<Error>)>;

async fn find(db: &Db, clock: &Clock) -> Found {
    let off_ms = clock_offset(db, clock).await;
    let off_ms = off_ms.map_err(|error| (NotReady::Database, Some(error)))?;
    counters::clock_offset(off_ms);
    if off_ms.abs() > CLOCK_TOLERANCE_MS {
        return Err((NotReady::Clock { off_ms }, None));
    }
    let now = clock.now();
    let written = db.write((), move |conn, ()| {
        Box::pin(async move { Ok(store::write_check::put(conn, now).await?) })
    });
    let written = written.await;
    written.map_err(|error| (NotReady::Writes, Some(error)))
}

/// Measures how far the node's clock is ahead of the database's, in milliseconds.
async fn clock_offset(db: &Db, clock: &Clock) -> Result<i64> {
    let mut conn = db.read().await?;
    let before = clock.now();
    let database = store::now(&mut conn).await?;
    let after = clock.now();
    Ok(database.map_or(0, |database| certain_offset(before, database, after)))
}

/// Returns the part of the difference that is certain, at whichever moment between the two readings the database read
/// its clock.
fn certain_offset(before: Timestamp, database: Timestamp, after: Timestamp) -> i64 {
    if database < before {
        before.0.saturating_sub(database.0)
    } else if database > after {
        after.0.saturating_sub(database.0)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::Config;
    use crate::server::ctx::Ctx;
    use crate::server::db::is_postgres;
    use crate::server::testing::app_with;
    use crate::server::watch::health::ready;

    #[test]
    fn a_slow_answer_is_no_difference_of_clocks() {
        let at = Timestamp;
        assert_eq!(certain_offset(at(1_000), at(1_500), at(9_000)), 0);
        assert_eq!(certain_offset(at(1_000), at(400), at(9_000)), 600);
        assert_eq!(certain_offset(at(1_000), at(9_500), at(9_000)), -500);
    }

    #[tokio::test]
    async fn a_node_whose_clock_is_wrong_is_not_ready() {
        // The test's clock is set to the past.
        let (ctx, database) = app_with(Config::default()).await;
        let looked = look(&ctx).await;
        if !is_postgres(&database.url()) {
            // The embedded database has no clock apart from the machine's.
            assert!(looked.is_ok() && !ctx.checkup.clock_is_wrong());
            return;
        }
        assert!(looked.is_err() && ctx.checkup.clock_is_wrong());
        let why = ready(&ctx).await.expect_err("it is not ready").to_string();
        assert!(
            why.starts_with("the clock differs from the database's by "),
            "{why}"
        );
    }

    #[tokio::test]
    async fn a_full_disk_is_told_until_there_is_room_again() {
        let (ctx, database) = app_with(Config::default()).await;
        if is_postgres(&database.url()) {
            return;
        }
        assert!(ready(&ctx).await.is_ok());
        limit_pages(&ctx, 1).await;
        assert!(look(&ctx).await.is_err());
        let why = ready(&ctx).await.expect_err("it is not ready");
        assert!(matches!(why, NotReady::Writes), "{why}");
        limit_pages(&ctx, 1_000_000).await;
        look(&ctx).await.unwrap();
        assert!(ready(&ctx).await.is_ok());
    }

    async fn look(ctx: &Ctx) -> Result<u64> {
        ctx.checkup.look(&ctx.db, &ctx.clock).await
    }

    /// Limits the database to `pages` pages, or to its present number if that is larger.
    async fn limit_pages(ctx: &Ctx, pages: u32) {
        let sql = format!("PRAGMA max_page_count = {pages}");
        let limited = ctx.db.write(sql, |conn, sql| {
            Box::pin(async move {
                sqlx::query(sqlx::AssertSqlSafe(sql)).execute(conn).await?;
                Ok(())
            })
        });
        limited.await.unwrap();
    }

    #[tokio::test]
    async fn a_database_whose_file_has_gone_or_is_another_is_told() {
        let (ctx, database) = app_with(Config::default()).await;
        let url = database.url();
        let Some(rest) = url.strip_prefix("sqlite://") else {
            return;
        };
        let file = std::path::Path::new(rest.split('?').next().unwrap());
        assert!(ready(&ctx).await.is_ok());
        std::fs::rename(file, file.with_extension("moved")).unwrap();
        assert!(matches!(ready(&ctx).await, Err(NotReady::File)));
        std::fs::copy(file.with_extension("moved"), file).unwrap();
        assert!(matches!(ready(&ctx).await, Err(NotReady::File)));
        std::fs::rename(file.with_extension("moved"), file).unwrap();
        assert!(ready(&ctx).await.is_ok());
    }
}
