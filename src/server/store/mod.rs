//! The SQL, one file for each table. Functions take a connection, open no transaction and contain no business rules.
//!
//! The same text serves SQLite and PostgreSQL: `$1` placeholders, and only TEXT and BIGINT columns.

pub mod account;
pub mod audit;
pub mod backup_schedule;
pub mod breaker;
pub mod callback;
pub mod copying;
pub mod event;
pub mod gauges;
pub mod known_device;
pub mod list;
pub mod login_failure;
pub mod merchant;
pub mod movement;
pub mod node;
pub mod notice;
pub mod operator;
pub mod operator_grant;
pub mod order;
pub mod refund;
pub mod restoration;
pub mod retention;
pub mod sandbox;
pub mod sealed;
pub mod session;
pub mod submission;
mod write;
pub mod write_check;

use std::str::FromStr;

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::domain::UnknownName;
use crate::domain::money::Fen;
use crate::domain::time::Timestamp;

pub use write::{Write, run, run_if};

/// Checks that the database answers.
pub async fn ping(conn: &mut sqlx::AnyConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT 1").execute(conn).await.map(drop)
}

/// Returns the present moment by the database's own clock; `None` where it has no clock apart from this machine's.
pub async fn now(conn: &mut sqlx::AnyConnection) -> sqlx::Result<Option<Timestamp>> {
    if !is_postgres(conn) {
        return Ok(None);
    }
    let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now";
    let row = sqlx::query(sql).fetch_one(conn).await?;
    row.at("now").map(Some)
}

fn is_postgres(conn: &sqlx::AnyConnection) -> bool {
    conn.backend_name() == "PostgreSQL"
}

/// Returns the clause that lets several nodes claim rows at once without waiting for each other. Empty for SQLite,
/// which has one writer at a time.
fn skip_locked(conn: &sqlx::AnyConnection) -> &'static str {
    match is_postgres(conn) {
        true => " FOR UPDATE SKIP LOCKED",
        false => "",
    }
}

/// Returns the clause that locks the rows that are read until the transaction ends. Empty for SQLite, which has one
/// writer at a time.
fn for_update(conn: &sqlx::AnyConnection) -> &'static str {
    match is_postgres(conn) {
        true => " FOR UPDATE",
        false => "",
    }
}

/// Reads a row's columns by name, as types of the domain.
trait Columns {
    fn text(&self, column: &str) -> sqlx::Result<String>;
    fn text_opt(&self, column: &str) -> sqlx::Result<Option<String>>;
    fn int(&self, column: &str) -> sqlx::Result<i64>;
    fn int_opt(&self, column: &str) -> sqlx::Result<Option<i64>>;

    fn flag(&self, column: &str) -> sqlx::Result<bool> {
        Ok(self.int(column)? != 0)
    }
    fn fen(&self, column: &str) -> sqlx::Result<Fen> {
        self.int(column).map(Fen)
    }
    fn at(&self, column: &str) -> sqlx::Result<Timestamp> {
        self.int(column).map(Timestamp)
    }
    fn at_opt(&self, column: &str) -> sqlx::Result<Option<Timestamp>> {
        Ok(self.int_opt(column)?.map(Timestamp))
    }
    fn word<T: FromStr<Err = UnknownName>>(&self, column: &str) -> sqlx::Result<T> {
        parse(column, &self.text(column)?)
    }
    fn word_opt<T: FromStr<Err = UnknownName>>(&self, column: &str) -> sqlx::Result<Option<T>> {
        self.text_opt(column)?
            .map(|word| parse(column, &word))
            .transpose()
    }
}

impl Columns for AnyRow {
    fn text(&self, column: &str) -> sqlx::Result<String> {
        self.try_get(column)
    }
    fn text_opt(&self, column: &str) -> sqlx::Result<Option<String>> {
        self.try_get(column)
    }
    fn int(&self, column: &str) -> sqlx::Result<i64> {
        self.try_get(column)
    }
    fn int_opt(&self, column: &str) -> sqlx::Result<Option<i64>> {
        self.try_get(column)
    }
}

fn parse<T: FromStr<Err = UnknownName>>(column: &str, word: &str) -> sqlx::Result<T> {
    word.parse().map_err(|error| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(error),
    })
}
