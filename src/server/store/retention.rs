//! Old rows of the tables `callback`, `delivery_attempt` and `event`.

use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::time::Timestamp;
use crate::server::store::skip_locked;

/// A kind of rows that are deleted after a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Callbacks, by the time at which they last came.
    Callbacks,
    /// Attempts to deliver notices.
    Attempts,
    /// Events of refunds that were settled before that time too and are not flagged for review. Events of open refunds
    /// and of orders stay.
    Events,
}

impl Kept {
    /// Returns the name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Kept::Callbacks => "callbacks",
            Kept::Attempts => "delivery_attempts",
            Kept::Events => "events",
        }
    }
}

/// Deletes rows older than a moment, oldest first, at most `limit`. Returns their number.
pub async fn delete(
    conn: &mut AnyConnection,
    kept: Kept,
    before: Timestamp,
    limit: i64,
) -> sqlx::Result<u64> {
    let (table, key, old) = match kept {
        Kept::Callbacks => (
            "callback",
            "app_id, callback_no",
            "last_at < $1 ORDER BY last_at",
        ),
        Kept::Attempts => (
            "delivery_attempt",
            "app_id, refund_no, seq, attempt",
            "at < $1 ORDER BY at",
        ),
        Kept::Events => (
            "event",
            "app_id, subject, number, seq",
            "subject = 'refund' AND at < $1 AND EXISTS (SELECT 1 FROM refund WHERE refund.app_id = event.app_id \
             AND refund.refund_no = event.number AND refund.status <> 'progress' AND refund.settled_at < $1 \
             AND (refund.review_reason IS NULL OR refund.reviewed = 1)) ORDER BY at",
        ),
    };
    let sql = format!(
        "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {old} LIMIT $2{})",
        skip_locked(conn)
    );
    let done = query(AssertSqlSafe(sql))
        .bind(before.0)
        .bind(limit)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
