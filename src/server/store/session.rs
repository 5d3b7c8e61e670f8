//! Table `session`.

use sqlx::{AnyConnection, query};

use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// A session as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    pub session_id: String,
    /// Name of the operator who is logged in.
    pub operator: String,
    /// The session's data, as JSON.
    pub data: String,
    pub expires_at: Timestamp,
    /// Time at which the session ends, however much it is used.
    pub ends_at: Timestamp,
}

/// Adds a session. Returns false, and changes nothing, if the id is taken.
pub async fn insert(conn: &mut AnyConnection, session: &SessionRow) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO session (session_id, operator, data, expires_at, ends_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
    )
    .bind(&session.session_id)
    .bind(&session.operator)
    .bind(&session.data)
    .bind(session.expires_at.0)
    .bind(session.ends_at.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores a session's data and extends its expiry, at most to its end. A session ended meanwhile stays ended.
pub async fn update(conn: &mut AnyConnection, session: &SessionRow) -> sqlx::Result<()> {
    query(
        "UPDATE session SET operator = $2, data = $3, \
         expires_at = CASE WHEN ends_at < $4 THEN ends_at ELSE $4 END WHERE session_id = $1",
    )
    .bind(&session.session_id)
    .bind(&session.operator)
    .bind(&session.data)
    .bind(session.expires_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns a session that has not expired.
pub async fn get(
    conn: &mut AnyConnection,
    session_id: &str,
    now: Timestamp,
) -> sqlx::Result<Option<SessionRow>> {
    let row = query("SELECT * FROM session WHERE session_id = $1 AND expires_at > $2")
        .bind(session_id)
        .bind(now.0)
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        Ok(SessionRow {
            session_id: row.text("session_id")?,
            operator: row.text("operator")?,
            data: row.text("data")?,
            expires_at: row.at("expires_at")?,
            ends_at: row.at("ends_at")?,
        })
    })
    .transpose()
}

/// Extends a session's expiry.
pub async fn extend(
    conn: &mut AnyConnection,
    session_id: &str,
    expires_at: Timestamp,
) -> sqlx::Result<()> {
    query("UPDATE session SET expires_at = $2 WHERE session_id = $1 AND expires_at < $2")
        .bind(session_id)
        .bind(expires_at.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends a session.
pub async fn delete(conn: &mut AnyConnection, session_id: &str) -> sqlx::Result<()> {
    query("DELETE FROM session WHERE session_id = $1")
        .bind(session_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends an operator's sessions except `kept` and the `others` sessions that would end last.
pub async fn delete_surplus(
    conn: &mut AnyConnection,
    operator: &str,
    kept: &str,
    others: i64,
) -> sqlx::Result<()> {
    // A limit larger than any operator's number of sessions: `OFFSET` without a limit is not written alike on both
    // databases.
    const ALL: i64 = 1_000_000;
    query(
        "DELETE FROM session WHERE session_id IN (SELECT session_id FROM session WHERE operator = $1 \
         AND session_id <> $2 ORDER BY expires_at DESC, session_id LIMIT $4 OFFSET $3)",
    )
    .bind(operator)
    .bind(kept)
    .bind(others)
    .bind(ALL)
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends all sessions of an operator.
pub async fn delete_of(conn: &mut AnyConnection, operator: &str) -> sqlx::Result<()> {
    query("DELETE FROM session WHERE operator = $1")
        .bind(operator)
        .execute(conn)
        .await?;
    Ok(())
}

/// Deletes the expired sessions.
pub async fn delete_expired(conn: &mut AnyConnection, now: Timestamp) -> sqlx::Result<u64> {
    let done = query("DELETE FROM session WHERE expires_at <= $1")
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
