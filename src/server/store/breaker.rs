//! Table `breaker`: the open breakers of channel accounts.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::breaker::Breaker;
use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// Reads the breaker of an account. `None`: it is closed.
pub async fn get(conn: &mut AnyConnection, account_id: &str) -> sqlx::Result<Option<Breaker>> {
    let row = query("SELECT * FROM breaker WHERE account_id = $1")
        .bind(account_id)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(breaker).transpose()
}

/// Reads all open breakers, by account. There are few, as there are few accounts.
pub async fn all(conn: &mut AnyConnection) -> sqlx::Result<Vec<Breaker>> {
    let rows = query("SELECT * FROM breaker ORDER BY account_id")
        .fetch_all(conn)
        .await?;
    rows.iter().map(breaker).collect()
}

/// Opens a breaker, or stores it after a probe.
pub async fn put(conn: &mut AnyConnection, breaker: &Breaker) -> sqlx::Result<()> {
    query(
        "INSERT INTO breaker (account_id, opened_at, probes, probe_at, said) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (account_id) DO UPDATE SET probes = $3, probe_at = $4, said = $5",
    )
    .bind(&breaker.account_id)
    .bind(breaker.opened_at.0)
    .bind(breaker.probes)
    .bind(breaker.probe_at.0)
    .bind(&breaker.said)
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims a probe that was due at `due`, until `until`. Returns false where another node was faster.
pub async fn claim_probe(
    conn: &mut AnyConnection,
    account_id: &str,
    due: Timestamp,
    until: Timestamp,
) -> sqlx::Result<bool> {
    let done = query("UPDATE breaker SET probe_at = $3 WHERE account_id = $1 AND probe_at = $2")
        .bind(account_id)
        .bind(due.0)
        .bind(until.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Closes a breaker.
pub async fn remove(conn: &mut AnyConnection, account_id: &str) -> sqlx::Result<()> {
    query("DELETE FROM breaker WHERE account_id = $1")
        .bind(account_id)
        .execute(conn)
        .await?;
    Ok(())
}

fn breaker(row: &AnyRow) -> sqlx::Result<Breaker> {
    Ok(Breaker {
        account_id: row.text("account_id")?,
        opened_at: row.at("opened_at")?,
        probes: row.int("probes")?,
        probe_at: row.at("probe_at")?,
        said: row.text("said")?,
    })
}
