//! Table `restoration`: the marks of a database that was restored from a backup.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::restoration::{Restoration, Tally};
use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// Returns the mark that has no end yet; of several, the one of the oldest backup.
pub async fn open(conn: &mut AnyConnection) -> sqlx::Result<Option<Restoration>> {
    let sql = "SELECT * FROM restoration WHERE ended_at IS NULL ORDER BY taken_at LIMIT 1";
    let row = query(sql).fetch_optional(conn).await?;
    row.as_ref().map(restoration).transpose()
}

/// Returns the mark without an end that was made last: a backup's own.
pub async fn last(conn: &mut AnyConnection) -> sqlx::Result<Option<Restoration>> {
    let sql = "SELECT * FROM restoration WHERE ended_at IS NULL ORDER BY taken_at DESC LIMIT 1";
    let row = query(sql).fetch_optional(conn).await?;
    row.as_ref().map(restoration).transpose()
}

/// Adds a mark without an end. Takes the end off a mark of the same time.
pub async fn begin(conn: &mut AnyConnection, mark: &Restoration) -> sqlx::Result<()> {
    let sql = "INSERT INTO restoration (taken_at, begun_by) VALUES ($1, $2) ON CONFLICT (taken_at) \
               DO UPDATE SET begun_by = $2, ended_at = NULL, ended_by = NULL, note = NULL";
    query(sql)
        .bind(mark.taken_at.0)
        .bind(&mark.begun_by)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends all marks that have no end yet. Returns their number.
pub async fn end(
    conn: &mut AnyConnection,
    at: Timestamp,
    by: &str,
    note: &str,
) -> sqlx::Result<u64> {
    let sql =
        "UPDATE restoration SET ended_at = $1, ended_by = $2, note = $3 WHERE ended_at IS NULL";
    let done = query(sql)
        .bind(at.0)
        .bind(by)
        .bind(note)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Counts the refunds that wait for the end of restored mode.
pub async fn kept_back(conn: &mut AnyConnection) -> sqlx::Result<Tally> {
    let sql = "SELECT COUNT(*) AS refunds, CAST(COALESCE(SUM(r.amount), 0) AS BIGINT) AS amount \
               FROM submission s JOIN refund r ON r.app_id = s.app_id AND r.refund_no = s.refund_no \
               WHERE s.waits_for = 'restored' AND r.status = 'progress'";
    tally(query(sql).fetch_one(conn).await?)
}

/// Counts the refunds in progress.
pub async fn in_progress(conn: &mut AnyConnection) -> sqlx::Result<Tally> {
    let sql = "SELECT COUNT(*) AS refunds, CAST(COALESCE(SUM(r.amount), 0) AS BIGINT) AS amount \
               FROM merchant_app a JOIN refund r ON r.app_id = a.app_id AND r.status = 'progress'";
    tally(query(sql).fetch_one(conn).await?)
}

/// Makes the refunds that waited for the end of restored mode due at `at`.
// `COALESCE` keeps SQLite from reading the index of all that is due instead.
pub async fn hasten(conn: &mut AnyConnection, at: Timestamp) -> sqlx::Result<()> {
    let sql = "UPDATE submission SET due_at = $1 WHERE waits_for = 'restored' AND COALESCE(due_at, 0) > 0";
    query(sql).bind(at.0).execute(conn).await?;
    Ok(())
}

fn tally(row: AnyRow) -> sqlx::Result<Tally> {
    Ok(Tally {
        refunds: row.int("refunds")?,
        amount: row.fen("amount")?,
    })
}

fn restoration(row: &AnyRow) -> sqlx::Result<Restoration> {
    Ok(Restoration {
        taken_at: row.at("taken_at")?,
        begun_by: row.text("begun_by")?,
    })
}
