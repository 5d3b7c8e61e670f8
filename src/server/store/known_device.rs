//! Table `known_device`.

use sqlx::{AnyConnection, query};

use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// Returns the operators who have logged in from a device after `since`.
pub async fn operators(
    conn: &mut AnyConnection,
    device_id: &str,
    since: Timestamp,
) -> sqlx::Result<Vec<String>> {
    let sql = "SELECT operator FROM known_device WHERE device_id = $1 AND used_at > $2";
    let rows = query(sql)
        .bind(device_id)
        .bind(since.0)
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.text("operator")).collect()
}

/// Records an operator's login from a device.
pub async fn put(
    conn: &mut AnyConnection,
    device_id: &str,
    operator: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    query(
        "INSERT INTO known_device (device_id, operator, used_at) VALUES ($1, $2, $3) \
         ON CONFLICT (device_id, operator) DO UPDATE SET used_at = $3",
    )
    .bind(device_id)
    .bind(operator)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets an operator's devices except the `most` that were used last.
pub async fn delete_surplus(
    conn: &mut AnyConnection,
    operator: &str,
    most: i64,
) -> sqlx::Result<()> {
    // A limit larger than any operator's number of devices: `OFFSET` without a limit is not written alike on both
    // databases.
    const ALL: i64 = 1_000_000;
    query(
        "DELETE FROM known_device WHERE operator = $1 AND device_id IN (SELECT device_id FROM known_device \
         WHERE operator = $1 ORDER BY used_at DESC, device_id LIMIT $3 OFFSET $2)",
    )
    .bind(operator)
    .bind(most)
    .bind(ALL)
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets all devices of an operator.
pub async fn delete_of(conn: &mut AnyConnection, operator: &str) -> sqlx::Result<()> {
    query("DELETE FROM known_device WHERE operator = $1")
        .bind(operator)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the devices that were last used at `before` or earlier.
pub async fn delete_unused(conn: &mut AnyConnection, before: Timestamp) -> sqlx::Result<u64> {
    let done = query("DELETE FROM known_device WHERE used_at <= $1")
        .bind(before.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
