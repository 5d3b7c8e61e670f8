//! SQLite: a single writer runs all waiting writes in one transaction and commits once, so that each write is durable
//! without a disk sync of its own.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
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

/// Maximum number of queued writes. Callers beyond it wait for a place in the queue.
const WAITING_WRITES: usize = 4_096;

/// A handle to the single writer's queue.
#[derive(Clone)]
pub struct Writer {
    door: mpsc::Sender<Box<dyn Job>>,
    /// Cancelled to make the writer accept no more writes.
    closing: CancellationToken,
    writing: TaskTracker,
}

/// Opens a database with its schema up to date, with `connections` connections for reading and one for writing.
pub async fn open(
    options: AnyConnectOptions,
    connections: u32,
    batch: u32,
) -> Result<(AnyPool, Writer)> {
    let mut writer = connect(&options).await?;
    migrate(&mut writer).await?;

    let pool = pool(options.clone(), connections);
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

/// Makes a pool of connections for reading.
pub fn pool(options: AnyConnectOptions, connections: u32) -> AnyPool {
    AnyPoolOptions::new()
        .max_connections(connections)
        // A connection to a file does not break while it is idle.
        .test_before_acquire(false)
        .after_connect(|conn, _| {
            Box::pin(async move {
                conn.execute(READ_ONLY).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options)
}

impl Writer {
    /// Queues a write, and returns once it is durable.
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

    /// Waits until the writer has ended, by being closed or by a defect.
    pub async fn ended(&self) {
        self.writing.wait().await;
    }

    /// Accepts no more writes, and returns once the queued ones are committed.
    pub async fn close(&self) {
        self.closing.cancel();
        self.writing.wait().await;
    }
}

/// Takes an existing database's file, and those beside it that SQLite makes, from everybody but their owner and group: they
/// hold what customers bought and the hashes of passwords. A group keeps its rights, as backups are often made by one.
///
/// Where the mode cannot be changed, the log says so, and the database is used all the same.
pub fn close_to_others(url: &str) -> Result<()> {
    let options: SqliteConnectOptions = url.parse()?;
    for ending in ["", "-wal", "-shm"] {
        let mut path = options.get_filename().as_os_str().to_owned();
        path.push(ending);
        let (path, shown) = (PathBuf::from(&path), path.to_string_lossy());
        let Ok(metadata) = std::fs::metadata(&path) else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o777;
        let closed = mode & !0o007;
        if closed == mode {
            continue;
        }
        match std::fs::set_permissions(&path, Permissions::from_mode(closed)) {
            Ok(()) => tracing::warn!(
                "the database's file {shown} could be read or written by everybody on this machine (mode {mode:o}); \
                 it is {closed:o} now"
            ),
            Err(error) => tracing::warn!(
                "the database's file {shown} can be read or written by everybody on this machine, and its mode cannot \
                 be changed ({error}): chmod {closed:o} {shown}"
            ),
        }
    }
    Ok(())
}

/// The file of a database, with its identity at the time it was opened.
pub struct OpenFile {
    path: PathBuf,
    /// Device and inode of the file.
    id: (u64, u64),
}

impl OpenFile {
    /// Records the identity of the file at a database's address.
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

    /// Tells whether the path still leads to this file.
    pub async fn is_in_place(&self) -> bool {
        let metadata = tokio::fs::metadata(&self.path).await;
        metadata.is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.id)
    }
}

/// Settings of the writer's connection: a write is on the disk before it is acknowledged. The journal of a statement that
/// writes several rows stays in memory.
const DURABLE: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA busy_timeout = 10000; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -8000; \
     PRAGMA temp_store = MEMORY;";

/// Settings of the connections for reading, which cannot write even by mistake.
const READ_ONLY: &str =
    "PRAGMA query_only = ON; PRAGMA busy_timeout = 10000; PRAGMA cache_size = -4000;";

/// A queued write.
trait Job: Send {
    /// Runs the write within the writer's transaction.
    fn run<'a>(&'a mut self, conn: &'a mut Conn) -> BoxFuture<'a, Ran>;
    /// Answers the caller with the write's own outcome, or with the error because of which the transaction was not
    /// committed.
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// The result of running a write.
enum Ran {
    Done,
    /// The write returned an error: its changes have to be undone.
    Failed,
    /// The write panicked: the connection may be in the middle of a statement.
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
            // The future is made within the `async` block, so that a panic while making it is caught too.
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
        // The caller may have gone away.
        let _ = self.reply.send(outcome);
    }
}

/// Commits the queued writes, batch by batch, until the writer is closed or the last sender is dropped.
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
        take_all_ready(&mut waiting, &mut jobs, batch).await;
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

/// Lets the tasks that are ready queue their writes too, so that more writes share a commit.
async fn take_all_ready(
    waiting: &mut mpsc::Receiver<Box<dyn Job>>,
    jobs: &mut Vec<Box<dyn Job>>,
    batch: usize,
) {
    while jobs.len() < batch {
        let before = jobs.len();
        tokio::task::yield_now().await;
        while jobs.len() < batch
            && let Ok(job) = waiting.try_recv()
        {
            jobs.push(job);
        }
        if jobs.len() == before {
            return;
        }
    }
}

/// The writer's connection. It is replaced after a transaction that failed to end, for example on a full disk, since
/// its state is then unknown.
struct WriterConnection {
    options: AnyConnectOptions,
    conn: Option<Conn>,
}

impl WriterConnection {
    /// Runs the jobs and commits them. A job that panics is answered and removed, and the others are run again on a
    /// new connection.
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

/// The reason why a transaction was not committed.
enum Uncommitted {
    Failed(Error),
    /// The job at this index panicked.
    Panicked(usize),
}

impl From<sqlx::Error> for Uncommitted {
    fn from(error: sqlx::Error) -> Uncommitted {
        Uncommitted::Failed(error.into())
    }
}

/// Opens a connection for durable writes.
async fn connect(options: &AnyConnectOptions) -> Result<Conn> {
    let mut conn = options.connect().await?;
    conn.execute(DURABLE).await?;
    Ok(conn)
}

/// Runs the jobs in one transaction, without savepoints: failures are rare.
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

/// Runs the jobs in one transaction, each within a savepoint, so that a failure undoes only its own job.
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
