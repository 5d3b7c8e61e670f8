//! Writes that go to the database together. Each round trip to it costs more than most writes do.

use std::fmt::Write as _;

use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::server::store::Columns;

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
    let all = writes.len() as u64;
    match written(conn, writes).await? {
        written if written == all => Ok(()),
        _ => Err(sqlx::Error::RowNotFound),
    }
}

/// Runs a write and, where that has changed its row, the others. Returns false where it has not.
///
/// # Errors
/// As [`run`].
pub async fn run_if(
    conn: &mut AnyConnection,
    condition: Write,
    writes: Vec<Write>,
) -> sqlx::Result<bool> {
    if written(conn, vec![condition]).await? == 0 {
        return Ok(false);
    }
    run(conn, writes).await.map(|()| true)
}

/// Runs writes in one round trip, and returns the number of rows written.
async fn written(conn: &mut AnyConnection, writes: Vec<Write>) -> sqlx::Result<u64> {
    if writes.is_empty() {
        return Ok(0);
    }
    let postgres = conn.backend_name() == "PostgreSQL";
    let mut query = query(AssertSqlSafe(together(&writes, postgres)));
    let counted = postgres && writes.len() > 1;
    for arg in writes.into_iter().flat_map(|write| write.args) {
        query = match arg {
            Arg::Text(text) => query.bind(text),
            Arg::Number(number) => query.bind(number),
        };
    }
    match counted {
        true => Ok(query.fetch_one(conn).await?.int("written")?.unsigned_abs()),
        false => Ok(query.execute(conn).await?.rows_affected()),
    }
}

/// Writes several statements as one text. SQLite runs them one after the other. PostgreSQL, which prepares one statement
/// at a time, runs them as parts of a statement that counts the rows.
fn together(writes: &[Write], postgres: bool) -> String {
    let parts = postgres && writes.len() > 1;
    let mut sql = String::with_capacity(4_096);
    let mut places = 0;
    for (i, write) in writes.iter().enumerate() {
        let _ = match (parts, i) {
            (true, 0) => write!(sql, "WITH write_0 AS ("),
            (true, _) => write!(sql, ", write_{i} AS ("),
            (false, 0) => Ok(()),
            (false, _) => write!(sql, "; "),
        };
        write.append_to(&mut sql, places);
        places += write.args.len();
        if parts {
            sql.push_str(" RETURNING 1)");
        }
    }
    if parts {
        sql.push_str(" SELECT 0");
        for i in 0..writes.len() {
            let _ = write!(sql, " + (SELECT COUNT(*) FROM write_{i})");
        }
        sql.push_str(" AS written");
    }
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

    #[test]
    fn places_are_counted_through_all_statements() {
        let one = || insert_into("a", "x, y").bind("x").bind(1);
        let two = update("UPDATE b SET c = $2 WHERE d = $1 OR e = $1")
            .bind(Some("y"))
            .bind(2);
        let writes = [one(), two, one()];
        assert_eq!(
            together(&writes, false),
            "INSERT INTO a (x, y) VALUES ($1, $2); UPDATE b SET c = $4 WHERE d = $3 OR e = $3; \
             INSERT INTO a (x, y) VALUES ($5, $6)"
        );
        assert_eq!(
            together(&writes, true),
            "WITH write_0 AS (INSERT INTO a (x, y) VALUES ($1, $2) RETURNING 1), \
             write_1 AS (UPDATE b SET c = $4 WHERE d = $3 OR e = $3 RETURNING 1), \
             write_2 AS (INSERT INTO a (x, y) VALUES ($5, $6) RETURNING 1) \
             SELECT 0 + (SELECT COUNT(*) FROM write_0) + (SELECT COUNT(*) FROM write_1) + (SELECT COUNT(*) FROM write_2) \
             AS written"
        );
        assert_eq!(
            together(&[one()], true),
            "INSERT INTO a (x, y) VALUES ($1, $2)"
        );
    }
}
