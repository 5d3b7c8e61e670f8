//! PostgreSQL: a pool of connections, and one transaction for each write. Any number of nodes may share a database.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, ConnectOptions, Connection, Executor, Row, Transaction};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::server::counters;
use crate::server::db::{Conn, migrate};
use crate::server::error::{CommitUnknown, Conflict, Error, Result};

/// Maximum time to wait for a connection, for example while the database is out of reach.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Time without use after which a connection is pinged before use, as it may have been cut.
const PING_IF_IDLE_FOR: Duration = Duration::from_millis(100);
/// Maximum time for each step of a write: to begin, to run the job, to commit. No step takes nearly that long; the
/// limit ends the wait for a database that does not answer at all.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);
/// Maximum number of attempts at a write that conflicts with another or loses its connection.
const MAX_ATTEMPTS: u32 = 5;

/// Settings of every connection. A write is on the disk before it is acknowledged, whatever the server's own setting;
/// PostgreSQL's notices stay out of our log.
pub(super) const SESSION: &str = "SET application_name = 'refundry'; SET client_min_messages = warning; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';";

/// Settings that limit the time of statements and of idle transactions, so that a node that hangs within one does not
/// block the others.
const LIMITS: &str =
    "SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '15s';";

/// Collations that sort text by its bytes, on which searches by prefix and paging by key depend.
const COLLATIONS: [&str; 4] = ["C", "POSIX", "C.UTF-8", "C.utf8"];

/// Opens a database with its schema up to date.
///
/// # Errors
/// Fails where the database is out of reach, does not hold text as UTF-8 sorted by bytes, or a migration fails.
pub async fn open(options: AnyConnectOptions, connections: u32) -> Result<AnyPool> {
    let mut conn = options.connect().await?;
    conn.execute(SESSION).await?;
    check_text(&mut conn).await?;
    migrate(&mut conn).await?;
    conn.close().await?;

    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|conn, used| {
            Box::pin(async move {
                if used.idle_for > PING_IF_IDLE_FOR {
                    conn.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|conn, _| {
            Box::pin(async move {
                conn.execute(SESSION).await?;
                conn.execute(LIMITS).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options);
    Ok(pool)
}

/// Refuses a database that does not store text as UTF-8, or does not sort it by bytes.
async fn check_text(conn: &mut Conn) -> Result<()> {
    // The column datlocprovider exists since version 15. Its value `b` sorts by code points, which for UTF-8 is the
    // order of the bytes.
    let sql = "SELECT CAST(datname AS TEXT) AS name, CAST(datcollate AS TEXT) AS collation, \
               pg_encoding_to_char(encoding)::TEXT AS encoding, \
               COALESCE(to_jsonb(d) ->> 'datlocprovider', 'c') AS provider \
               FROM pg_database d WHERE datname = current_database()";
    let row = sqlx::query(sql).fetch_one(conn).await?;
    let text = |column: &str| row.try_get::<String, _>(column);
    let (collation, encoding) = (text("collation")?, text("encoding")?);
    let (by_bytes, sorted) = match text("provider")?.as_str() {
        "c" => (COLLATIONS.contains(&collation.as_str()), collation),
        "b" => (true, collation),
        _ => (false, "a locale of ICU".to_owned()),
    };
    if by_bytes && encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::internal(format!(
        "its text is in {encoding} and sorted by {sorted}, but has to be in UTF8 and sorted by bytes. Make the \
         database anew by: CREATE DATABASE \"{}\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
        text("name")?
    )))
}

/// Runs each write in a transaction of its own.
#[derive(Clone)]
pub struct Transactions {
    pool: AnyPool,
    under_way: TaskTracker,
}

impl Transactions {
    pub fn new(pool: AnyPool) -> Transactions {
        Transactions {
            pool,
            under_way: TaskTracker::new(),
        }
    }

    /// Runs a write, and returns once it is durable. It runs in its own task, so that it ends even if the caller is
    /// dropped.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send + Sync + 'static,
    {
        let tries = run(self.pool.clone(), job).in_current_span();
        let ended = self.under_way.spawn(tries).await;
        ended.map_err(|error| Error::internal(format!("a write ended early: {error}")))?
    }

    /// Waits for the writes under way.
    pub async fn close(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }
}

/// Tries a write until it succeeds, fails for good, or has used up its attempts.
async fn run<T, F>(pool: AnyPool, job: F) -> Result<T>
where
    F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send + Sync,
{
    let mut tried = 0;
    loop {
        let mut conn = connection(&pool, tried > 0).await?;
        let attempted = AssertUnwindSafe(attempt(&mut conn, &job)).catch_unwind();
        let Ok(outcome) = attempted.await else {
            // The connection may be in the middle of a statement.
            conn.close_on_drop();
            counters::write_panicked();
            return Err(Error::internal("a write panicked"));
        };
        let silent = |error: &Error| is_database_timeout(error) || error.is_commit_unknown();
        if outcome.as_ref().is_err_and(silent) {
            conn.close_on_drop();
        }
        drop(conn);
        tried += 1;
        match outcome {
            Err(error) if tried < MAX_ATTEMPTS && is_retryable(&error) => {
                tracing::debug!(%error, tried, "a write is tried again");
            }
            outcome => return outcome,
        }
        let pause = rand::random_range(1..=10u64 << tried);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

/// Runs a job once, in its own transaction.
async fn attempt<T, F>(conn: &mut Conn, job: &F) -> Result<T>
where
    F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>>,
{
    let mut transaction = with_time_limit(conn.begin()).await?;
    match with_time_limit(job(&mut transaction)).await {
        Ok(done) => match with_time_limit(transaction.commit()).await {
            Ok(()) => Ok(done),
            Err(error) => Err(Error::Internal(Arc::new(CommitUnknown(error.to_string())))),
        },
        Err(error) => {
            undo(transaction, &error).await;
            Err(error)
        }
    }
}

/// Rolls back a job's changes.
async fn undo(transaction: Transaction<'_, Any>, failed: &Error) {
    // A database that does not answer would not answer a rollback either: the connection is closed instead.
    if is_database_timeout(failed) {
        return;
    }
    if let Err(error) = with_time_limit(transaction.rollback()).await {
        tracing::debug!(%error, "a connection broke within a write");
    }
}

/// Takes a connection from the pool; with `sure`, one that has answered a ping.
async fn connection(pool: &AnyPool, sure: bool) -> Result<PoolConnection<Any>> {
    loop {
        let mut conn = pool.acquire().await?;
        if !sure || conn.ping().await.is_ok() {
            return Ok(conn);
        }
    }
}

/// The error of a database that does not answer within the time limit.
#[derive(Debug, thiserror::Error)]
#[error("the database did not answer within {} s", STEP_TIMEOUT.as_secs())]
struct DatabaseTimeout;

fn is_database_timeout(error: &Error) -> bool {
    matches!(error, Error::Internal(cause) if cause.is::<DatabaseTimeout>())
}

/// Runs a step of a write within [`STEP_TIMEOUT`].
async fn with_time_limit<T, E: Into<Error>>(
    part: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T> {
    match tokio::time::timeout(STEP_TIMEOUT, part).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(Error::Internal(Arc::new(DatabaseTimeout))),
    }
}

/// Tells whether a write that was rolled back with this error is worth another attempt: it conflicted with another
/// write, or its connection broke.
fn is_retryable(error: &Error) -> bool {
    let Error::Internal(cause) = error else {
        return false;
    };
    match cause.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::BeginFailed) => true,
        Some(sqlx::Error::Database(error)) => error.code().is_some_and(|code| is_transient(&code)),
        Some(_) => false,
        None => cause.is::<Conflict>(),
    }
}

/// Tells whether PostgreSQL's error code stands for a condition that another attempt may not meet.
fn is_transient(code: &str) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK: &str = "40P01";
    const UNIQUE_VIOLATION: &str = "23505";
    const CHECK_VIOLATION: &str = "23514";
    /// The node stayed idle within the transaction for too long, and was disconnected.
    const IDLE_IN_TRANSACTION: &str = "25P03";
    /// The server or the connection is being shut down.
    const SHUTDOWN: [&str; 3] = ["57P01", "57P02", "57P03"];
    [
        SERIALIZATION_FAILURE,
        DEADLOCK,
        UNIQUE_VIOLATION,
        CHECK_VIOLATION,
        IDLE_IN_TRANSACTION,
    ]
    .contains(&code)
        || SHUTDOWN.contains(&code)
        || code.starts_with("08")
}
