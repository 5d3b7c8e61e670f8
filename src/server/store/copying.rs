//! Rows of any table as texts, for copying one database into another. The only part of the store that treats all
//! tables alike; [`TABLES`] lists their names and keys.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row, query};

use crate::server::store::is_postgres;

/// A table to copy, with its key.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    key: &'static [&'static str],
    /// Columns of money, whose sums are compared.
    pub money: &'static [&'static str],
}

const fn table(
    name: &'static str,
    key: &'static [&'static str],
    money: &'static [&'static str],
) -> Table {
    Table { name, key, money }
}

/// All tables to copy, referenced tables before those that refer to them.
pub const TABLES: &[Table] = &[
    table("merchant_app", &["app_id"], &[]),
    table("channel_account", &["account_id"], &[]),
    table("app_channel", &["app_id", "channel"], &[]),
    table("breaker", &["account_id"], &[]),
    table(
        "pay_order",
        &["app_id", "order_no"],
        &["amount", "refunded", "held", "overpaid"],
    ),
    table("refund", &["app_id", "refund_no"], &["amount"]),
    table("submission", &["app_id", "refund_no", "attempt"], &[]),
    table(
        "movement",
        &["app_id", "order_no", "refund_no", "seq"],
        &["held", "refunded", "overpaid"],
    ),
    table("event", &["app_id", "subject", "number", "seq"], &[]),
    table("notice", &["app_id", "refund_no", "seq"], &[]),
    table(
        "delivery_attempt",
        &["app_id", "refund_no", "seq", "attempt"],
        &[],
    ),
    table("callback", &["app_id", "callback_no"], &[]),
    table("operator", &["name"], &[]),
    table("operator_grant", &["operator", "app_id"], &[]),
    table("login_failure", &["name", "address"], &[]),
    table("known_device", &["device_id", "operator"], &[]),
    table("session", &["session_id"], &[]),
    table("restoration", &["taken_at"], &[]),
    table("audit", &["app_id", "at", "audit_id"], &[]),
    table("audit_head", &["id"], &[]),
    table("sandbox_ledger", &["refund_no"], &["amount"]),
    table("sandbox_faults", &["account_id"], &[]),
];

/// Tables that are not copied, as they concern only the running nodes of one database.
pub const LEFT_OUT: &[&str] = &["node", "write_check", "backup_schedule"];

/// A column, and whether its values are numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    number: bool,
}

/// The values of a row, column by column.
pub type TextRow = Vec<Option<String>>;

/// Returns the names of our tables in the database.
pub async fn tables(conn: &mut AnyConnection) -> sqlx::Result<Vec<String>> {
    let sql = match is_postgres(conn) {
        true => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_%'"
        }
        false => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             AND name NOT LIKE '\\_%' ESCAPE '\\'"
        }
    };
    let rows = query(sql).fetch_all(conn).await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Returns a table's columns, sorted by name, so that the order is the same in every database.
pub async fn columns(conn: &mut AnyConnection, table: &Table) -> sqlx::Result<Vec<Column>> {
    let sql = match is_postgres(conn) {
        true => {
            "SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns \
             WHERE table_schema = current_schema() AND table_name = $1"
        }
        false => "SELECT name, type FROM pragma_table_info($1)",
    };
    let rows = query(sql).bind(table.name).fetch_all(conn).await?;
    let column = |row: &AnyRow| {
        let kind: String = row.try_get(1)?;
        Ok(Column {
            name: row.try_get(0)?,
            number: kind.eq_ignore_ascii_case("bigint"),
        })
    };
    let mut columns = rows.iter().map(column).collect::<sqlx::Result<Vec<_>>>()?;
    columns.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(columns)
}

impl Table {
    /// Returns the key of a row.
    pub fn key_of(&self, columns: &[Column], row: &TextRow) -> Vec<String> {
        let at = |name: &&str| columns.iter().position(|column| column.name == *name);
        let value = |name| at(name).and_then(|at| row[at].clone());
        self.key.iter().filter_map(value).collect()
    }

    /// Returns the key's columns for `ORDER BY`. The table's name precedes each: a bare name would mean the selected
    /// text of that name, in which 10 sorts before 2.
    fn order(&self, direction: &str) -> String {
        let column = |name: &&str| format!("{}.{name}{direction}", self.name);
        let columns: Vec<_> = self.key.iter().map(column).collect();
        columns.join(", ")
    }

    fn is_number(&self, columns: &[Column], name: &str) -> bool {
        columns
            .iter()
            .any(|column| column.name == name && column.number)
    }
}

/// Returns at most `limit` rows in the order of the key, beginning after the key `after` if given.
pub async fn rows(
    conn: &mut AnyConnection,
    table: &Table,
    columns: &[Column],
    after: Option<&[String]>,
    limit: usize,
) -> sqlx::Result<Vec<TextRow>> {
    let names: Vec<_> = columns
        .iter()
        .map(|column| format!("CAST({} AS TEXT)", column.name))
        .collect();
    let key = table.key.join(", ");
    let mut sql = format!("SELECT {} FROM {}", names.join(", "), table.name);
    if after.is_some() {
        let values: Vec<_> = (1..=table.key.len())
            .map(|n| placeholder(n, table.is_number(columns, table.key[n - 1])))
            .collect();
        sql += &format!(" WHERE ({key}) > ({})", values.join(", "));
    }
    sql += &format!(" ORDER BY {} LIMIT {limit}", table.order(""));
    let mut query = query(AssertSqlSafe(sql));
    for value in after.unwrap_or_default() {
        query = query.bind(value.clone());
    }
    let rows = query.fetch_all(conn).await?;
    rows.iter()
        .map(|row| (0..columns.len()).map(|at| row.try_get(at)).collect())
        .collect()
}

/// Returns the key of the last row, if there is one.
pub async fn last_key(
    conn: &mut AnyConnection,
    table: &Table,
) -> sqlx::Result<Option<Vec<String>>> {
    let names: Vec<_> = table
        .key
        .iter()
        .map(|name| format!("CAST({name} AS TEXT)"))
        .collect();
    let sql = format!(
        "SELECT {} FROM {} ORDER BY {} LIMIT 1",
        names.join(", "),
        table.name,
        table.order(" DESC")
    );
    let row = query(AssertSqlSafe(sql)).fetch_optional(conn).await?;
    row.map(|row| (0..table.key.len()).map(|at| row.try_get(at)).collect())
        .transpose()
}

/// Adds rows.
pub async fn insert(
    conn: &mut AnyConnection,
    table: &Table,
    columns: &[Column],
    rows: &[TextRow],
) -> sqlx::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    let tuples: Vec<_> = (0..rows.len())
        .map(|row| {
            let first = row * columns.len() + 1;
            let values: Vec<_> = columns
                .iter()
                .enumerate()
                .map(|(at, column)| placeholder(first + at, column.number))
                .collect();
            format!("({})", values.join(", "))
        })
        .collect();
    let sql = format!(
        "INSERT INTO {} ({}) VALUES {}",
        table.name,
        names.join(", "),
        tuples.join(", ")
    );
    let mut query = query(AssertSqlSafe(sql));
    for value in rows.iter().flatten() {
        query = query.bind(value.clone());
    }
    query.execute(conn).await?;
    Ok(())
}

/// Deletes all rows of a table.
pub async fn clear(conn: &mut AnyConnection, table: &str) -> sqlx::Result<()> {
    let sql = format!("DELETE FROM {table}");
    query(AssertSqlSafe(sql)).execute(conn).await.map(drop)
}

/// Returns a placeholder for a value, which is passed as text in every column.
fn placeholder(n: usize, number: bool) -> String {
    match number {
        true => format!("CAST(CAST(${n} AS TEXT) AS BIGINT)"),
        false => format!("CAST(${n} AS TEXT)"),
    }
}

/// Counts a table's rows.
pub async fn count(conn: &mut AnyConnection, table: &Table) -> sqlx::Result<u64> {
    let sql = format!("SELECT COUNT(*) FROM {}", table.name);
    let count: i64 = query(AssertSqlSafe(sql))
        .fetch_one(conn)
        .await?
        .try_get(0)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Counts a table's rows up to and including a key.
pub async fn count_until(
    conn: &mut AnyConnection,
    table: &Table,
    columns: &[Column],
    last: &[String],
) -> sqlx::Result<u64> {
    let values: Vec<_> = (1..=table.key.len())
        .map(|n| placeholder(n, table.is_number(columns, table.key[n - 1])))
        .collect();
    let sql = format!(
        "SELECT COUNT(*) FROM {} WHERE ({}) <= ({})",
        table.name,
        table.key.join(", "),
        values.join(", ")
    );
    let mut query = query(AssertSqlSafe(sql));
    for value in last {
        query = query.bind(value.clone());
    }
    let count: i64 = query.fetch_one(conn).await?.try_get(0)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Returns the sum of a column of money, in fen.
pub async fn sum(conn: &mut AnyConnection, table: &Table, column: &str) -> sqlx::Result<i64> {
    let sql = format!(
        "SELECT CAST(COALESCE(SUM({column}), 0) AS BIGINT) FROM {}",
        table.name
    );
    query(AssertSqlSafe(sql)).fetch_one(conn).await?.try_get(0)
}
