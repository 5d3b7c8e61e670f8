//! Table `login_failure`.

use std::net::IpAddr;

use sqlx::{AnyConnection, query};

use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// The failed logins in a row under a name, from one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub count: i64,
    pub last_at: Timestamp,
}

/// Returns the failed logins under a name from an address, if the last is later than `since`.
pub async fn get(
    conn: &mut AnyConnection,
    name: &str,
    address: IpAddr,
    since: Timestamp,
) -> sqlx::Result<Option<Failures>> {
    let row =
        query("SELECT * FROM login_failure WHERE name = $1 AND address = $2 AND last_at > $3")
            .bind(name)
            .bind(address.to_string())
            .bind(since.0)
            .fetch_optional(conn)
            .await?;
    row.map(|row| {
        Ok(Failures {
            count: row.int("failures")?,
            last_at: row.at("last_at")?,
        })
    })
    .transpose()
}

/// Counts one more failed login; one of `since` or before no longer counts. `false`: there were `most`
/// already, and nothing was done.
pub async fn count(
    conn: &mut AnyConnection,
    name: &str,
    address: IpAddr,
    since: Timestamp,
    now: Timestamp,
    most: i64,
) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO login_failure (name, address, failures, last_at) VALUES ($1, $2, 1, $4) \
         ON CONFLICT (name, address) DO UPDATE SET \
         failures = CASE WHEN login_failure.last_at > $3 THEN login_failure.failures + 1 ELSE 1 END, last_at = $4 \
         WHERE login_failure.last_at <= $3 OR login_failure.failures < $5",
    )
    .bind(name)
    .bind(address.to_string())
    .bind(since.0)
    .bind(now.0)
    .bind(most)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets the failed logins under a name from an address, unless there are `most` later than `since`.
pub async fn forget(
    conn: &mut AnyConnection,
    name: &str,
    address: IpAddr,
    since: Timestamp,
    most: i64,
) -> sqlx::Result<()> {
    query(
        "DELETE FROM login_failure WHERE name = $1 AND address = $2 AND (last_at <= $3 OR failures < $4)",
    )
    .bind(name)
    .bind(address.to_string())
    .bind(since.0)
    .bind(most)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the failed logins under a name, however many there are and wherever they came from.
pub async fn forget_all(conn: &mut AnyConnection, name: &str) -> sqlx::Result<()> {
    query("DELETE FROM login_failure WHERE name = $1")
        .bind(name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes the failed logins that no longer count.
pub async fn clean_up(conn: &mut AnyConnection, since: Timestamp) -> sqlx::Result<u64> {
    let done = query("DELETE FROM login_failure WHERE last_at <= $1")
        .bind(since.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
