//! The columns of secrets in all tables, each holding sealed texts: their only list, and the SQL that seals them anew.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row, query};

use crate::domain::secret::Sealed;

/// A column of secrets.
#[derive(Debug, PartialEq, Eq)]
pub struct SealedColumn {
    pub table: &'static str,
    pub column: &'static str,
    /// Columns of the table's key. All of them are texts.
    pub key: &'static [&'static str],
}

/// The secrets of the merchants' apps.
pub const APP_SECRET: SealedColumn = SealedColumn {
    table: "merchant_app",
    column: "secret",
    key: &["app_id"],
};

/// The secrets that the merchants' apps had before.
pub const APP_OLD_SECRET: SealedColumn = SealedColumn {
    column: "old_secret",
    ..APP_SECRET
};

/// The secrets of the channel accounts.
pub const ACCOUNT_SECRETS: SealedColumn = SealedColumn {
    table: "channel_account",
    column: "secrets",
    key: &["account_id"],
};

/// Every column of secrets.
pub const COLUMNS: &[SealedColumn] = &[APP_SECRET, APP_OLD_SECRET, ACCOUNT_SECRETS];

/// A secret of a row.
#[derive(Clone, Debug)]
pub struct SealedRow {
    pub key: Vec<String>,
    pub sealed: Sealed,
}

/// Reads the next secrets by key, after `after` where it is given, at most `limit`.
pub async fn rows(
    conn: &mut AnyConnection,
    of: &SealedColumn,
    after: Option<&[String]>,
    limit: i64,
) -> sqlx::Result<Vec<SealedRow>> {
    let SealedColumn { table, column, key } = of;
    let key_columns = key.join(", ");
    let mut sql = format!("SELECT {key_columns}, {column} FROM {table} WHERE {column} IS NOT NULL");
    if after.is_some() {
        sql += &format!(" AND ({key_columns}) > ({})", placeholders(key.len()));
    }
    sql += &format!(" ORDER BY {key_columns} LIMIT {limit}");
    let mut query = query(AssertSqlSafe(sql));
    for value in after.unwrap_or_default() {
        query = query.bind(value);
    }
    let row = |row: &AnyRow| {
        let key: sqlx::Result<Vec<String>> = (0..key.len()).map(|at| row.try_get(at)).collect();
        Ok(SealedRow {
            key: key?,
            sealed: Sealed(row.try_get(of.key.len())?),
        })
    };
    query.fetch_all(conn).await?.iter().map(row).collect()
}

/// Stores a secret that was sealed anew, unless the row's secret has changed since it was read.
pub async fn replace(
    conn: &mut AnyConnection,
    of: &SealedColumn,
    read: &SealedRow,
    anew: &Sealed,
) -> sqlx::Result<()> {
    let SealedColumn { table, column, key } = of;
    let n = key.len();
    let sql = format!(
        "UPDATE {table} SET {column} = ${} WHERE ({}) = ({}) AND {column} = ${}",
        n + 1,
        key.join(", "),
        placeholders(n),
        n + 2
    );
    let mut query = query(AssertSqlSafe(sql));
    for value in &read.key {
        query = query.bind(value);
    }
    query
        .bind(&anew.0)
        .bind(&read.sealed.0)
        .execute(conn)
        .await?;
    Ok(())
}

fn placeholders(count: usize) -> String {
    let numbered: Vec<_> = (1..=count).map(|n| format!("${n}")).collect();
    numbered.join(", ")
}
