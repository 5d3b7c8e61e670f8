//! Writes that go to the database together. Each round trip to it costs more than most writes do.

use std::fmt::Write as _;

use futures::TryStreamExt;
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Either, Executor, query};

use crate::server::store::{Columns, is_postgres};

/// A statement that writes one row, with its arguments.
#[derive(Clone, Debug)]
pub struct Write {
    statement: Statement,
    args: Vec<Arg>,
}

#[derive(Clone, Copy, Debug)]
enum Statement {
    /// The arguments are the values of `columns`, in their order.
    Insert {
        table: &'static str,
        columns: &'static str,
    },
    /// An UPDATE with the places `$1`, `$2` and so on.
    Update(&'static str),
}

/// An argument. All columns are TEXT or BIGINT.
#[derive(Clone, Debug)]
pub enum Arg {
    Text(Option<String>),
    Number(Option<i64>),
}

/// Makes a write that adds a row. A value has to be bound for each of `columns`.
pub(super) fn insert_into(table: &'static str, columns: &'static str) -> Write {
    Write {
        statement: Statement::Insert { table, columns },
        args: Vec::new(),
    }
}

/// Makes a write that changes a row, by an UPDATE with the places `$1`, `$2` and so on.
pub(super) fn update(sql: &'static str) -> Write {
    Write {
        statement: Statement::Update(sql),
        args: Vec::new(),
    }
}

impl Write {
    /// Binds the next argument.
    pub(super) fn bind(mut self, arg: impl Into<Arg>) -> Write {
        self.args.push(arg.into());
        self
    }

    /// Appends the statement's text, with its places numbered from `offset` on.
    fn append_to(&self, sql: &mut String, offset: usize) {
        match self.statement {
            Statement::Insert { table, columns } => {
                let _ = write!(sql, "INSERT INTO {table} ({columns}) VALUES (");
                for place in 1..=self.args.len() {
                    let comma = if place > 1 { ", " } else { "" };
                    let _ = write!(sql, "{comma}${}", offset + place);
                }
                sql.push(')');
            }
            Statement::Update(update) => append_renumbered(sql, update, offset),
        }
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Arg {
        Arg::Text(Some(text.to_owned()))
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Arg {
        Arg::Text(Some(text.clone()))
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Arg {
        Arg::Text(Some(text))
    }
}

impl From<&Option<String>> for Arg {
    fn from(text: &Option<String>) -> Arg {
        Arg::Text(text.clone())
    }
}

impl From<Option<String>> for Arg {
    fn from(text: Option<String>) -> Arg {
        Arg::Text(text)
    }
}

impl From<Option<&str>> for Arg {
    fn from(text: Option<&str>) -> Arg {
        Arg::Text(text.map(str::to_owned))
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Arg {
        Arg::Number(Some(number))
    }
}

impl From<Option<i64>> for Arg {
    fn from(number: Option<i64>) -> Arg {
        Arg::Number(number)
    }
}

/// Runs writes in one round trip. They must not depend on each other, except by foreign keys.
///
/// # Errors
/// The error of the first write that fails; [`sqlx::Error::RowNotFound`] where one has no row to change. The others may
/// have been run: the transaction has to be rolled back.
pub async fn run(conn: &mut AnyConnection, writes: Vec<Write>) -> sqlx::Result<()> {
    match is_postgres(conn) {
        true => run_as_parts(conn, writes).await,
        false => run_in_turn(conn, writes, false).await,
    }
}

/// Runs a write and, where that has changed its row, the others. Returns false where it has not; then nothing has been
/// written. One round trip on SQLite, two on PostgreSQL.
///
/// # Errors
/// As [`run`].
pub async fn run_if(
    conn: &mut AnyConnection,
    condition: Write,
    writes: Vec<Write>,
) -> sqlx::Result<bool> {
    if is_postgres(conn) {
        return match run_as_parts(conn, vec![condition]).await {
            Err(sqlx::Error::RowNotFound) => Ok(false),
            Err(error) => Err(error),
            Ok(()) => run_as_parts(conn, writes).await.map(|()| true),
        };
    }
    let all = [condition].into_iter().chain(writes).collect();
    match run_in_turn(conn, all, true).await {
        Err(error) if is_stop(&error) => Ok(false),
        ran => ran.map(|()| true),
    }
}

/// Fails where the statement before it has changed no row: SQLite's `abs` refuses the smallest integer.
const STOP_UNLESS_CHANGED: &str =
    "SELECT abs(changes() + -9223372036854775808) WHERE changes() = 0";

fn is_stop(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.message() == "integer overflow")
}

/// Runs writes on SQLite, as statements of one text. With `stops`, runs only the first where that changes no row.
async fn run_in_turn(
    conn: &mut AnyConnection,
    writes: Vec<Write>,
    stops: bool,
) -> sqlx::Result<()> {
    if writes.is_empty() {
        return Ok(());
    }
    let sql = in_turn(&writes, stops);
    let mut results = conn.fetch_many(with_args(query(AssertSqlSafe(sql)), writes));
    let mut statement = 0;
    while let Some(result) = results.try_next().await? {
        let missed = matches!(result, Either::Left(done) if done.rows_affected() == 0);
        // The first write and the stop after it fail by themselves.
        if missed && !(stops && statement < 2) {
            return Err(sqlx::Error::RowNotFound);
        }
        statement += 1;
    }
    Ok(())
}

/// Runs writes on PostgreSQL, which prepares one statement at a time, as parts of a statement that counts the rows.
async fn run_as_parts(conn: &mut AnyConnection, writes: Vec<Write>) -> sqlx::Result<()> {
    if writes.is_empty() {
        return Ok(());
    }
    let (sql, all) = (as_parts(&writes), writes.len() as u64);
    let query = with_args(query(AssertSqlSafe(sql)), writes);
    let row = query.fetch_one(conn).await?;
    match row.int("written")?.unsigned_abs() == all {
        true => Ok(()),
        false => Err(sqlx::Error::RowNotFound),
    }
}

fn with_args<'q>(
    query: Query<'q, Any, AnyArguments>,
    writes: Vec<Write>,
) -> Query<'q, Any, AnyArguments> {
    let args = writes.into_iter().flat_map(|write| write.args);
    args.fold(query, |query, arg| match arg {
        Arg::Text(text) => query.bind(text),
        Arg::Number(number) => query.bind(number),
    })
}

fn in_turn(writes: &[Write], stops: bool) -> String {
    let mut sql = String::with_capacity(4_096);
    let mut places = 0;
    for (i, write) in writes.iter().enumerate() {
        if i > 0 {
            sql.push_str("; ");
        }
        write.append_to(&mut sql, places);
        places += write.args.len();
        if stops && i == 0 {
            let _ = write!(sql, "; {STOP_UNLESS_CHANGED}");
        }
    }
    sql
}

fn as_parts(writes: &[Write]) -> String {
    let mut sql = String::with_capacity(4_096);
    let mut places = 0;
    for (i, write) in writes.iter().enumerate() {
        let begin = if i == 0 { "WITH" } else { "," };
        let _ = write!(sql, "{begin} write_{i} AS (");
        write.append_to(&mut sql, places);
        places += write.args.len();
        sql.push_str(" RETURNING 1)");
    }
    sql.push_str(" SELECT 0");
    for i in 0..writes.len() {
        let _ = write!(sql, " + (SELECT COUNT(*) FROM write_{i})");
    }
    sql.push_str(" AS written");
    sql
}

/// Appends a statement, with `offset` added to the number of each place.
fn append_renumbered(sql: &mut String, statement: &str, offset: usize) {
    let mut parts = statement.split('$');
    sql.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = part.split_at(end.unwrap_or(part.len()));
        let number: usize = digits.parse().unwrap_or_default();
        let _ = write!(sql, "${}{rest}", number + offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::Config;
    use crate::server::testing::app_with;

    #[test]
    fn places_are_counted_through_all_statements() {
        let one = || insert_into("a", "x, y").bind("x").bind(1);
        let two = update("UPDATE b SET c = $2 WHERE d = $1 OR e = $1")
            .bind(Some("y"))
            .bind(2);
        let writes = [one(), two, one()];
        assert_eq!(
            in_turn(&writes, false),
            "INSERT INTO a (x, y) VALUES ($1, $2); UPDATE b SET c = $4 WHERE d = $3 OR e = $3; \
             INSERT INTO a (x, y) VALUES ($5, $6)"
        );
        assert_eq!(
            in_turn(&writes[..2], true),
            format!(
                "INSERT INTO a (x, y) VALUES ($1, $2); {STOP_UNLESS_CHANGED}; \
                 UPDATE b SET c = $4 WHERE d = $3 OR e = $3"
            )
        );
        assert_eq!(
            in_turn(&writes[..1], true),
            format!("INSERT INTO a (x, y) VALUES ($1, $2); {STOP_UNLESS_CHANGED}")
        );
        assert_eq!(
            as_parts(&writes),
            "WITH write_0 AS (INSERT INTO a (x, y) VALUES ($1, $2) RETURNING 1), \
             write_1 AS (UPDATE b SET c = $4 WHERE d = $3 OR e = $3 RETURNING 1), \
             write_2 AS (INSERT INTO a (x, y) VALUES ($5, $6) RETURNING 1) \
             SELECT 0 + (SELECT COUNT(*) FROM write_0) + (SELECT COUNT(*) FROM write_1) + (SELECT COUNT(*) FROM write_2) \
             AS written"
        );
    }

    #[tokio::test]
    async fn a_condition_that_changes_no_row_stops_all_the_rest() {
        let node = |number: i64| {
            insert_into("node", "node, host, holder, alive_until, started_at")
                .bind(number)
                .bind("host")
                .bind("holder")
                .bind(0)
                .bind(0)
        };
        let touch = |number: i64| {
            update("UPDATE node SET alive_until = $2 WHERE node = $1")
                .bind(number)
                .bind(9)
        };
        let (ctx, _database) = app_with(Config::default()).await;
        let written = ctx.db.write((), move |conn, ()| {
            Box::pin(async move {
                run(conn, vec![node(501)]).await?;
                let mut met = Vec::new();
                met.push(run_if(conn, touch(502), vec![node(503), touch(501)]).await?);
                met.push(run_if(conn, touch(502), vec![]).await?);
                met.push(run_if(conn, touch(501), vec![]).await?);
                met.push(run_if(conn, touch(501), vec![node(504)]).await?);
                Ok(met)
            })
        });
        assert_eq!(written.await.unwrap(), [false, false, true, true]);
        let missed = ctx.db.write((), move |conn, ()| {
            Box::pin(
                async move { Ok(run_if(conn, touch(501), vec![node(505), touch(502)]).await?) },
            )
        });
        assert!(missed.await.is_err(), "a write without its row");
        let mut conn = ctx.db.read().await.unwrap();
        let rows = query("SELECT node FROM node WHERE node > 500 ORDER BY node")
            .fetch_all(&mut *conn)
            .await
            .unwrap();
        let nodes: Vec<_> = rows.iter().map(|row| row.int("node").unwrap()).collect();
        assert_eq!(nodes, [501, 504]);
    }
}
