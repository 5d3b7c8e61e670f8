//! SQLite: a single writer takes everything that waits into one transaction and commits once for
//! all, so that each write is durable without each paying for a sync of the disk.

use futures::future::BoxFuture;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, ConnectOptions, Connection, Executor};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::server::db::{Conn, migrate};
use crate::server::error::{Error, Result};

/// How many writes may wait at the door before callers wait in front of it.
const WAITING_WRITES: usize = 4_096;

/// The door of the single writer.
#[derive(Clone)]
pub struct Writer {
    door: mpsc::Sender<Box<dyn Job>>,
    /// Tells the writer to take no more, and when it is done.
    closing: CancellationToken,
    writing: TaskTracker,
}

/// Opens a database for reading by so many connections and for writing, its schema up to date.
pub async fn open(
    options: AnyConnectOptions,
    connections: u32,
    batch: u32,
) -> Result<(AnyPool, Writer)> {
    let mut writer = connect(&options).await?;
    migrate(&mut writer).await?;

    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .after_connect(|conn, _| {
            Box::pin(async move {
                conn.execute(READ_ONLY).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.clone());
    let (door, waiting) = mpsc::channel(WAITING_WRITES);
    let (closing, writing) = (CancellationToken::new(), TaskTracker::new());
    let keeper = WriterConnection {
        options,
        conn: Some(writer),
    };
    writing.spawn(write_all(keeper, waiting, batch as usize, closing.clone()));
    writing.close();
    let writer = Writer {
        door,
        closing,
        writing,
    };
    Ok((pool, writer))
}

impl Writer {
    /// Runs a write behind those that wait already, and returns once it is durable.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
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
        self.door
            .send(Box::new(waiting))
            .await
            .map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Commits the writes that wait, and takes no more of them.
    pub async fn close(&self) {
        self.closing.cancel();
        self.writing.wait().await;
    }
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
    mut keeper: WriterConnection,
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
struct WriterConnection {
    options: AnyConnectOptions,
    conn: Option<Conn>,
}

impl WriterConnection {
    async fn commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<()> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => connect(&self.options).await?,
        };
        let committed = commit_batch(&mut conn, jobs).await;
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
async fn commit_batch(conn: &mut Conn, jobs: &mut [Box<dyn Job>]) -> Result<()> {
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    for job in jobs.iter_mut() {
        if !job.run(&mut transaction).await {
            transaction.rollback().await?;
            return commit_with_savepoints(conn, jobs).await;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Runs the jobs in one transaction, each behind a savepoint, so that a failure undoes itself only.
async fn commit_with_savepoints(conn: &mut Conn, jobs: &mut [Box<dyn Job>]) -> Result<()> {
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
