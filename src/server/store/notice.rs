//! Tables `notice` and `delivery_attempt`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::notice::{DeliveryAttempt, Notice, NoticeKey};
use crate::domain::time::Timestamp;
use crate::server::store::{Columns, skip_locked};

/// Adds a notice, which supersedes those of its refund that have not arrived.
pub async fn insert(conn: &mut AnyConnection, notice: &Notice) -> sqlx::Result<()> {
    query(
        "UPDATE notice SET state = 'superseded', next_send_at = NULL, ended_at = $4 \
         WHERE app_id = $1 AND refund_no = $2 AND seq < $3 AND state = 'waiting'",
    )
    .bind(&notice.key.app_id)
    .bind(&notice.key.refund_no)
    .bind(notice.key.seq)
    .bind(notice.created_at.0)
    .execute(&mut *conn)
    .await?;
    query(
        "INSERT INTO notice (app_id, refund_no, seq, status, out_refund_no, finish_time, error_code, error_msg, \
         state, attempts, next_send_at, leased_until, created_at, ended_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(&notice.key.app_id)
    .bind(&notice.key.refund_no)
    .bind(notice.key.seq)
    .bind(notice.status.as_str())
    .bind(&notice.out_refund_no)
    .bind(notice.finish_time.map(|at| at.0))
    .bind(&notice.error_code)
    .bind(&notice.error_msg)
    .bind(notice.state.as_str())
    .bind(notice.attempts)
    .bind(notice.next_send_at.map(|at| at.0))
    .bind(notice.leased_until.0)
    .bind(notice.created_at.0)
    .bind(notice.ended_at.map(|at| at.0))
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the apps that have due notices, by one query for all apps. Some of the notices may be leased.
pub async fn due_lanes(conn: &mut AnyConnection, now: Timestamp) -> sqlx::Result<Vec<String>> {
    let sql = "SELECT app_id FROM merchant_app a WHERE EXISTS \
               (SELECT 1 FROM notice n WHERE n.app_id = a.app_id AND n.next_send_at <= $1)";
    let rows = query(sql).bind(now.0).fetch_all(conn).await?;
    rows.iter().map(|row| row.text("app_id")).collect()
}

/// Condition: the notice is not leased at `$2`. `$3` is the end of a lease that begins at `$2`. A lease that ends
/// later than one lease's length after `$3` is void, as its writer's clock was ahead.
const NOT_LEASED: &str = "(leased_until <= $2 OR leased_until > 2 * $3 - $2)";

/// Tells whether a notice of an app could be claimed with a lease until `until`.
pub async fn is_due(
    conn: &mut AnyConnection,
    app_id: &str,
    now: Timestamp,
    until: Timestamp,
) -> sqlx::Result<bool> {
    let sql = format!(
        "SELECT 1 FROM notice WHERE app_id = $1 AND next_send_at <= $2 AND {NOT_LEASED} LIMIT 1"
    );
    let row = query(AssertSqlSafe(sql))
        .bind(app_id)
        .bind(now.0)
        .bind(until.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// Subquery: an earlier notice of the refund of `due` is being sent. Until that has ended, the later one must wait, as
/// it could arrive first.
const EARLIER_IS_SENT: &str = "SELECT 1 FROM notice AS earlier WHERE earlier.app_id = due.app_id \
     AND earlier.refund_no = due.refund_no AND earlier.seq < due.seq \
     AND earlier.leased_until > $2 AND earlier.leased_until <= 2 * $3 - $2";

/// Claims an app's due notices with a lease until `until`, the longest due first, at most `limit`, and counts an
/// attempt of each. A due notice is postponed by `put_off_ms` while an earlier one of its refund is being sent.
///
/// Several nodes may call this at once; each gets different notices.
pub async fn claim_due(
    conn: &mut AnyConnection,
    app_id: &str,
    now: Timestamp,
    until: Timestamp,
    put_off_ms: i64,
    limit: i64,
) -> sqlx::Result<Vec<Notice>> {
    // Materialized, since PostgreSQL may otherwise run the subquery within `IN` several times, locking other rows each
    // time.
    let sql = format!(
        "WITH claimed AS MATERIALIZED (SELECT refund_no, seq FROM notice AS due WHERE app_id = $1 \
         AND next_send_at <= $2 AND {NOT_LEASED} AND NOT EXISTS ({EARLIER_IS_SENT}) \
         ORDER BY next_send_at LIMIT $4{}) \
         UPDATE notice SET leased_until = $3, attempts = attempts + 1 WHERE app_id = $1 \
         AND (refund_no, seq) IN (SELECT refund_no, seq FROM claimed) RETURNING *",
        skip_locked(conn)
    );
    let rows = query(AssertSqlSafe(sql))
        .bind(app_id)
        .bind(now.0)
        .bind(until.0)
        .bind(limit)
        .fetch_all(&mut *conn)
        .await?;
    let claimed = rows.iter().map(notice).collect::<sqlx::Result<Vec<_>>>()?;
    // Skipped when the limit was reached: the notices left are claimed first.
    if i64::try_from(claimed.len()).is_ok_and(|claimed| claimed < limit) {
        let sql = format!(
            "UPDATE notice AS due SET next_send_at = $4 WHERE app_id = $1 AND next_send_at <= $2 \
             AND {NOT_LEASED} AND EXISTS ({EARLIER_IS_SENT})"
        );
        query(AssertSqlSafe(sql))
            .bind(app_id)
            .bind(now.0)
            .bind(until.0)
            .bind(now.plus_ms(put_off_ms).0)
            .execute(conn)
            .await?;
    }
    Ok(claimed)
}

/// Claims one notice for sending by hand, with a lease until `until`, and counts the attempt. Returns `None` while it
/// or an earlier one of its refund is being sent, and where a later one exists, after which it must not arrive.
pub async fn claim(
    conn: &mut AnyConnection,
    key: &NoticeKey,
    now: Timestamp,
    until: Timestamp,
) -> sqlx::Result<Option<Notice>> {
    let sql = format!(
        "UPDATE notice AS due SET leased_until = $3, attempts = attempts + 1 WHERE app_id = $1 AND refund_no = $4 \
         AND seq = $5 AND {NOT_LEASED} AND NOT EXISTS ({EARLIER_IS_SENT}) AND NOT EXISTS \
         (SELECT 1 FROM notice AS later WHERE later.app_id = due.app_id AND later.refund_no = due.refund_no \
         AND later.seq > due.seq) RETURNING *"
    );
    let row = query(AssertSqlSafe(sql))
        .bind(&key.app_id)
        .bind(now.0)
        .bind(until.0)
        .bind(&key.refund_no)
        .bind(key.seq)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(notice).transpose()
}

/// Stores a notice after the attempt for which it was claimed, and ends the lease. A notice superseded meanwhile stays
/// superseded unless it has arrived. Stores nothing where the notice has been claimed again, so that a stalled sender
/// does not undo another one's delivery.
pub async fn update(conn: &mut AnyConnection, notice: &Notice) -> sqlx::Result<()> {
    let ends = "state = 'superseded' AND $4 <> 'delivered'";
    let sql = format!(
        "UPDATE notice SET state = CASE WHEN {ends} THEN state ELSE $4 END, \
         next_send_at = CASE WHEN {ends} THEN NULL ELSE $5 END, leased_until = $6, \
         ended_at = CASE WHEN {ends} THEN ended_at ELSE $7 END \
         WHERE app_id = $1 AND refund_no = $2 AND seq = $3 AND attempts = $8"
    );
    query(AssertSqlSafe(sql))
        .bind(&notice.key.app_id)
        .bind(&notice.key.refund_no)
        .bind(notice.key.seq)
        .bind(notice.state.as_str())
        .bind(notice.next_send_at.map(|at| at.0))
        .bind(notice.leased_until.0)
        .bind(notice.ended_at.map(|at| at.0))
        .bind(notice.attempts)
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes the later notice due that waited for the end of this one's attempt.
pub async fn release_later(
    conn: &mut AnyConnection,
    key: &NoticeKey,
    now: Timestamp,
) -> sqlx::Result<()> {
    query(
        "UPDATE notice SET next_send_at = $4 WHERE app_id = $1 AND refund_no = $2 AND seq > $3 \
         AND state = 'waiting' AND attempts = 0",
    )
    .bind(&key.app_id)
    .bind(&key.refund_no)
    .bind(key.seq)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns a notice by its key.
pub async fn get(conn: &mut AnyConnection, key: &NoticeKey) -> sqlx::Result<Option<Notice>> {
    let sql = "SELECT * FROM notice WHERE app_id = $1 AND refund_no = $2 AND seq = $3";
    let row = query(sql)
        .bind(&key.app_id)
        .bind(&key.refund_no)
        .bind(key.seq)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(notice).transpose()
}

/// Returns the notices of a refund, oldest first, at most 100.
pub async fn of_refund(
    conn: &mut AnyConnection,
    app_id: &str,
    refund_no: &str,
) -> sqlx::Result<Vec<Notice>> {
    let sql = "SELECT * FROM notice WHERE app_id = $1 AND refund_no = $2 ORDER BY seq LIMIT 100";
    let rows = query(sql)
        .bind(app_id)
        .bind(refund_no)
        .fetch_all(conn)
        .await?;
    rows.iter().map(notice).collect()
}

/// Adds an attempt to deliver a notice.
pub async fn insert_attempt(conn: &mut AnyConnection, send: &DeliveryAttempt) -> sqlx::Result<()> {
    query(
        "INSERT INTO delivery_attempt (app_id, refund_no, seq, attempt, at, took_ms, actor, url, request, http_status, \
         answer, failure) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
    )
    .bind(&send.key.app_id)
    .bind(&send.key.refund_no)
    .bind(send.key.seq)
    .bind(send.attempt)
    .bind(send.at.0)
    .bind(send.took_ms)
    .bind(send.actor.to_string())
    .bind(&send.url)
    .bind(&send.request)
    .bind(send.http_status)
    .bind(&send.answer)
    .bind(&send.failure)
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the attempts of a notice, newest first, at most 100.
pub async fn attempts(
    conn: &mut AnyConnection,
    key: &NoticeKey,
) -> sqlx::Result<Vec<DeliveryAttempt>> {
    let sql = "SELECT * FROM delivery_attempt WHERE app_id = $1 AND refund_no = $2 AND seq = $3 \
               ORDER BY attempt DESC LIMIT 100";
    let rows = query(sql)
        .bind(&key.app_id)
        .bind(&key.refund_no)
        .bind(key.seq)
        .fetch_all(conn)
        .await?;
    rows.iter().map(send).collect()
}

fn key(row: &AnyRow) -> sqlx::Result<NoticeKey> {
    Ok(NoticeKey {
        app_id: row.text("app_id")?,
        refund_no: row.text("refund_no")?,
        seq: row.int("seq")?,
    })
}

/// Reads a notice from a row that has all columns of the table.
pub(super) fn notice(row: &AnyRow) -> sqlx::Result<Notice> {
    Ok(Notice {
        key: key(row)?,
        status: row.word("status")?,
        out_refund_no: row.text_opt("out_refund_no")?,
        finish_time: row.at_opt("finish_time")?,
        error_code: row.text_opt("error_code")?,
        error_msg: row.text_opt("error_msg")?,
        state: row.word("state")?,
        attempts: row.int("attempts")?,
        next_send_at: row.at_opt("next_send_at")?,
        leased_until: row.at("leased_until")?,
        created_at: row.at("created_at")?,
        ended_at: row.at_opt("ended_at")?,
    })
}

fn send(row: &AnyRow) -> sqlx::Result<DeliveryAttempt> {
    Ok(DeliveryAttempt {
        key: key(row)?,
        attempt: row.int("attempt")?,
        at: row.at("at")?,
        took_ms: row.int("took_ms")?,
        actor: row.word("actor")?,
        url: row.text("url")?,
        request: row.text("request")?,
        http_status: row.int_opt("http_status")?,
        answer: row.text_opt("answer")?,
        failure: row.text_opt("failure")?,
    })
}
