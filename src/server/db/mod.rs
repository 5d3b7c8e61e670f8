//! The database: how it is opened, read and written. SQLite, embedded, or PostgreSQL: the address
//! decides, and nobody else needs to know.
//!
//! Reads take a connection of the pool. Writes go through one door, [`Db::write`].

mod postgres;
mod sqlite;

use std::sync::{Arc, Once};
use std::time::Instant;

use futures::future::BoxFuture;
use sqlx::any::AnyConnectOptions;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions};
use tracing::{Instrument, Span};

use crate::server::counters;
use crate::server::db::sqlite::OpenFile;
use crate::server::error::{Error, Result};

/// A connection, in or out of a transaction.
pub type Conn = AnyConnection;

/// Every change of the schema, in order; run at start. On PostgreSQL under a lock, so that nodes that
/// start at once do not meet.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// How many connections there are unless a setting says otherwise.
const CONNECTIONS_EMBEDDED: u32 = 4;
const CONNECTIONS_POSTGRES: u32 = 16;

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: AnyPool,
    writes: Writes,
    /// The embedded database's file.
    file: Option<Arc<OpenFile>>,
}

/// How writes are made.
#[derive(Clone)]
enum Writes {
    /// A single writer commits all that waits at once.
    Together(sqlite::Writer),
    /// Each is a transaction of its own.
    Apart(postgres::Transactions),
}

impl Db {
    /// Opens a database and brings its schema up to date. `connections` is how many there are, on
    /// the embedded database for reading alone; `None`: 4 there, 16 on PostgreSQL. `batch` is how
    /// many waiting writes the embedded database commits together at most.
    ///
    /// # Errors
    /// When the address is wrong, the database cannot be opened or does not sort as we need it, or
    /// a migration fails.
    pub async fn open(url: &str, connections: Option<u32>, batch: u32) -> Result<Db> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);

        let options: AnyConnectOptions = url
            .parse::<AnyConnectOptions>()?
            .log_statements(log::LevelFilter::Trace);
        if is_postgres(url) {
            let connections = connections.unwrap_or(CONNECTIONS_POSTGRES);
            let pool = postgres::open(options, connections).await?;
            let writes = Writes::Apart(postgres::Transactions::new(pool.clone()));
            return Ok(Db {
                pool,
                writes,
                file: None,
            });
        }
        let connections = connections.unwrap_or(CONNECTIONS_EMBEDDED);
        let (pool, writer) = sqlite::open(options, connections, batch).await?;
        Ok(Db {
            pool,
            writes: Writes::Together(writer),
            file: Some(Arc::new(OpenFile::of(url)?)),
        })
    }

    /// Tells whether the file that was opened is still the one in its place. What is written into
    /// another is lost with the last connection to it.
    pub async fn is_in_place(&self) -> bool {
        match &self.file {
            Some(file) => file.is_in_place().await,
            None => true,
        }
    }

    /// A connection for reading. Not to be held while [`Db::write`] is awaited: on PostgreSQL both
    /// take from one pool.
    pub async fn read(&self) -> Result<PoolConnection<Any>> {
        Ok(self.pool.acquire().await?)
    }

    /// Runs a write and returns once it is durable. It goes on to its end even if the caller goes
    /// away.
    ///
    /// The job may run more than once: on the embedded database when another job of its transaction
    /// fails, on PostgreSQL when it raced with another node or lost its connection. All that it
    /// wrote is rolled back first, so a job has no effect but on its connection. A job that
    /// refuses without having written anything returns `Ok` with a value that says so; an `Err`
    /// undoes what the job wrote.
    ///
    /// On PostgreSQL others write at the same time: what a job read may have changed by the time it
    /// writes. So what it writes says what it counts on (a version, a condition, a key), and where
    /// it finds that gone it fails with [`Conflict`](crate::server::error::Conflict), or by the key's or a check's
    /// violation, and is run again. It must not catch an SQL error and go on.
    ///
    /// # Errors
    /// The job's own; an internal error when the database is out of reach. If that happens in the
    /// commit, whether the write took place is unknown.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send + Sync + 'static,
    {
        let began = Instant::now();
        let job = within(Span::current(), job);
        let written = match &self.writes {
            Writes::Together(writer) => writer.write(job).await,
            Writes::Apart(transactions) => transactions.write(job).await,
        };
        counters::written(began.elapsed());
        written
    }

    /// Waits until no write can be made any more: the single writer has ended. Where each write is a
    /// transaction of its own, that never happens.
    pub async fn writer_ended(&self) {
        match &self.writes {
            Writes::Together(writer) => writer.ended().await,
            Writes::Apart(_) => std::future::pending().await,
        }
    }

    /// Ends reading, lets the writes that wait be made, takes no more of them, and closes the
    /// database.
    pub async fn close(&self) {
        match &self.writes {
            Writes::Together(writer) => {
                self.pool.close().await;
                writer.close().await;
            }
            Writes::Apart(transactions) => {
                transactions.close().await;
                self.pool.close().await;
            }
        }
    }
}

/// A job whose lines of the log are its caller's, wherever it is run.
fn within<T, F>(
    span: Span,
    job: F,
) -> impl for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send + Sync
where
    T: 'static,
    F: for<'c> Fn(&'c mut Conn) -> BoxFuture<'c, Result<T>> + Send + Sync,
{
    move |conn| Box::pin(job(conn).instrument(span.clone()))
}

/// Whether an address is that of a PostgreSQL database.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

async fn migrate(conn: &mut Conn) -> Result<()> {
    MIGRATIONS
        .run(conn)
        .await
        .map_err(|error| Error::Internal(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use crate::server::config::Config;
    use crate::server::error::Error;
    use crate::server::testing::app_with;

    /// A write that adds a row, and panics then if it is told to.
    async fn write(db: &super::Db, number: i64, panics: bool) -> super::Result<()> {
        db.write(move |conn| {
            Box::pin(async move {
                sqlx::query("INSERT INTO node VALUES ($1, 'host', 'holder', 0, 0)")
                    .bind(number)
                    .execute(conn)
                    .await?;
                assert!(!panics, "a write that panics");
                Ok(())
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_write_that_panics_is_undone_and_told_and_the_others_are_made() {
        let (ctx, _database) = app_with(Config::default()).await;
        for round in 0..3 {
            // Those that wait at once are one transaction of the embedded database.
            let writes = (0..20).map(|i| write(&ctx.db, 20 * round + i, i % 7 == 3));
            for (i, written) in join_all(writes).await.into_iter().enumerate() {
                match i % 7 == 3 {
                    true => assert!(matches!(written, Err(Error::Internal(_))), "{i}"),
                    false => written.unwrap(),
                }
            }
        }
        let mut conn = ctx.db.read().await.unwrap();
        let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM node")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        assert_eq!(count, 3 * 17);
    }
}
