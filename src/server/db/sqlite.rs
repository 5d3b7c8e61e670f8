//! SQLite: a single writer takes everything that waits into one transaction and commits once for
//! all, so that each write is durable without each paying for a sync of the disk.

use std::os::unix::fs::MetadataExt;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyPool, ConnectOptions, Connection, Executor};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::server::counters;
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
        F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send + Sync + 'static,
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

    /// Waits until the writer has ended: it was closed, or it broke.
    pub async fn ended(&self) {
        self.writing.wait().await;
    }

    /// Commits the writes that wait, and takes no more of them.
    pub async fn close(&self) {
        self.closing.cancel();
        self.writing.wait().await;
    }
}

/// The file of a database, and its identity when it was opened.
pub struct OpenFile {
    path: PathBuf,
    /// Device and number of the file.
    id: (u64, u64),
}

impl OpenFile {
    /// Takes note of the file at a database's address.
    pub fn of(url: &str) -> Result<OpenFile> {
        let options: SqliteConnectOptions = url.parse()?;
        let path = options.get_filename().to_owned();
        let metadata = std::fs::metadata(&path);
        let metadata = metadata.map_err(|error| Error::Internal(Arc::new(error)))?;
        Ok(OpenFile {
            path,
            id: (metadata.dev(), metadata.ino()),
        })
    }

    /// Tells whether its place still holds this file.
    pub async fn is_in_place(&self) -> bool {
        let metadata = tokio::fs::metadata(&self.path).await;
        metadata.is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.id)
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
    /// Runs it.
    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, Ran>;
    /// Tells the caller: its own outcome, or why nothing of the transaction holds.
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// The end of a run of a write.
enum Ran {
    Done,
    /// It failed: what it wrote has to be undone.
    Failed,
    /// It panicked: its connection may be in the midst of a statement.
    Panicked,
}

struct Waiting<T, F> {
    job: F,
    outcome: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Waiting<T, F>
where
    T: Send,
    F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send + Sync,
{
    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, Ran> {
        Box::pin(async move {
            // The closure makes the job's future within what is caught.
            let job = AssertUnwindSafe(async { (self.job)(conn).await });
            let (outcome, ran) = match job.catch_unwind().await {
                Ok(Ok(done)) => (Ok(done), Ran::Done),
                Ok(Err(error)) => (Err(error), Ran::Failed),
                Err(_) => (Err(Error::internal("a write panicked")), Ran::Panicked),
            };
            self.outcome = Some(outcome);
            ran
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
    /// Runs the jobs and commits what they wrote. One that panics is answered and taken out, and the
    /// others are run again on a new connection.
    async fn commit(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> Result<()> {
        while !jobs.is_empty() {
            let mut conn = match self.conn.take() {
                Some(conn) => conn,
                None => connect(&self.options).await?,
            };
            let uncommitted = match commit_batch(&mut conn, jobs).await {
                Ok(()) => {
                    self.conn = Some(conn);
                    return Ok(());
                }
                Err(uncommitted) => uncommitted,
            };
            if let Err(error) = conn.close().await {
                tracing::warn!(%error, "the writer's connection did not close cleanly");
            }
            match uncommitted {
                Uncommitted::Failed(error) => return Err(error),
                Uncommitted::Panicked(at) => {
                    counters::write_panicked();
                    jobs.remove(at).answer(Ok(()));
                }
            }
        }
        Ok(())
    }
}

/// Why nothing of a transaction was committed.
enum Uncommitted {
    Failed(Error),
    /// The job in this place panicked.
    Panicked(usize),
}

impl From<sqlx::Error> for Uncommitted {
    fn from(error: sqlx::Error) -> Uncommitted {
        Uncommitted::Failed(error.into())
    }
}

/// A connection whose writes last.
async fn connect(options: &AnyConnectOptions) -> Result<Conn> {
    let mut conn = options.connect().await?;
    conn.execute(DURABLE).await?;
    Ok(conn)
}

/// Runs the jobs in one transaction. The usual case has no failure and needs no savepoints.
async fn commit_batch(conn: &mut Conn, jobs: &mut [Box<dyn Job>]) -> Result<(), Uncommitted> {
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    for (at, job) in jobs.iter_mut().enumerate() {
        match job.run(&mut transaction).await {
            Ran::Done => {}
            Ran::Failed => {
                transaction.rollback().await?;
                return commit_with_savepoints(conn, jobs).await;
            }
            Ran::Panicked => return Err(Uncommitted::Panicked(at)),
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Runs the jobs in one transaction, each behind a savepoint, so that a failure undoes itself only.
async fn commit_with_savepoints(
    conn: &mut Conn,
    jobs: &mut [Box<dyn Job>],
) -> Result<(), Uncommitted> {
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    for (at, job) in jobs.iter_mut().enumerate() {
        let mut savepoint = transaction.begin().await?;
        match job.run(&mut savepoint).await {
            Ran::Done => savepoint.commit().await?,
            Ran::Failed => savepoint.rollback().await?,
            Ran::Panicked => return Err(Uncommitted::Panicked(at)),
        }
    }
    transaction.commit().await?;
    Ok(())
}
