//! Tables `sandbox_ledger` and `sandbox_faults`, which only the sandbox channel uses.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::money::Fen;
use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// A row of the sandbox's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    pub refund_no: String,
    pub account_id: String,
    pub out_order_no: String,
    pub amount: Fen,
    pub outcome: String,
    pub settles_at: Timestamp,
    pub submissions: i64,
    pub moved: i64,
}

/// Reads the row of a refund number.
pub async fn get(conn: &mut AnyConnection, refund_no: &str) -> sqlx::Result<Option<LedgerRow>> {
    let row = query("SELECT * FROM sandbox_ledger WHERE refund_no = $1")
        .bind(refund_no)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(book_row).transpose()
}

/// Adds a row, and returns true. Returns false and does nothing where the number is in the ledger already.
pub async fn insert(conn: &mut AnyConnection, row: &LedgerRow) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO sandbox_ledger (refund_no, account_id, out_order_no, amount, outcome, settles_at, submissions, moved) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(&row.refund_no)
    .bind(&row.account_id)
    .bind(&row.out_order_no)
    .bind(row.amount.0)
    .bind(&row.outcome)
    .bind(row.settles_at.0)
    .bind(row.submissions)
    .bind(row.moved)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores a row's new outcome and counts, if the stored row has one submission less. Returns false where it does not.
pub async fn update(conn: &mut AnyConnection, row: &LedgerRow) -> sqlx::Result<bool> {
    let done = query(
        "UPDATE sandbox_ledger SET outcome = $2, settles_at = $3, submissions = $4, moved = $5 \
         WHERE refund_no = $1 AND submissions = $4 - 1",
    )
    .bind(&row.refund_no)
    .bind(&row.outcome)
    .bind(row.settles_at.0)
    .bind(row.submissions)
    .bind(row.moved)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reads the stored name of an account's faults, and the number of calls since they were set.
pub async fn faults(
    conn: &mut AnyConnection,
    account_id: &str,
) -> sqlx::Result<Option<(String, i64)>> {
    let row = query("SELECT faults, calls FROM sandbox_faults WHERE account_id = $1")
        .bind(account_id)
        .fetch_optional(conn)
        .await?;
    row.map(|row| Ok((row.text("faults")?, row.int("calls")?)))
        .transpose()
}

/// Returns the accounts whose faults have another name than `fine`.
pub async fn faulty(conn: &mut AnyConnection, fine: &str) -> sqlx::Result<Vec<String>> {
    let rows = query("SELECT account_id FROM sandbox_faults WHERE faults <> $1")
        .bind(fine)
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.text("account_id")).collect()
}

/// Counts a call in an account's faults.
pub async fn count_call(conn: &mut AnyConnection, account_id: &str) -> sqlx::Result<()> {
    query("UPDATE sandbox_faults SET calls = calls + 1 WHERE account_id = $1")
        .bind(account_id)
        .execute(conn)
        .await?;
    Ok(())
}

/// Changes an account's faults and restarts the count of calls.
pub async fn put_faults(
    conn: &mut AnyConnection,
    account_id: &str,
    faults: &str,
) -> sqlx::Result<()> {
    query(
        "INSERT INTO sandbox_faults (account_id, faults, calls) VALUES ($1, $2, 0) \
         ON CONFLICT (account_id) DO UPDATE SET faults = $2, calls = 0",
    )
    .bind(account_id)
    .bind(faults)
    .execute(conn)
    .await?;
    Ok(())
}

fn book_row(row: &AnyRow) -> sqlx::Result<LedgerRow> {
    Ok(LedgerRow {
        refund_no: row.text("refund_no")?,
        account_id: row.text("account_id")?,
        out_order_no: row.text("out_order_no")?,
        amount: row.fen("amount")?,
        outcome: row.text("outcome")?,
        settles_at: row.at("settles_at")?,
        submissions: row.int("submissions")?,
        moved: row.int("moved")?,
    })
}
