//! Table `login_failure`.

use sqlx::{AnyConnection, query};

use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// The number and the last time of the failed logins in a row under a name, of one client: an address or a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub count: i64,
    pub last_at: Timestamp,
}

/// The period in which failures count: later than `since`, and not later than `until`. A failure after `until` was
/// written by a node whose clock was ahead.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    pub since: Timestamp,
    pub until: Timestamp,
}

/// Returns the failed logins under a name of a client, if the last of them is within the window.
pub async fn get(
    conn: &mut AnyConnection,
    name: &str,
    client: &str,
    window: Window,
) -> sqlx::Result<Option<Failures>> {
    let sql = "SELECT * FROM login_failure WHERE name = $1 AND address = $2 AND last_at > $3 AND last_at <= $4";
    let row = query(sql)
        .bind(name)
        .bind(client)
        .bind(window.since.0)
        .bind(window.until.0)
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

/// Counts one more failed login. Returns false, and changes nothing, where `most` count already.
pub async fn count(
    conn: &mut AnyConnection,
    name: &str,
    client: &str,
    window: Window,
    now: Timestamp,
    most: i64,
) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO login_failure (name, address, failures, last_at) VALUES ($1, $2, 1, $4) \
         ON CONFLICT (name, address) DO UPDATE SET \
         failures = CASE WHEN login_failure.last_at > $3 AND login_failure.last_at <= $6 \
         THEN login_failure.failures + 1 ELSE 1 END, last_at = $4 \
         WHERE login_failure.last_at <= $3 OR login_failure.last_at > $6 OR login_failure.failures < $5",
    )
    .bind(name)
    .bind(client)
    .bind(window.since.0)
    .bind(now.0)
    .bind(most)
    .bind(window.until.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes the failed logins under a name of a client, unless `most` of them count.
pub async fn forget(
    conn: &mut AnyConnection,
    name: &str,
    client: &str,
    window: Window,
    most: i64,
) -> sqlx::Result<()> {
    query(
        "DELETE FROM login_failure WHERE name = $1 AND address = $2 \
         AND (last_at <= $3 OR last_at > $5 OR failures < $4)",
    )
    .bind(name)
    .bind(client)
    .bind(window.since.0)
    .bind(most)
    .bind(window.until.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes the failed logins under a name of all clients.
pub async fn forget_all(conn: &mut AnyConnection, name: &str) -> sqlx::Result<()> {
    query("DELETE FROM login_failure WHERE name = $1")
        .bind(name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes the failed logins that no longer count.
pub async fn clean_up(conn: &mut AnyConnection, window: Window) -> sqlx::Result<u64> {
    let done = query("DELETE FROM login_failure WHERE last_at <= $1 OR last_at > $2")
        .bind(window.since.0)
        .bind(window.until.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
