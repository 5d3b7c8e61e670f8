//! The database: how it is opened, read and written.
//!
//! Reads take a connection of the pool. Writes go through one door, [`Db::write`]. On the embedded
//! database a single writer takes everything that waits into one transaction and commits once for
//! all, so that each write is durable without each paying for a sync of the disk.

use std::sync::{Arc, Once};
use std::time::Instant;

use futures::future::BoxFuture;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

use super::error::{Error, Result};
use super::metrics;

/// A connection, in or out of a transaction.
pub type Conn = AnyConnection;

/// Every change of the schema, in order; run at start.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// How many writes may wait at the door before callers wait in front of it.
const WAITING_WRITES: usize = 4_096;

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: AnyPool,
    writer: mpsc::Sender<Box<dyn Job>>,
    /// Tells the writer to take no more, and when it is done.
    closing: CancellationToken,
    writing: TaskTracker,
}

impl Db {
    /// Opens a database and brings its schema up to date. `batch` is how many waiting writes are
    /// committed together at most, `connections` how many there are for reading.
    ///
    /// # Errors
    /// When the address is wrong, the database cannot be opened, or a migration fails.
    pub async fn open(url: &str, connections: u32, batch: u32) -> Result<Db> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);

        let options: AnyConnectOptions = url
            .parse::<AnyConnectOptions>()?
            .log_statements(log::LevelFilter::Trace);
        let mut writer = connect(&options).await?;
        MIGRATIONS
            .run(&mut writer)
            .await
            .map_err(|error| Error::Internal(Arc::new(error)))?;

        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .after_connect(|conn, _| {
                Box::pin(async move {
                    conn.execute(READ_ONLY).await?;
                    Ok(())
                })
            })
            .connect_lazy_with(options.clone());
        let (sender, receiver) = mpsc::channel(WAITING_WRITES);
        let (closing, writing) = (CancellationToken::new(), TaskTracker::new());
        let keeper = Keeper {
            options,
            conn: Some(writer),
        };
        writing.spawn(write_all(keeper, receiver, batch as usize, closing.clone()));
        writing.close();
        Ok(Db {
            pool,
            writer: sender,
            closing,
            writing,
        })
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<PoolConnection<Any>> {
        Ok(self.pool.acquire().await?)
    }

    /// Runs a write and returns once it is durable.
    ///
    /// The job may run more than once: when another job of its transaction fails, all of it is
    /// rolled back and run again, each job behind its own savepoint. So a job has no effect but
    /// on its connection. A job that refuses without having written anything returns `Ok` with a
    /// value that says so; an `Err` undoes what the job wrote.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let began = Instant::now();
        let written = self.write_in_turn(within(Span::current(), job)).await;
        metrics::written(began.elapsed());
        written
    }

    async fn write_in_turn<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            job,
            outcome: None,
            reply,
        };
        let closed = || Error::internal("the database's writer has stopped");
        self.writer
            .send(Box::new(waiting))
            .await
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Ends reading, commits the writes that wait, takes no more of them, and closes the database.
    pub async fn close(&self) {
        self.pool.close().await;
        self.closing.cancel();
        self.writing.wait().await;
    }
}

/// A job whose lines of the log are its caller's, wherever it is run.
fn within<T, F>(
    span: Span,
    job: F,
) -> impl for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send
where
    T: 'static,
    F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send,
{
    move |conn| Box::pin(job(conn).instrument(span.clone()))
}

/// Nothing is acknowledged before it is on the disk.
const DURABLE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA busy_timeout = 10000; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -8000;";

/// What reads must not do by mistake they cannot do at all.
const READ_ONLY: &str =
    "PRAGMA query_only = ON; PRAGMA busy_timeout = 10000; PRAGMA cache_size = -4000;";

/// A write that waits at the door.
trait Job: Send {
    /// Runs it; `false` when it failed and what it wrote has to be undone.
    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, bool>;
    /// Tells the caller: its own outcome, or why nothing of the transaction holds.
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Waiting<T, F> {
    job: F,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Waiting<T, F>
where
    T: Send,
    F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send,
{
    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let outcome = (self.job)(conn).await;
            let fine = outcome.is_ok();
            self.outcome = Some(outcome);
            fine
        })
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let outcome = match (self.outcome, committed) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(error)) => Err(error),
            (Some(outcome), Ok(())) => outcome,
            (None, Ok(())) => Err(Error::internal("a write was not run")),
        };
        // A caller that went away does not need the answer.
        let _ = self.reply.send(outcome);
    }
}

/// The single writer: takes all that waits and commits it at once, until it is told to close or the
/// last sender is gone.
async fn write_all(
    mut keeper: Keeper,
    mut waiting: mpsc::Receiver<Box<dyn Job>>,
    batch: usize,
    closing: CancellationToken,
) {
    let mut jobs = Vec::with_capacity(batch);
    loop {
        let taken = tokio::select! {
            taken = waiting.recv_many(&mut jobs, batch) => taken,
            () = closing.cancelled(), if !waiting.is_closed() => {
                waiting.close();
                continue;
            }
        };
        if taken == 0 {
            break;
        }
        let committed = keeper.commit(&mut jobs).await;
        if let Err(error) = &committed {
            tracing::error!(%error, writes = jobs.len(), "a transaction was not committed");
        }
        for job in jobs.drain(..) {
            job.answer(committed.clone());
        }
    }
    if let Some(conn) = keeper.conn
        && let Err(error) = conn.close().await
    {
        tracing::error!(%error, "the writer's connection did not close cleanly");
    }
}

/// Keeps the writer's connection. One on which a transaction failed to end, as on a full disk, is in
/// no known state: the next transaction gets a new one.
struct Keeper {
    options: AnyConnectOptions,
    conn: Option<Conn>,
}

impl Keeper {
    async fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<()> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => connect(&self.options).await?,
        };
        let committed = commit_together(&mut conn, jobs).await;
        if committed.is_ok() {
            self.conn = Some(conn);
        } else if let Err(error) = conn.close().await {
            tracing::warn!(%error, "the writer's connection did not close cleanly");
        }
        committed
    }
}

/// A connection whose writes last.
async fn connect(options: &AnyConnectOptions) -> Result<Conn> {
    let mut conn = options.connect().await?;
    conn.execute(DURABLE).await?;
    Ok(conn)
}

/// Runs the jobs in one transaction. The usual case has no failure and needs no savepoints.
async fn commit_together(conn: &mut Conn, jobs: &mut [Box<dyn Job>]) -> Result<()> {
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    for job in jobs.iter_mut() {
        if !job.run(&mut transaction).await {
            transaction.rollback().await?;
            return commit_apart(conn, jobs).await;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Runs the jobs in one transaction, each behind a savepoint, so that a failure undoes itself only.
async fn commit_apart(conn: &mut Conn, jobs: &mut [Box<dyn Job>]) -> Result<()> {
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    for job in jobs.iter_mut() {
        let mut savepoint = transaction.begin().await?;
        if job.run(&mut savepoint).await {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}
