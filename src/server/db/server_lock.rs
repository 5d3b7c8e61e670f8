//! The lock of the one server that an embedded database may have.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use sqlx::sqlite::SqliteConnectOptions;

use crate::server::db::is_postgres;

/// The lock of a server on its database. The system releases it when the process ends, however it ends. Commands do not
/// take it, so that they work beside a server.
pub struct ServerLock(#[expect(dead_code, reason = "held, not read")] Option<File>);

/// The reason why a server did not get the lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "another server is running on it (it holds {0}): an embedded database has one server, and PostgreSQL any number"
    )]
    Held(String),
    #[error("{0}: {1}")]
    File(String, io::Error),
}

impl ServerLock {
    /// Locks the database at an address whose file exists. A PostgreSQL database needs no lock.
    ///
    /// The lock is on a file of its own, `refundry.db.lock`: closing any handle of the database's file would end the locks
    /// that SQLite has on it.
    ///
    /// # Errors
    /// Fails where another server holds the lock, or the file cannot be made.
    pub fn take(url: &str) -> Result<ServerLock, LockError> {
        if is_postgres(url) {
            return Ok(ServerLock(None));
        }
        let options: SqliteConnectOptions = url
            .parse()
            .map_err(|error| LockError::File(url.to_owned(), io::Error::other(error)))?;
        // Links to one database lead to one lock.
        let database = options.get_filename();
        let database = database
            .canonicalize()
            .unwrap_or_else(|_| database.to_owned());
        let mut path: OsString = database.into();
        path.push(".lock");
        let path = PathBuf::from(path);
        let shown = path.display().to_string();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| LockError::File(shown.clone(), error))?;
        match file.try_lock() {
            Ok(()) => Ok(ServerLock(Some(file))),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(shown)),
            Err(TryLockError::Error(error)) => Err(LockError::File(shown, error)),
        }
    }
}
