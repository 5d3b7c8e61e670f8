//! Table `refund`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::order::Channel;
use crate::domain::refund::{Lease, Refund, RefundKey};
use crate::domain::time::Timestamp;
use crate::server::store::{Columns, DUE_AT_MOST, skip_locked};

/// Adds a refund.
///
/// # Errors
/// A unique violation when one of its numbers is taken.
pub async fn insert(conn: &mut AnyConnection, refund: &Refund) -> sqlx::Result<()> {
    query(
        "INSERT INTO refund (app_id, refund_no, biz_refund_no, out_refund_no, channel_no, order_no, channel, amount, \
         reason, attach, notify_url, client_ip, edition, status, submissions, unresolved_submissions, acknowledged, \
         review_reason, reviewed, error_code, error_msg, created_at, opened_at, submitted_at, settled_at, \
         channel_time, next_sync_at, leased_until, lease_no, version, biz_refund_key) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
         $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)",
    )
    .bind(&refund.app_id)
    .bind(&refund.refund_no)
    .bind(&refund.biz_refund_no)
    .bind(&refund.out_refund_no)
    .bind(&refund.channel_no)
    .bind(&refund.order_no)
    .bind(refund.channel.as_str())
    .bind(refund.amount.0)
    .bind(&refund.reason)
    .bind(&refund.attach)
    .bind(&refund.notify_url)
    .bind(&refund.client_ip)
    .bind(refund.edition.as_str())
    .bind(refund.status.as_str())
    .bind(refund.submissions)
    .bind(refund.unresolved_submissions)
    .bind(i64::from(refund.acknowledged))
    .bind(refund.review_reason.map(|reason| reason.as_str()))
    .bind(i64::from(refund.reviewed))
    .bind(&refund.error_code)
    .bind(&refund.error_msg)
    .bind(refund.created_at.0)
    .bind(refund.opened_at.0)
    .bind(refund.submitted_at.0)
    .bind(refund.settled_at.map(|at| at.0))
    .bind(refund.channel_time.map(|at| at.0))
    .bind(refund.next_sync_at.map(|at| at.0))
    .bind(refund.leased_until.0)
    .bind(refund.lease_no)
    .bind(refund.version)
    .bind(refund.biz_refund_key())
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores what can change of a refund, if it still has the version before. Returns false where it has not.
/// Its lease is not touched, unless it is still the one named by `released`: that one ends.
pub async fn update(
    conn: &mut AnyConnection,
    refund: &Refund,
    released: Option<&Lease>,
) -> sqlx::Result<bool> {
    let done = query(
        "UPDATE refund SET out_refund_no = $3, channel_no = $4, attach = $5, notify_url = $6, client_ip = $7, \
         status = $8, submissions = $9, unresolved_submissions = $10, acknowledged = $11, review_reason = $12, \
         reviewed = $13, error_code = $14, error_msg = $15, opened_at = $16, submitted_at = $17, settled_at = $18, \
         channel_time = $19, next_sync_at = $20, version = $21, \
         leased_until = CASE WHEN lease_no = $22 THEN 0 ELSE leased_until END \
         WHERE app_id = $1 AND refund_no = $2 AND version = $21 - 1",
    )
    .bind(&refund.app_id)
    .bind(&refund.refund_no)
    .bind(&refund.out_refund_no)
    .bind(&refund.channel_no)
    .bind(&refund.attach)
    .bind(&refund.notify_url)
    .bind(&refund.client_ip)
    .bind(refund.status.as_str())
    .bind(refund.submissions)
    .bind(refund.unresolved_submissions)
    .bind(i64::from(refund.acknowledged))
    .bind(refund.review_reason.map(|reason| reason.as_str()))
    .bind(i64::from(refund.reviewed))
    .bind(&refund.error_code)
    .bind(&refund.error_msg)
    .bind(refund.opened_at.0)
    .bind(refund.submitted_at.0)
    .bind(refund.settled_at.map(|at| at.0))
    .bind(refund.channel_time.map(|at| at.0))
    .bind(refund.next_sync_at.map(|at| at.0))
    .bind(refund.version)
    .bind(released.map_or(NO_LEASE, |lease| lease.lease_no))
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The condition that nobody has a lease at `$3`. A lease that ends later than 10 minutes from then was taken by a
/// clock that was ahead, and is void: the longest lease that settings allow lasts 130 s.
const NOT_LEASED: &str = "(leased_until <= $3 OR leased_until > $3 + 600000)";

/// A lease number that no lease has.
const NO_LEASE: i64 = -1;

/// Takes a lease on a refund until `until`, unless somebody has one. Returns the refund with the lease.
pub async fn lease(
    conn: &mut AnyConnection,
    app_id: &str,
    refund_no: &str,
    now: Timestamp,
    until: Timestamp,
) -> sqlx::Result<Option<Refund>> {
    let sql = format!(
        "UPDATE refund SET leased_until = $4, lease_no = lease_no + 1 WHERE app_id = $1 AND refund_no = $2 \
         AND {NOT_LEASED} RETURNING *"
    );
    let row = query(AssertSqlSafe(sql))
        .bind(app_id)
        .bind(refund_no)
        .bind(now.0)
        .bind(until.0)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(refund).transpose()
}

/// Makes a lease last until `until`. Returns false where somebody else has taken one since, or it was released.
pub async fn extend_lease(
    conn: &mut AnyConnection,
    lease: &Lease,
    until: Timestamp,
) -> sqlx::Result<bool> {
    let sql = "UPDATE refund SET leased_until = $4 WHERE app_id = $1 AND refund_no = $2 AND lease_no = $3 \
               AND leased_until > 0";
    let done = query(sql)
        .bind(&lease.app_id)
        .bind(&lease.refund_no)
        .bind(lease.lease_no)
        .bind(until.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a lease, if it is still the last one.
pub async fn release(conn: &mut AnyConnection, lease: &Lease) -> sqlx::Result<()> {
    let sql =
        "UPDATE refund SET leased_until = 0 WHERE app_id = $1 AND refund_no = $2 AND lease_no = $3";
    query(sql)
        .bind(&lease.app_id)
        .bind(&lease.refund_no)
        .bind(lease.lease_no)
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes the next scheduled sync of a refund in progress due at `at`, unless it is due earlier. No transition:
/// the refund's version stays.
pub async fn hasten_sync(
    conn: &mut AnyConnection,
    app_id: &str,
    refund_no: &str,
    at: Timestamp,
) -> sqlx::Result<()> {
    let sql = "UPDATE refund SET next_sync_at = $3 WHERE app_id = $1 AND refund_no = $2 AND status = 'progress' \
               AND next_sync_at > $3";
    query(sql)
        .bind(app_id)
        .bind(refund_no)
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns true where a refund of a channel is due to be synced, and not leased.
pub async fn is_due(
    conn: &mut AnyConnection,
    app_id: &str,
    channel: Channel,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let sql = format!(
        "SELECT 1 FROM refund WHERE app_id = $1 AND channel = $2 AND next_sync_at <= $3 AND {NOT_LEASED} LIMIT 1"
    );
    let row = query(AssertSqlSafe(sql))
        .bind(app_id)
        .bind(channel.as_str())
        .bind(now.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// The apps and channels that have refunds whose time to be asked for has come, in one look for all.
/// Some of their refunds may be claimed already.
pub async fn due_lanes(
    conn: &mut AnyConnection,
    now: Timestamp,
) -> sqlx::Result<Vec<(String, Channel)>> {
    let sql = format!(
        "SELECT DISTINCT app_id, channel FROM (SELECT app_id, channel FROM refund WHERE next_sync_at <= $1 \
         ORDER BY next_sync_at LIMIT {DUE_AT_MOST}) AS due"
    );
    let rows = query(AssertSqlSafe(sql))
        .bind(now.0)
        .fetch_all(conn)
        .await?;
    let lane = |row: &AnyRow| Ok((row.text("app_id")?, row.word("channel")?));
    rows.iter().map(lane).collect()
}

/// Claims refunds of a channel whose time to be asked for has come, the longest due first, at most
/// `limit`, until `until`. Any number of nodes may do this at once: each gets others.
pub async fn claim_due(
    conn: &mut AnyConnection,
    app_id: &str,
    channel: Channel,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> sqlx::Result<Vec<Refund>> {
    // Materialized: PostgreSQL may run a subquery within `IN` again and again, each time locking other rows.
    let sql = format!(
        "WITH due AS MATERIALIZED (SELECT refund_no FROM refund WHERE app_id = $1 AND channel = $2 \
         AND next_sync_at <= $3 AND {NOT_LEASED} ORDER BY next_sync_at LIMIT $5{}) \
         UPDATE refund SET leased_until = $4, lease_no = lease_no + 1 \
         WHERE app_id = $1 AND refund_no IN (SELECT refund_no FROM due) RETURNING *",
        skip_locked(conn)
    );
    let rows = query(AssertSqlSafe(sql))
        .bind(app_id)
        .bind(channel.as_str())
        .bind(now.0)
        .bind(until.0)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.iter().map(refund).collect()
}

/// Refunds of all apps that are in progress since before `opened_before` and were not raised yet,
/// oldest first.
pub async fn overdue(
    conn: &mut AnyConnection,
    opened_before: Timestamp,
    limit: i64,
) -> sqlx::Result<Vec<Refund>> {
    let sql = "SELECT * FROM refund WHERE status = 'progress' AND opened_at < $1 \
               AND review_reason IS NULL ORDER BY opened_at, refund_no LIMIT $2";
    let rows = query(sql)
        .bind(opened_before.0)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.iter().map(refund).collect()
}

/// The refund that a request names.
pub async fn by_key(
    conn: &mut AnyConnection,
    app_id: &str,
    key: &RefundKey,
) -> sqlx::Result<Option<Refund>> {
    let (sql, number) = match key {
        RefundKey::RefundNo(no) => (
            "SELECT * FROM refund WHERE app_id = $1 AND refund_no = $2",
            no,
        ),
        RefundKey::BizRefundNo(no) => (
            "SELECT * FROM refund WHERE app_id = $1 AND biz_refund_no = $2",
            no,
        ),
        RefundKey::BizRefundKey(key) => (
            "SELECT * FROM refund WHERE app_id = $1 AND biz_refund_key = $2",
            key,
        ),
    };
    let row = query(sql)
        .bind(app_id)
        .bind(number)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(refund).transpose()
}

/// Returns the refund that a channel knows by a number.
pub async fn by_channel_no(
    conn: &mut AnyConnection,
    app_id: &str,
    channel: Channel,
    channel_no: &str,
) -> sqlx::Result<Option<Refund>> {
    let sql = "SELECT * FROM refund WHERE app_id = $1 AND channel_no = $2 AND channel = $3";
    let row = query(sql)
        .bind(app_id)
        .bind(channel_no)
        .bind(channel.as_str())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(refund).transpose()
}

/// The refunds of an order, oldest first.
pub async fn of_order(
    conn: &mut AnyConnection,
    app_id: &str,
    order_no: &str,
) -> sqlx::Result<Vec<Refund>> {
    let sql =
        "SELECT * FROM refund WHERE app_id = $1 AND order_no = $2 ORDER BY created_at LIMIT 1000";
    let rows = query(sql)
        .bind(app_id)
        .bind(order_no)
        .fetch_all(conn)
        .await?;
    rows.iter().map(refund).collect()
}

/// Reads a refund from a row that has all columns of the table.
pub(super) fn refund(row: &AnyRow) -> sqlx::Result<Refund> {
    Ok(Refund {
        app_id: row.text("app_id")?,
        refund_no: row.text("refund_no")?,
        biz_refund_no: row.text("biz_refund_no")?,
        out_refund_no: row.text_opt("out_refund_no")?,
        channel_no: row.text("channel_no")?,
        order_no: row.text("order_no")?,
        channel: row.word("channel")?,
        amount: row.fen("amount")?,
        reason: row.text_opt("reason")?,
        attach: row.text_opt("attach")?,
        notify_url: row.text_opt("notify_url")?,
        client_ip: row.text_opt("client_ip")?,
        edition: row.word("edition")?,
        status: row.word("status")?,
        submissions: row.int("submissions")?,
        unresolved_submissions: row.int("unresolved_submissions")?,
        acknowledged: row.flag("acknowledged")?,
        review_reason: row.word_opt("review_reason")?,
        reviewed: row.flag("reviewed")?,
        error_code: row.text_opt("error_code")?,
        error_msg: row.text_opt("error_msg")?,
        created_at: row.at("created_at")?,
        opened_at: row.at("opened_at")?,
        submitted_at: row.at("submitted_at")?,
        settled_at: row.at_opt("settled_at")?,
        channel_time: row.at_opt("channel_time")?,
        next_sync_at: row.at_opt("next_sync_at")?,
        leased_until: row.at("leased_until")?,
        lease_no: row.int("lease_no")?,
        version: row.int("version")?,
    })
}
