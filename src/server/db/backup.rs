//! Connections for backups: to a database that servers may be running on, whose schema stays as it is, and to the
//! SQLite file that becomes the backup.

use std::path::Path;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sqlx::any::AnyConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor, Row};

use crate::server::db::{Conn, install_drivers, is_postgres, migrate, migrations, postgres};
use crate::server::error::Result;

/// Opens a connection to a database as it is: a missing file is not made, and the schema is not brought up to date.
pub async fn connect(url: &str) -> Result<Conn> {
    install_drivers();
    let options: AnyConnectOptions = match url.split_once('?') {
        Some((file, query)) if !is_postgres(url) => {
            format!("{file}?{}", query.replace("mode=rwc", "mode=rw")).parse()?
        }
        _ => url.parse()?,
    };
    let mut conn = options
        .log_statements(log::LevelFilter::Trace)
        .connect()
        .await?;
    match is_postgres(url) {
        true => conn.execute(postgres::SESSION).await?,
        false => conn.execute("PRAGMA busy_timeout = 10000").await?,
    };
    Ok(conn)
}

/// Returns the version of a database's schema; `None` where it has none of ours.
pub async fn schema_version(conn: &mut Conn) -> Result<Option<i64>> {
    let sql = "SELECT MAX(version) AS version FROM _sqlx_migrations WHERE success";
    match sqlx::query(sql).fetch_one(&mut *conn).await {
        Ok(row) => Ok(row.try_get("version")?),
        // There is no such table.
        Err(sqlx::Error::Database(error)) if is_missing_table(&*error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_missing_table(error: &dyn sqlx::error::DatabaseError) -> bool {
    const UNDEFINED_TABLE: &str = "42P01";
    error.code().as_deref() == Some(UNDEFINED_TABLE) || error.message().contains("no such table")
}

/// Returns the version of the schema that this program works with.
pub fn own_schema_version() -> i64 {
    let migrator = migrations::migrator();
    let versions = migrator.iter().map(|migration| migration.version);
    versions.max().unwrap_or_default()
}

/// Returns the size of a database, in bytes. A backup is hardly larger.
pub async fn size_bytes(conn: &mut Conn) -> Result<u64> {
    let sql = match conn.backend_name() {
        "PostgreSQL" => "SELECT pg_database_size(current_database()) AS size",
        _ => "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()",
    };
    let size: i64 = sqlx::query(sql).fetch_one(conn).await?.try_get("size")?;
    Ok(size.unsigned_abs())
}

/// Writes a SQLite database as it is at this moment into an empty file. Others go on reading and writing meanwhile.
pub async fn copy_into(conn: &mut Conn, file: &Path) -> Result<()> {
    let file = file.to_string_lossy().into_owned();
    sqlx::query("VACUUM INTO $1")
        .bind(file)
        .execute(conn)
        .await?;
    Ok(())
}

/// Begins a transaction of a PostgreSQL connection that sees the database as it is at this moment, and changes nothing.
pub async fn begin_snapshot(conn: &mut Conn) -> Result<()> {
    conn.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .await?;
    Ok(())
}

/// Opens the file that becomes a backup. What is written into it need not survive a crash yet.
pub async fn open_file(file: &Path) -> Result<Conn> {
    let mut conn = connect(&url_of(file)).await?;
    conn.execute(
        "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY",
    )
    .await?;
    Ok(conn)
}

/// Makes our tables in an empty file.
pub async fn make_tables(conn: &mut Conn) -> Result<()> {
    migrate(conn).await
}

/// Closes the file that becomes a backup, as one file without a journal beside it.
pub async fn close_file(mut conn: Conn) -> Result<()> {
    conn.execute("PRAGMA journal_mode = DELETE").await?;
    Ok(conn.close().await?)
}

/// Checks every page, index and reference of a SQLite file. Returns what is wrong first, if anything is.
pub async fn damage(conn: &mut Conn) -> Result<Option<String>> {
    let row = sqlx::query("PRAGMA integrity_check(1)");
    let found: String = row.fetch_one(&mut *conn).await?.try_get(0)?;
    if found != "ok" {
        return Ok(Some(found));
    }
    let row = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(conn)
        .await?;
    let table: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
    Ok(table.map(|table| format!("a row of {table} refers to one that is not there")))
}

/// Returns the address of a SQLite file that exists, which may be written to.
pub fn url_of(file: &Path) -> String {
    address(file, "rw")
}

/// Returns the address of a SQLite file for reading alone.
pub fn read_only_url_of(file: &Path) -> String {
    address(file, "ro")
}

fn address(file: &Path, mode: &str) -> String {
    /// Characters that would end the path in an address.
    const SPECIAL: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%');
    let file = file.to_string_lossy();
    format!(
        "sqlite://{}?mode={mode}",
        utf8_percent_encode(&file, SPECIAL)
    )
}
