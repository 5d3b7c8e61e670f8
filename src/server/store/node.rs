//! Table `node`: the holders of node numbers.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::server::store::Columns;

/// A node number and its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    pub node: i64,
    pub host: String,
    /// Unique name of the process.
    pub holder: String,
    pub started_at: Timestamp,
    /// Time from which the number is free.
    pub alive_until: Timestamp,
}

/// Maximum length of a holding, twice that of the longest lease. A longer one is void, as its writer's clock was
/// ahead.
const LONGEST_MS: i64 = 2 * MINUTE_MS;

/// Takes a node number that is free when the holding begins, or, with `from_this_host`, is held on the same host.
/// Returns false, and changes nothing, if another node holds it.
pub async fn take(
    conn: &mut AnyConnection,
    wanted: &Holding,
    from_this_host: bool,
) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO node (node, host, holder, started_at, alive_until) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (node) DO UPDATE SET host = $2, holder = $3, started_at = $4, alive_until = $5 \
         WHERE node.alive_until <= $4 OR node.alive_until > $7 OR (node.host = $2 AND $6 = 1)",
    )
    .bind(wanted.node)
    .bind(&wanted.host)
    .bind(&wanted.holder)
    .bind(wanted.started_at.0)
    .bind(wanted.alive_until.0)
    .bind(i64::from(from_this_host))
    .bind(wanted.started_at.plus_ms(LONGEST_MS).0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Moves the end of a holding. Returns false if the number has another holder by now.
pub async fn renew(
    conn: &mut AnyConnection,
    node: i64,
    holder: &str,
    alive_until: Timestamp,
) -> sqlx::Result<bool> {
    let done = query("UPDATE node SET alive_until = $3 WHERE node = $1 AND holder = $2")
        .bind(node)
        .bind(holder)
        .bind(alive_until.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns the node numbers held at a moment, including void holdings, whose node may be running with a wrong clock.
pub async fn held(conn: &mut AnyConnection, now: Timestamp) -> sqlx::Result<Vec<i64>> {
    let rows = query("SELECT node FROM node WHERE alive_until > $1")
        .bind(now.0)
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| row.int("node")).collect()
}

/// Returns the present or last holder of a node number.
pub async fn get(conn: &mut AnyConnection, node: i64) -> sqlx::Result<Option<Holding>> {
    let row = query("SELECT * FROM node WHERE node = $1")
        .bind(node)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(holding).transpose()
}

fn holding(row: &AnyRow) -> sqlx::Result<Holding> {
    Ok(Holding {
        node: row.int("node")?,
        host: row.text("host")?,
        holder: row.text("holder")?,
        started_at: row.at("started_at")?,
        alive_until: row.at("alive_until")?,
    })
}
