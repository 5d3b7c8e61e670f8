//! The database: opening, reading and writing. The address decides between embedded SQLite and PostgreSQL; the other
//! modules need not know which it is.
//!
//! Reads take a connection from the pool. All writes go through [`Db::write`].

pub mod backup;
mod migrations;
mod postgres;
pub mod server_lock;
mod sqlite;

use std::path::Path;
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

/// Default number of connections for reading.
const CONNECTIONS_EMBEDDED: u32 = 4;
const CONNECTIONS_POSTGRES: u32 = 16;

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: AnyPool,
    writes: Writes,
    /// The embedded database's file; `None` on PostgreSQL.
    file: Option<Arc<OpenFile>>,
}

/// The way in which writes are made.
#[derive(Clone)]
enum Writes {
    /// SQLite: a single writer commits all waiting writes together.
    Together(sqlite::Writer),
    /// PostgreSQL: each write is a transaction of its own.
    Apart(postgres::Transactions),
    /// A file that is only read.
    Refused,
}

impl Db {
    /// Opens a database and brings its schema up to date.
    ///
    /// `connections` is the size of the pool, which on the embedded database serves only reads; `None` means 4 there
    /// and 16 on PostgreSQL. `batch` is the maximum number of waiting writes that the embedded database commits
    /// together.
    ///
    /// # Errors
    /// Fails where the address is wrong, the database cannot be opened or does not sort text by bytes, or a migration
    /// fails.
    pub async fn open(url: &str, connections: Option<u32>, batch: u32) -> Result<Db> {
        install_drivers();
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
        // Only now is it known to be a database.
        sqlite::close_to_others(url)?;
        Ok(Db {
            pool,
            writes: Writes::Together(writer),
            file: Some(Arc::new(OpenFile::of(url)?)),
        })
    }

    /// Opens a SQLite file whose schema is up to date for reading alone. Writes fail.
    pub async fn read_only(file: &Path) -> Result<Db> {
        install_drivers();
        let options = backup::read_only_url_of(file)
            .parse::<AnyConnectOptions>()?
            .log_statements(log::LevelFilter::Trace);
        Ok(Db {
            pool: sqlite::pool(options, CONNECTIONS_EMBEDDED),
            writes: Writes::Refused,
            file: None,
        })
    }

    /// Tells whether the path still leads to the file that was opened. What is written into a file that was moved away
    /// is lost with the last connection to it.
    pub async fn is_in_place(&self) -> bool {
        match &self.file {
            Some(file) => file.is_in_place().await,
            None => true,
        }
    }

    /// Takes a connection for reading. Must not be held while [`Db::write`] is awaited: on PostgreSQL both use the
    /// same pool, which could run empty.
    pub async fn read(&self) -> Result<PoolConnection<Any>> {
        Ok(self.pool.acquire().await?)
    }

    /// Runs a write and returns once it is durable. The write is carried out even if the caller is dropped.
    ///
    /// Each run of the job gets a copy of `args`, as the job may run more than once: on the embedded database when
    /// another job of its transaction fails, on PostgreSQL when it conflicts with another node's write or loses its
    /// connection. Each time its changes are rolled back first, so a job must have no effect except on its connection. A
    /// job that refuses without having written anything returns `Ok` with a value that says so; an `Err` rolls back what
    /// the job wrote.
    ///
    /// On PostgreSQL other writes run at the same time, so that what a job has read may have changed when it writes.
    /// Each of its statements therefore names what it depends on (a version, a condition, a key). Where that is gone,
    /// the job fails with [`Conflict`](crate::server::error::Conflict), or by violating a key or a check, and is run
    /// again. It must not catch an SQL error and go on.
    ///
    /// # Errors
    /// The job's own error; an internal error when the database is out of reach. If that happens during the commit, it
    /// is unknown whether the write took place.
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn write<A, T, F>(&self, args: A, job: F) -> Result<T>
    where
        A: Clone + Send + Sync + 'static,
        T: Send + 'static,
        F: for<'c> Fn(&'c mut Conn, A) -> BoxFuture<'c, Result<T>> + Send + Sync + 'static,
    {
        let began = Instant::now();
        let job = within(Span::current(), move |conn| job(conn, args.clone()));
        let written = match &self.writes {
            Writes::Together(writer) => writer.write(job).await,
            Writes::Apart(transactions) => transactions.write(job).await,
            Writes::Refused => Err(Error::internal("the database was opened for reading alone")),
        };
        counters::written(began.elapsed());
        written
    }

    /// Waits until the single writer has ended, so that no write is possible any more. Never returns where there is no
    /// single writer, as on PostgreSQL.
    pub async fn writer_ended(&self) {
        match &self.writes {
            Writes::Together(writer) => writer.ended().await,
            Writes::Apart(_) | Writes::Refused => std::future::pending().await,
        }
    }

    /// Refuses further reads and writes, carries out the waiting writes, and closes the database.
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
            Writes::Refused => self.pool.close().await,
        }
    }
}

/// Lets sqlx choose the database's driver by its address.
fn install_drivers() {
    static DRIVERS: Once = Once::new();
    DRIVERS.call_once(sqlx::any::install_default_drivers);
}

/// Runs the job within the caller's tracing span, as the job may run on another task.
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

/// Tells whether a URL is that of a PostgreSQL database.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

async fn migrate(conn: &mut Conn) -> Result<()> {
    // `run` makes a future that is not `Send` for every lifetime of the connection.
    migrations::migrator()
        .run_direct(None, conn, false)
        .await
        .map_err(|error| Error::Internal(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use crate::server::config::Config;
    use crate::server::error::Error;
    use crate::server::testing::app_with;

    /// Makes a write that adds a row and, with `panics`, panics afterwards.
    async fn write(db: &super::Db, number: i64, panics: bool) -> super::Result<()> {
        db.write((), move |conn, ()| {
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
            // On the embedded database, writes that wait together share a transaction.
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
