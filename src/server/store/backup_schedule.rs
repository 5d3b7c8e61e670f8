//! Table `backup_schedule`: one row, when the last scheduled backup was taken and who takes the next.

use sqlx::{AnyConnection, query};

use crate::domain::time::{HOUR_MS, Timestamp};
use crate::server::store::Columns;

/// Maximum length of a lease, twice that of the longest. A longer one is void, as its writer's clock was ahead.
const LONGEST_MS: i64 = 2 * HOUR_MS;

/// Tells whether a backup is due: the last one was taken at `before` or earlier, and no node holds the lease at `now`.
pub async fn is_due(
    conn: &mut AnyConnection,
    now: Timestamp,
    before: Timestamp,
) -> sqlx::Result<bool> {
    let sql = "SELECT 1 FROM backup_schedule WHERE id = 1 AND (taken_at > $1 AND taken_at <= $2 \
               OR leased_until > $2 AND leased_until <= $3)";
    let row = query(sql)
        .bind(before.0)
        .bind(now.0)
        .bind(now.plus_ms(LONGEST_MS).0)
        .fetch_optional(conn)
        .await?;
    Ok(row.is_none())
}

/// Claims the backup that is due until `until`. Returns false where none is due any more, or another node was faster.
pub async fn claim(
    conn: &mut AnyConnection,
    now: Timestamp,
    before: Timestamp,
    until: Timestamp,
) -> sqlx::Result<bool> {
    let sql = "INSERT INTO backup_schedule (id, taken_at, leased_until) VALUES (1, NULL, $4) ON CONFLICT (id) \
               DO UPDATE SET leased_until = $4 \
               WHERE (backup_schedule.taken_at IS NULL OR backup_schedule.taken_at <= $1 \
               OR backup_schedule.taken_at > $2) \
               AND (backup_schedule.leased_until <= $2 OR backup_schedule.leased_until > $3)";
    let done = query(sql)
        .bind(before.0)
        .bind(now.0)
        .bind(now.plus_ms(LONGEST_MS).0)
        .bind(until.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Records that the backup of this time was taken, and ends the lease.
pub async fn taken(conn: &mut AnyConnection, taken_at: Timestamp) -> sqlx::Result<()> {
    let sql = "UPDATE backup_schedule SET leased_until = 0, taken_at = $1 WHERE id = 1";
    query(sql).bind(taken_at.0).execute(conn).await?;
    Ok(())
}

/// Returns the time of the last scheduled backup.
pub async fn last(conn: &mut AnyConnection) -> sqlx::Result<Option<Timestamp>> {
    let row = query("SELECT taken_at FROM backup_schedule WHERE id = 1")
        .fetch_optional(conn)
        .await?;
    row.map_or(Ok(None), |row| row.at_opt("taken_at"))
}
