//! Table `refund`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::refund::{NewestRequests, Refund, RefundKey, Submissions};
use crate::domain::time::Timestamp;
use crate::server::store::submission::RefundName;
use crate::server::store::write::{self, Write, insert_into};
use crate::server::store::{Columns, for_update, submission};

/// Makes the writes that add a refund and its submissions. They violate a unique index where one of its numbers is taken.
pub fn insertion(refund: &Refund) -> Vec<Write> {
    let mut writes = vec![row_insertion(refund)];
    let submissions = refund.submissions.iter();
    writes.extend(submissions.map(|submission| submission::insertion(refund, submission)));
    writes
}

/// Returns the app, the number and the time of the newest refund of all.
pub async fn newest(conn: &mut AnyConnection) -> sqlx::Result<Option<(String, String, Timestamp)>> {
    let sql = "SELECT app_id, refund_no, created_at FROM refund WHERE (app_id, created_at) IN \
               (SELECT a.app_id, (SELECT MAX(r.created_at) FROM refund r WHERE r.app_id = a.app_id) \
               FROM merchant_app a) ORDER BY created_at DESC LIMIT 1";
    let row = query(sql).fetch_optional(conn).await?;
    let newest = row.map(|row| {
        let (app_id, refund_no) = (row.text("app_id")?, row.text("refund_no")?);
        Ok((app_id, refund_no, row.at("created_at")?))
    });
    newest.transpose()
}

fn row_insertion(refund: &Refund) -> Write {
    insert_into(
        "refund",
        "app_id, refund_no, biz_refund_no, out_refund_no, order_no, channel, account_id, amount, reason, attach, \
         notify_url, client_ip, edition, status, review_reason, reviewed, error_code, error_msg, created_at, \
         opened_at, settled_at, channel_time, version, biz_refund_key, not_notify, req_time, request_digests",
    )
    .bind(&refund.app_id)
    .bind(&refund.refund_no)
    .bind(&refund.biz_refund_no)
    .bind(&refund.out_refund_no)
    .bind(&refund.order_no)
    .bind(refund.channel.as_str())
    .bind(&refund.account_id)
    .bind(refund.amount.0)
    .bind(&refund.reason)
    .bind(&refund.attach)
    .bind(&refund.notify_url)
    .bind(&refund.client_ip)
    .bind(refund.edition.as_str())
    .bind(refund.status.as_str())
    .bind(refund.review_reason.map(|reason| reason.as_str()))
    .bind(i64::from(refund.reviewed))
    .bind(&refund.error_code)
    .bind(&refund.error_msg)
    .bind(refund.created_at.0)
    .bind(refund.opened_at.0)
    .bind(refund.settled_at.map(|at| at.0))
    .bind(refund.channel_time.map(|at| at.0))
    .bind(refund.version)
    .bind(refund.biz_refund_key())
    .bind(i64::from(refund.not_notify))
    .bind(refund.requests.req_time.0)
    .bind(&refund.requests.digests)
}

/// Makes the write that stores a refund's next version, its submissions apart ([`submission::changes`]). It has no row to
/// change where the refund no longer has the version before.
pub fn update(refund: &Refund) -> Write {
    write::update(
        "UPDATE refund SET out_refund_no = $3, attach = $4, notify_url = $5, client_ip = $6, status = $7, \
         review_reason = $8, reviewed = $9, error_code = $10, error_msg = $11, opened_at = $12, settled_at = $13, \
         channel_time = $14, version = $15, req_time = $16, request_digests = $17 WHERE app_id = $1 AND refund_no = $2 AND version = $15 - 1",
    )
    .bind(&refund.app_id)
    .bind(&refund.refund_no)
    .bind(&refund.out_refund_no)
    .bind(&refund.attach)
    .bind(&refund.notify_url)
    .bind(&refund.client_ip)
    .bind(refund.status.as_str())
    .bind(refund.review_reason.map(|reason| reason.as_str()))
    .bind(i64::from(refund.reviewed))
    .bind(&refund.error_code)
    .bind(&refund.error_msg)
    .bind(refund.opened_at.0)
    .bind(refund.settled_at.map(|at| at.0))
    .bind(refund.channel_time.map(|at| at.0))
    .bind(refund.version)
    .bind(refund.requests.req_time.0)
    .bind(&refund.requests.digests)
}

/// Returns refunds of all apps that are in progress since before `opened_before` and not flagged yet, oldest first.
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
        .fetch_all(&mut *conn)
        .await?;
    whole(conn, &rows).await
}

/// Returns the refund that a request names.
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
        .fetch_optional(&mut *conn)
        .await?;
    let rows: Vec<_> = row.into_iter().collect();
    Ok(whole(conn, &rows).await?.pop())
}

/// Returns a refund as it is now. On PostgreSQL, locks it until the end of the transaction. A refund must be locked
/// before its submissions: two transactions that lock in different order would wait for each other.
pub async fn locked(
    conn: &mut AnyConnection,
    app_id: &str,
    refund_no: &str,
) -> sqlx::Result<Option<Refund>> {
    let sql = format!(
        "SELECT * FROM refund WHERE app_id = $1 AND refund_no = $2{}",
        for_update(conn)
    );
    let row = query(AssertSqlSafe(sql))
        .bind(app_id)
        .bind(refund_no)
        .fetch_optional(&mut *conn)
        .await?;
    let rows: Vec<_> = row.into_iter().collect();
    Ok(whole(conn, &rows).await?.pop())
}

/// Returns the refunds of an order, oldest first.
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
        .fetch_all(&mut *conn)
        .await?;
    whole(conn, &rows).await
}

/// Returns the refunds of these names, at most 1,000, in any order.
pub async fn by_names(conn: &mut AnyConnection, names: &[RefundName]) -> sqlx::Result<Vec<Refund>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT * FROM refund WHERE (app_id, refund_no) IN (VALUES {})",
        submission::places(names.len())
    );
    let mut query = query(AssertSqlSafe(sql)).persistent(false);
    for (app_id, refund_no) in names {
        query = query.bind(app_id).bind(refund_no);
    }
    let rows = query.fetch_all(&mut *conn).await?;
    whole(conn, &rows).await
}

/// Reads refunds from rows that have all columns of the table, and their submissions, in one query for all.
pub(super) async fn whole(conn: &mut AnyConnection, rows: &[AnyRow]) -> sqlx::Result<Vec<Refund>> {
    let names = rows
        .iter()
        .map(submission::refund_name)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let mut submissions = submission::of_refunds(conn, &names).await?;
    let both = rows.iter().zip(names);
    both.map(|(row, name)| {
        refund(
            row,
            submissions.remove(&name).ok_or(sqlx::Error::RowNotFound)?,
        )
    })
    .collect()
}

fn refund(row: &AnyRow, submissions: Submissions) -> sqlx::Result<Refund> {
    Ok(Refund {
        app_id: row.text("app_id")?,
        refund_no: row.text("refund_no")?,
        biz_refund_no: row.text("biz_refund_no")?,
        out_refund_no: row.text_opt("out_refund_no")?,
        order_no: row.text("order_no")?,
        channel: row.word("channel")?,
        account_id: row.text("account_id")?,
        amount: row.fen("amount")?,
        reason: row.text_opt("reason")?,
        attach: row.text_opt("attach")?,
        notify_url: row.text_opt("notify_url")?,
        not_notify: row.flag("not_notify")?,
        client_ip: row.text_opt("client_ip")?,
        edition: row.word("edition")?,
        requests: NewestRequests {
            req_time: row.at("req_time")?,
            digests: row.text("request_digests")?,
        },
        status: row.word("status")?,
        submissions,
        review_reason: row.word_opt("review_reason")?,
        reviewed: row.flag("reviewed")?,
        error_code: row.text_opt("error_code")?,
        error_msg: row.text_opt("error_msg")?,
        created_at: row.at("created_at")?,
        opened_at: row.at("opened_at")?,
        settled_at: row.at_opt("settled_at")?,
        channel_time: row.at_opt("channel_time")?,
        version: row.int("version")?,
    })
}
