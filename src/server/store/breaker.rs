//! Table `breaker`: channels that do not answer an app.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::breaker::Breaker;
use crate::domain::order::Channel;
use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// The breaker of an app's channel, if it is open.
pub async fn get(
    conn: &mut AnyConnection,
    app_id: &str,
    channel: Channel,
) -> sqlx::Result<Option<Breaker>> {
    let row = query("SELECT * FROM breaker WHERE app_id = $1 AND channel = $2")
        .bind(app_id)
        .bind(channel.as_str())
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(breaker).transpose()
}

/// The open breakers of an app.
pub async fn of_app(conn: &mut AnyConnection, app_id: &str) -> sqlx::Result<Vec<Breaker>> {
    let rows = query("SELECT * FROM breaker WHERE app_id = $1 ORDER BY channel")
        .bind(app_id)
        .fetch_all(conn)
        .await?;
    rows.iter().map(breaker).collect()
}

/// Opens a breaker, or stores what became of a probe.
pub async fn put(conn: &mut AnyConnection, breaker: &Breaker) -> sqlx::Result<()> {
    query(
        "INSERT INTO breaker (app_id, channel, opened_at, probes, probe_at, said) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (app_id, channel) DO UPDATE SET probes = $4, probe_at = $5, said = $6",
    )
    .bind(&breaker.app_id)
    .bind(breaker.channel.as_str())
    .bind(breaker.opened_at.0)
    .bind(breaker.probes)
    .bind(breaker.probe_at.0)
    .bind(&breaker.said)
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims the probe that was seen to be due, until `until`. `false`: another node was faster.
pub async fn claim_probe(
    conn: &mut AnyConnection,
    app_id: &str,
    channel: Channel,
    due: Timestamp,
    until: Timestamp,
) -> sqlx::Result<bool> {
    let done = query(
        "UPDATE breaker SET probe_at = $4 WHERE app_id = $1 AND channel = $2 AND probe_at = $3",
    )
    .bind(app_id)
    .bind(channel.as_str())
    .bind(due.0)
    .bind(until.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Closes a breaker.
pub async fn remove(conn: &mut AnyConnection, app_id: &str, channel: Channel) -> sqlx::Result<()> {
    query("DELETE FROM breaker WHERE app_id = $1 AND channel = $2")
        .bind(app_id)
        .bind(channel.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

fn breaker(row: &AnyRow) -> sqlx::Result<Breaker> {
    Ok(Breaker {
        app_id: row.text("app_id")?,
        channel: row.word("channel")?,
        opened_at: row.at("opened_at")?,
        probes: row.int("probes")?,
        probe_at: row.at("probe_at")?,
        said: row.text("said")?,
    })
}
