//! Tables `audit` and `audit_head`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::audit::{Act, AuditEntry, ChainHead, Unsealed};
use crate::domain::people::Scope;
use crate::domain::time::Timestamp;
use crate::server::store::Columns;
use crate::server::store::write::{Write, insert_into};

/// Makes the write that adds an act as an unsealed entry.
pub fn insertion(audit_id: &str, act: &Act) -> Write {
    insert_into(
        "audit",
        "audit_id, at, actor, address, app_id, action, subject, number, before, after",
    )
    .bind(audit_id)
    .bind(act.at.0)
    .bind(act.origin.actor.to_string())
    .bind(act.origin.address.map(|address| address.to_string()))
    .bind(act.app_id.as_deref().unwrap_or(Scope::ALL_APPS))
    .bind(act.action.as_str())
    .bind(act.subject.as_str())
    .bind(&act.number)
    .bind(&act.before)
    .bind(&act.after)
}

/// Returns unsealed entries, oldest first.
pub async fn unsealed(conn: &mut AnyConnection, limit: i64) -> sqlx::Result<Vec<AuditEntry>> {
    let sql = "SELECT * FROM audit WHERE sealed_no IS NULL ORDER BY at, audit_id LIMIT $1";
    let rows = query(sql).bind(limit).fetch_all(conn).await?;
    rows.iter().map(entry).collect()
}

/// Returns the oldest unsealed entry that was written before a moment.
pub async fn unsealed_since(
    conn: &mut AnyConnection,
    before: Timestamp,
) -> sqlx::Result<Option<Unsealed>> {
    let sql = "SELECT audit_id, at FROM audit WHERE sealed_no IS NULL AND at < $1 \
               ORDER BY at, audit_id LIMIT 1";
    let row = query(sql).bind(before.0).fetch_optional(conn).await?;
    row.map(|row| {
        Ok(Unsealed {
            audit_id: row.text("audit_id")?,
            at: row.at("at")?,
        })
    })
    .transpose()
}

/// Gives entries their places in the chain, in one statement, at most 1,000. Returns the number of those that had none.
pub async fn seal(
    conn: &mut AnyConnection,
    entries: &[(AuditEntry, ChainHead)],
) -> sqlx::Result<u64> {
    let place = |i: usize| {
        let (app, id, hash) = (3 * i + 1, 3 * i + 2, 3 * i + 3);
        let (entry, place) = &entries[i];
        format!(
            "(${app}, {}, ${id}, {}, ${hash})",
            entry.at.0, place.sealed_no
        )
    };
    let places: Vec<_> = (0..entries.len()).map(place).collect();
    let sql = format!(
        "UPDATE audit SET sealed_no = place.column4, hash = place.column5 FROM (VALUES {}) AS place \
         WHERE audit.app_id = place.column1 AND audit.at = place.column2 AND audit.audit_id = place.column3 \
         AND audit.sealed_no IS NULL",
        places.join(", ")
    );
    let mut query = query(AssertSqlSafe(sql)).persistent(false);
    for (entry, place) in entries {
        query = query
            .bind(&entry.app_id)
            .bind(&entry.audit_id)
            .bind(&place.hash);
    }
    Ok(query.execute(conn).await?.rows_affected())
}

/// Returns the end of the chain; `None` while nothing is sealed.
pub async fn head(conn: &mut AnyConnection) -> sqlx::Result<Option<ChainHead>> {
    let row = query("SELECT sealed_no, hash FROM audit_head WHERE id = 1")
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        Ok(ChainHead {
            sealed_no: row.int("sealed_no")?,
            hash: row.text("hash")?,
        })
    })
    .transpose()
}

/// Moves the chain's end. Returns false, and changes nothing, if another writer has moved it.
pub async fn move_head(
    conn: &mut AnyConnection,
    from: Option<&ChainHead>,
    to: &ChainHead,
) -> sqlx::Result<bool> {
    let moved = match from {
        None => query(
            "INSERT INTO audit_head (id, sealed_no, hash) VALUES (1, $1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(to.sealed_no)
        .bind(&to.hash),
        Some(from) => query(
            "UPDATE audit_head SET sealed_no = $1, hash = $2 WHERE id = 1 AND sealed_no = $3 AND hash = $4",
        )
        .bind(to.sealed_no)
        .bind(&to.hash)
        .bind(from.sealed_no)
        .bind(&from.hash),
    };
    Ok(moved.execute(conn).await?.rows_affected() == 1)
}

/// Returns the sealed entries after a place, in the chain's order.
pub async fn sealed_after(
    conn: &mut AnyConnection,
    sealed_no: i64,
    limit: i64,
) -> sqlx::Result<Vec<AuditEntry>> {
    let sql = "SELECT * FROM audit WHERE sealed_no > $1 ORDER BY sealed_no LIMIT $2";
    let rows = query(sql)
        .bind(sealed_no)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.iter().map(entry).collect()
}

/// Reads an entry from a row that has all columns of the table.
pub(super) fn entry(row: &AnyRow) -> sqlx::Result<AuditEntry> {
    Ok(AuditEntry {
        audit_id: row.text("audit_id")?,
        at: row.at("at")?,
        actor: row.text("actor")?,
        address: row.text_opt("address")?,
        app_id: row.text("app_id")?,
        action: row.text("action")?,
        subject: row.text("subject")?,
        number: row.text("number")?,
        before: row.text_opt("before")?,
        after: row.text_opt("after")?,
        sealed_no: row.int_opt("sealed_no")?,
        hash: row.text_opt("hash")?,
    })
}
