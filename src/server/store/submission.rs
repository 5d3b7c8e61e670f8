//! Table `submission`.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::refund::{Lease, Refund, Submission, Submissions};
use crate::domain::time::Timestamp;
use crate::server::store::write::{self, Write, insert_into};
use crate::server::store::{Columns, skip_locked};

/// Makes the write that adds a submission of a refund. It violates a unique index where its number is taken.
pub fn insertion(refund: &Refund, submission: &Submission) -> Write {
    insert_into(
        "submission",
        "app_id, refund_no, attempt, account_id, channel_no, repeat, params, waits_for, not_before, submitted_at, \
         outcome, answered_at, said, due_at, leased_until, lease_no",
    )
    .bind(&refund.app_id)
    .bind(&refund.refund_no)
    .bind(submission.attempt)
    .bind(&refund.account_id)
    .bind(&submission.channel_no)
    .bind(submission.repeat)
    .bind(&submission.params)
    .bind(submission.waits_for.map(|reason| reason.as_str()))
    .bind(submission.not_before.0)
    .bind(submission.submitted_at.map(|at| at.0))
    .bind(submission.outcome.map(|word| word.as_str()))
    .bind(submission.answered_at.map(|at| at.0))
    .bind(&submission.said)
    .bind(submission.due_at.map(|at| at.0))
    .bind(submission.leased_until.0)
    .bind(submission.lease_no)
}

/// Makes the writes that store what differs in the submissions of a refund's next version. Leases stay untouched, but
/// `released` is ended where it is still the last one.
pub fn changes(before: &Refund, next: &Refund, released: Option<&Lease>) -> Vec<Write> {
    let change = |submission: &Submission| {
        let mut known = before.submissions.iter();
        let known = known.find(|known| known.attempt == submission.attempt);
        let released = released.filter(|lease| lease.attempt == submission.attempt);
        match known {
            None => Some(insertion(next, submission)),
            Some(known) if known != submission || released.is_some() => {
                Some(update(next, submission, released))
            }
            Some(_) => None,
        }
    };
    next.submissions.iter().filter_map(change).collect()
}

fn update(refund: &Refund, submission: &Submission, released: Option<&Lease>) -> Write {
    write::update(
        "UPDATE submission SET waits_for = $4, not_before = $5, submitted_at = $6, outcome = $7, answered_at = $8, \
         said = $9, due_at = $10, leased_until = CASE WHEN lease_no = $11 THEN 0 ELSE leased_until END \
         WHERE app_id = $1 AND refund_no = $2 AND attempt = $3",
    )
    .bind(&refund.app_id)
    .bind(&refund.refund_no)
    .bind(submission.attempt)
    .bind(submission.waits_for.map(|reason| reason.as_str()))
    .bind(submission.not_before.0)
    .bind(submission.submitted_at.map(|at| at.0))
    .bind(submission.outcome.map(|word| word.as_str()))
    .bind(submission.answered_at.map(|at| at.0))
    .bind(&submission.said)
    .bind(submission.due_at.map(|at| at.0))
    .bind(released.map_or(NO_LEASE, |lease| lease.lease_no))
}

/// Returns the SQL condition that no lease is held at `now`, a placeholder. A lease that ends more than 10 minutes
/// after `now` was taken by a clock that was ahead, and is void: the longest lease that settings allow lasts 250 s.
fn not_leased(now: &str) -> String {
    format!("(leased_until <= {now} OR leased_until > {now} + 600000)")
}

/// A lease number that no lease has.
const NO_LEASE: i64 = -1;

/// Takes a lease on a refund's last submission until `until`. Returns false where another lease is held.
pub async fn lease(
    conn: &mut AnyConnection,
    app_id: &str,
    refund_no: &str,
    now: Timestamp,
    until: Timestamp,
) -> sqlx::Result<bool> {
    let sql = format!(
        "UPDATE submission SET leased_until = $4, lease_no = lease_no + 1 WHERE app_id = $1 AND refund_no = $2 \
         AND attempt = (SELECT MAX(attempt) FROM submission WHERE app_id = $1 AND refund_no = $2) AND {}",
        not_leased("$3")
    );
    let done = query(AssertSqlSafe(sql))
        .bind(app_id)
        .bind(refund_no)
        .bind(now.0)
        .bind(until.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Extends a lease until `until`. Returns false where it was released or another was taken since.
pub async fn extend_lease(
    conn: &mut AnyConnection,
    lease: &Lease,
    until: Timestamp,
) -> sqlx::Result<bool> {
    let sql = "UPDATE submission SET leased_until = $5 WHERE app_id = $1 AND refund_no = $2 AND attempt = $3 \
               AND lease_no = $4 AND leased_until > 0";
    let done = query(sql)
        .bind(&lease.app_id)
        .bind(&lease.refund_no)
        .bind(lease.attempt)
        .bind(lease.lease_no)
        .bind(until.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a lease, if it is still the last one on its submission.
pub async fn release(conn: &mut AnyConnection, lease: &Lease) -> sqlx::Result<()> {
    let sql = "UPDATE submission SET leased_until = 0 WHERE app_id = $1 AND refund_no = $2 AND attempt = $3 \
               AND lease_no = $4";
    query(sql)
        .bind(&lease.app_id)
        .bind(&lease.refund_no)
        .bind(lease.attempt)
        .bind(lease.lease_no)
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes a refund due at `at`, unless it is due earlier or not at all. This is no transition, so the version stays.
pub async fn hasten(
    conn: &mut AnyConnection,
    app_id: &str,
    refund_no: &str,
    at: Timestamp,
) -> sqlx::Result<()> {
    let sql =
        "UPDATE submission SET due_at = $3 WHERE app_id = $1 AND refund_no = $2 AND due_at > $3";
    query(sql)
        .bind(app_id)
        .bind(refund_no)
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns true where a refund of an account is due and not leased.
pub async fn is_due(
    conn: &mut AnyConnection,
    account_id: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let sql = format!(
        "SELECT 1 FROM submission WHERE account_id = $1 AND due_at <= $2 AND {} LIMIT 1",
        not_leased("$2")
    );
    let row = query(AssertSqlSafe(sql))
        .bind(account_id)
        .bind(now.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// Returns the accounts that have refunds due, in one query. Some of the refunds may be claimed already.
pub async fn due_lanes(conn: &mut AnyConnection, now: Timestamp) -> sqlx::Result<Vec<String>> {
    let sql = "SELECT account_id FROM channel_account a WHERE EXISTS \
               (SELECT 1 FROM submission s WHERE s.account_id = a.account_id AND s.due_at <= $1)";
    let rows = query(sql).bind(now.0).fetch_all(conn).await?;
    rows.iter().map(|row| row.text("account_id")).collect()
}

/// Claims refunds of an account that are due, the longest due first, at most `limit`, until `until`. Nodes that do this
/// at the same time get different refunds.
pub async fn claim_due(
    conn: &mut AnyConnection,
    account_id: &str,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> sqlx::Result<Vec<RefundName>> {
    // Materialized: PostgreSQL may otherwise run a subquery within `IN` several times, locking other rows each time.
    let sql = format!(
        "WITH due AS MATERIALIZED (SELECT app_id, refund_no, attempt FROM submission WHERE account_id = $1 \
         AND due_at <= $2 AND {} ORDER BY due_at LIMIT $4{}) \
         UPDATE submission SET leased_until = $3, lease_no = lease_no + 1 \
         WHERE (app_id, refund_no, attempt) IN (SELECT app_id, refund_no, attempt FROM due) \
         RETURNING app_id, refund_no",
        not_leased("$2"),
        skip_locked(conn)
    );
    let rows = query(AssertSqlSafe(sql))
        .bind(account_id)
        .bind(now.0)
        .bind(until.0)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.iter().map(refund_name).collect()
}

/// Returns the refund's number and the last attempt that an account's channel knows by a number: of those that went out,
/// or else the first, which may have gone out after the backup from which this database was restored.
pub async fn by_channel_no(
    conn: &mut AnyConnection,
    app_id: &str,
    account_id: &str,
    channel_no: &str,
) -> sqlx::Result<Option<(String, i64)>> {
    let sql = "SELECT refund_no, attempt FROM submission WHERE account_id = $2 AND channel_no = $3 AND app_id = $1 \
               ORDER BY CASE WHEN submitted_at IS NULL THEN -1 - repeat ELSE repeat END DESC LIMIT 1";
    let row = query(sql)
        .bind(app_id)
        .bind(account_id)
        .bind(channel_no)
        .fetch_optional(conn)
        .await?;
    row.as_ref()
        .map(|row| Ok((row.text("refund_no")?, row.int("attempt")?)))
        .transpose()
}

/// Returns the time of the last submission of any refund of an order.
pub async fn last_of_order(
    conn: &mut AnyConnection,
    app_id: &str,
    order_no: &str,
) -> sqlx::Result<Option<Timestamp>> {
    let sql = "SELECT MAX(s.submitted_at) AS last FROM refund r JOIN submission s ON s.app_id = r.app_id \
               AND s.refund_no = r.refund_no WHERE r.app_id = $1 AND r.order_no = $2";
    let row = query(sql)
        .bind(app_id)
        .bind(order_no)
        .fetch_one(conn)
        .await?;
    row.at_opt("last")
}

/// A refund's name: its app and its number.
pub type RefundName = (String, String);

/// Returns the submissions of refunds, at most 1,000 of these.
pub(super) async fn of_refunds(
    conn: &mut AnyConnection,
    refunds: &[RefundName],
) -> sqlx::Result<HashMap<RefundName, Submissions>> {
    let sql = match refunds {
        [] => return Ok(HashMap::new()),
        [_] => "SELECT * FROM submission WHERE app_id = $1 AND refund_no = $2".to_owned(),
        _ => format!(
            "SELECT * FROM submission WHERE (app_id, refund_no) IN (VALUES {})",
            places(refunds.len())
        ),
    };
    let mut query = query(AssertSqlSafe(sql)).persistent(refunds.len() == 1);
    for (app_id, refund_no) in refunds {
        query = query.bind(app_id).bind(refund_no);
    }
    let mut found: HashMap<RefundName, Vec<Submission>> = HashMap::new();
    for row in query.fetch_all(conn).await? {
        found
            .entry(refund_name(&row)?)
            .or_default()
            .push(submission(&row)?);
    }
    let whole = |(name, mut all): (RefundName, Vec<Submission>)| {
        all.sort_by_key(|submission| submission.attempt);
        Some((name, Submissions::try_from(all).ok()?))
    };
    Ok(found.into_iter().filter_map(whole).collect())
}

/// Returns placeholders for `names` pairs in SQL: `($1, $2), ($3, $4)`.
pub(super) fn places(names: usize) -> String {
    let place = |i: usize| format!("(${}, ${})", 2 * i + 1, 2 * i + 2);
    (0..names).map(place).collect::<Vec<_>>().join(", ")
}

/// Reads a refund's name from a row that has these two columns.
pub(super) fn refund_name(row: &AnyRow) -> sqlx::Result<RefundName> {
    Ok((row.text("app_id")?, row.text("refund_no")?))
}

fn submission(row: &AnyRow) -> sqlx::Result<Submission> {
    Ok(Submission {
        attempt: row.int("attempt")?,
        channel_no: row.text("channel_no")?,
        repeat: row.int("repeat")?,
        params: row.text("params")?,
        waits_for: row.word_opt("waits_for")?,
        not_before: row.at("not_before")?,
        submitted_at: row.at_opt("submitted_at")?,
        outcome: row.word_opt("outcome")?,
        answered_at: row.at_opt("answered_at")?,
        said: row.text_opt("said")?,
        due_at: row.at_opt("due_at")?,
        leased_until: row.at("leased_until")?,
        lease_no: row.int("lease_no")?,
    })
}
