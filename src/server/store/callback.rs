//! Table `callback`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::callback::{Callback, CallbackRow, Verdict};
use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// Adds a callback. `digest` identifies its content: a callback that came before is counted, and its verdict is
/// replaced unless it had changed the refund.
pub async fn put(conn: &mut AnyConnection, callback: &Callback, digest: &str) -> sqlx::Result<()> {
    query(
        "INSERT INTO callback (app_id, callback_no, channel, account_id, received_at, headers, body, verdict, refund_no, \
         digest, times, last_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (app_id, account_id, digest) WHERE digest IS NOT NULL DO UPDATE SET times = callback.times + 1, \
         last_at = $5, refund_no = $9, verdict = CASE WHEN callback.verdict = 'accepted' THEN 'accepted' ELSE $8 END",
    )
    .bind(&callback.app_id)
    .bind(&callback.callback_no)
    .bind(callback.channel.as_str())
    .bind(&callback.account_id)
    .bind(callback.received_at.0)
    .bind(&callback.headers)
    .bind(&callback.body)
    .bind(callback.verdict.as_str())
    .bind(&callback.refund_no)
    .bind(digest)
    .bind(callback.times)
    .bind(callback.last_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Returns the verdict of the callback with this digest. `None` where none came before.
pub async fn verdict(
    conn: &mut AnyConnection,
    app_id: &str,
    account_id: &str,
    digest: &str,
) -> sqlx::Result<Option<Verdict>> {
    let sql = "SELECT verdict FROM callback WHERE app_id = $1 AND account_id = $2 AND digest = $3";
    let row = query(sql)
        .bind(app_id)
        .bind(account_id)
        .bind(digest)
        .fetch_optional(conn)
        .await?;
    row.map(|row| row.word("verdict")).transpose()
}

/// Counts a callback that came before.
pub async fn count(
    conn: &mut AnyConnection,
    app_id: &str,
    account_id: &str,
    digest: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    let sql = "UPDATE callback SET times = times + 1, last_at = $4 WHERE app_id = $1 AND account_id = $2 \
               AND digest = $3";
    query(sql)
        .bind(app_id)
        .bind(account_id)
        .bind(digest)
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns a callback.
pub async fn get(
    conn: &mut AnyConnection,
    app_id: &str,
    callback_no: &str,
) -> sqlx::Result<Option<Callback>> {
    let row = query("SELECT * FROM callback WHERE app_id = $1 AND callback_no = $2")
        .bind(app_id)
        .bind(callback_no)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(callback).transpose()
}

/// Returns the callbacks about a refund, oldest first, at most 100.
pub async fn of_refund(
    conn: &mut AnyConnection,
    app_id: &str,
    refund_no: &str,
) -> sqlx::Result<Vec<CallbackRow>> {
    let sql = format!(
        "SELECT {ROW} FROM callback WHERE app_id = $1 AND refund_no = $2 ORDER BY received_at, callback_no LIMIT 100"
    );
    let rows = query(AssertSqlSafe(sql))
        .bind(app_id)
        .bind(refund_no)
        .fetch_all(conn)
        .await?;
    rows.iter().map(row).collect()
}

/// The columns of a [`row`].
pub(super) const ROW: &str = "callback_no, channel, received_at, verdict, refund_no, times";

/// Reads a callback as a list shows it, without its body.
pub(super) fn row(row: &AnyRow) -> sqlx::Result<CallbackRow> {
    Ok(CallbackRow {
        callback_no: row.text("callback_no")?,
        channel: row.word("channel")?,
        received_at: row.at("received_at")?,
        verdict: row.word("verdict")?,
        refund_no: row.text_opt("refund_no")?,
        times: row.int("times")?,
    })
}

fn callback(row: &AnyRow) -> sqlx::Result<Callback> {
    Ok(Callback {
        app_id: row.text("app_id")?,
        callback_no: row.text("callback_no")?,
        channel: row.word("channel")?,
        account_id: row.text("account_id")?,
        received_at: row.at("received_at")?,
        headers: row.text("headers")?,
        body: row.text("body")?,
        verdict: row.word("verdict")?,
        refund_no: row.text_opt("refund_no")?,
        times: row.int("times")?,
        last_at: row.at("last_at")?,
    })
}
