//! The checkup: what a node finds out about itself now and then, for `/readyz` to tell, so that nobody
//! who asks there makes it work.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::domain::time::Timestamp;
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::{counters, store};

/// Why no requests should be sent to a node.
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

/// The longest time that a checkup may take.
const LIMIT: Duration = Duration::from_secs(10);
/// A finding older than this tells that no checkup comes to its end any more.
const STALE: Duration = Duration::from_secs(30);
/// The most that a node's clock may differ from the database's. Leases last much longer.
const CLOCK_TOLERANCE_MS: i64 = 2_000;

/// The last finding.
#[derive(Default)]
pub struct Checkup(RwLock<Option<Finding>>);

#[derive(Clone, Copy)]
struct Finding {
    at: Instant,
    outcome: Result<(), NotReady>,
}

impl Checkup {
    /// Tells what was found last. A server that was not looked at yet is in order.
    ///
    /// # Errors
    /// Says why no requests should be sent here.
    pub fn last(&self) -> Result<(), NotReady> {
        match self.finding() {
            Some(finding) if finding.at.elapsed() > STALE => Err(NotReady::Database),
            Some(finding) => finding.outcome,
            None => Ok(()),
        }
    }

    /// Tells whether the node's clock was found wrong: it must not judge by it which leases are over.
    pub fn clock_is_wrong(&self) -> bool {
        let finding = self.finding();
        finding.is_some_and(|found| matches!(found.outcome, Err(NotReady::Clock { .. })))
    }

    /// Looks at the clock and at whether the disk takes writes: a job.
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

/// Why the node is not ready, and the error that showed it.
type Found = Result<(), (NotReady, Option<Error>)>;

async fn find(db: &Db, clock: &Clock) -> Found {
    let off_ms = clock_offset(db, clock).await;
    let off_ms = off_ms.map_err(|error| (NotReady::Database, Some(error)))?;
    counters::clock_offset(off_ms);
    if off_ms.abs() > CLOCK_TOLERANCE_MS {
        return Err((NotReady::Clock { off_ms }, None));
    }
    let now = clock.now();
    let written = db
        .write(move |conn| Box::pin(async move { Ok(store::write_check::put(conn, now).await?) }));
    let written = written.await;
    written.map_err(|error| (NotReady::Writes, Some(error)))
}

/// Measures by how much the node's clock is ahead of the database's.
async fn clock_offset(db: &Db, clock: &Clock) -> Result<i64> {
    let mut conn = db.read().await?;
    let before = clock.now();
    let database = store::now(&mut conn).await?;
    let after = clock.now();
    Ok(database.map_or(0, |database| certain_offset(before, database, after)))
}

/// The difference that is certain, whenever between the two moments the database looked at its clock.
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
        // The test's clock stands in the past.
        let (ctx, database) = app_with(Config::default()).await;
        let looked = look(&ctx).await;
        if !is_postgres(&database.url()) {
            // The embedded database has no clock but the machine's.
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

    /// Lets the database grow to so many pages, or no more than it has.
    async fn limit_pages(ctx: &Ctx, pages: u32) {
        let sql = format!("PRAGMA max_page_count = {pages}");
        let limited = ctx.db.write(move |conn| {
            let sql = sqlx::AssertSqlSafe(sql.clone());
            Box::pin(async move {
                sqlx::query(sql).execute(conn).await?;
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
