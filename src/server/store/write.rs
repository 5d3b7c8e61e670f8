//! Writes that go to the database together. Each round trip to it costs more than most writes do.

use std::fmt::Write as _;

use sqlx::{AnyConnection, AssertSqlSafe, query};

/// A statement that writes unconditionally, with its arguments.
#[derive(Clone, Debug)]
pub struct Write {
    sql: &'static str,
    args: Vec<Arg>,
}

/// An argument. All columns are TEXT or BIGINT.
#[derive(Clone, Debug)]
pub enum Arg {
    Text(Option<String>),
    Number(Option<i64>),
}

/// Makes a write of a statement with the places `$1`, `$2` and so on.
pub(super) fn write(sql: &'static str) -> Write {
    Write {
        sql,
        args: Vec::new(),
    }
}

impl Write {
    /// Binds the next argument.
    pub(super) fn bind(mut self, arg: impl Into<Arg>) -> Write {
        self.args.push(arg.into());
        self
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

/// Runs writes in one round trip. They must not depend on each other, except by foreign keys: PostgreSQL runs them all on
/// the state before the first.
///
/// # Errors
/// The error of the first write that fails; the others may have been run.
pub async fn run(conn: &mut AnyConnection, writes: Vec<Write>) -> sqlx::Result<()> {
    if writes.is_empty() {
        return Ok(());
    }
    let sql = together(&writes, conn.backend_name() == "PostgreSQL");
    let mut query = query(AssertSqlSafe(sql));
    for arg in writes.into_iter().flat_map(|write| write.args) {
        query = match arg {
            Arg::Text(text) => query.bind(text),
            Arg::Number(number) => query.bind(number),
        };
    }
    query.execute(conn).await.map(drop)
}

/// Writes several statements as one text: for SQLite one after the other; for PostgreSQL, which prepares one statement at a
/// time, the first ones as parts of the last.
fn together(writes: &[Write], postgres: bool) -> String {
    let mut sql = String::new();
    let mut places = 0;
    for (i, write) in writes.iter().enumerate() {
        let text = renumbered(write.sql, places);
        places += write.args.len();
        let last = i + 1 == writes.len();
        let _ = match (postgres, last) {
            (true, false) if i == 0 => write!(sql, "WITH write_{i} AS ({text})"),
            (true, false) => write!(sql, ", write_{i} AS ({text})"),
            (true, true) if i > 0 => write!(sql, " {text}"),
            (false, false) => write!(sql, "{text}; "),
            (_, true) => write!(sql, "{text}"),
        };
    }
    sql
}

/// Adds `offset` to the number of each place of a statement.
fn renumbered(sql: &str, offset: usize) -> String {
    let mut parts = sql.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = part.split_at(end.unwrap_or(part.len()));
        let number: usize = digits.parse().unwrap_or_default();
        let _ = write!(out, "${}{rest}", number + offset);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_through_all_statements() {
        let one = || write("INSERT INTO a VALUES ($1, $2)").bind("x").bind(1);
        let two = write("UPDATE b SET c = $2 WHERE d = $1 OR e = $1")
            .bind(Some("y"))
            .bind(2);
        let writes = [one(), two, one()];
        assert_eq!(
            together(&writes, false),
            "INSERT INTO a VALUES ($1, $2); UPDATE b SET c = $4 WHERE d = $3 OR e = $3; INSERT INTO a VALUES ($5, $6)"
        );
        assert_eq!(
            together(&writes, true),
            "WITH write_0 AS (INSERT INTO a VALUES ($1, $2)), \
             write_1 AS (UPDATE b SET c = $4 WHERE d = $3 OR e = $3) INSERT INTO a VALUES ($5, $6)"
        );
        assert_eq!(together(&[one()], true), "INSERT INTO a VALUES ($1, $2)");
    }
}
