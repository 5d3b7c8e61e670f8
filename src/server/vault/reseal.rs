//! The walk over all columns of secrets: finds the keys that they need, and seals them again with the newest one.

use std::collections::BTreeMap;

use crate::domain::secret::Sealed;
use crate::server::db::Db;
use crate::server::error::Result;
use crate::server::store::sealed::{self, COLUMNS, SealedColumn, SealedRow};
use crate::server::vault::{Blob, Vault, shown};

/// Number of rows read and written at once.
const ROWS: i64 = 100;

/// Returns the ids of the keys that secrets in the database are sealed with, each with the place of one such secret
/// and their number. A text that is not sealed has the id "".
pub async fn sealed_by(db: &Db) -> Result<BTreeMap<String, (String, u64)>> {
    let mut found = BTreeMap::new();
    for column in COLUMNS {
        let mut after = None;
        while let Some(rows) = page(db, column, &mut after).await? {
            for row in rows {
                let place = || (shown(column, &texts(&row.key)), 0);
                let key = key_of(&row.sealed).to_owned();
                found.entry(key).or_insert_with(place).1 += 1;
            }
        }
    }
    Ok(found)
}

/// Seals again every secret that is not sealed with the newest key, and returns their number. Nodes may run meanwhile:
/// a secret that changes during the walk is left to the next round.
pub async fn reseal(db: &Db, vault: &Vault, tell: &mut impl FnMut(u64)) -> Result<u64> {
    let mut done = 0;
    loop {
        let before = done;
        for column in COLUMNS {
            let mut after = None;
            while let Some(rows) = page(db, column, &mut after).await? {
                done += reseal_page(db, vault, column, rows).await?;
                tell(done);
            }
        }
        if done == before {
            return Ok(done);
        }
    }
}

async fn reseal_page(
    db: &Db,
    vault: &Vault,
    column: &'static SealedColumn,
    rows: Vec<SealedRow>,
) -> Result<u64> {
    let newest = vault.ids()?.pop().unwrap_or_default();
    let mut resealed = Vec::new();
    for row in rows {
        if key_of(&row.sealed) != newest {
            let key = texts(&row.key);
            let secret = vault.open(column, &key, &row.sealed)?;
            let anew = vault.seal(column, &key, &secret)?;
            resealed.push((row, anew));
        }
    }
    let count = resealed.len() as u64;
    if count > 0 {
        db.write(resealed, move |conn, resealed| {
            Box::pin(async move {
                for (row, anew) in &resealed {
                    sealed::replace(conn, column, row, anew).await?;
                }
                Ok(())
            })
        })
        .await?;
    }
    Ok(count)
}

/// Reads the next page of a column; `None` at its end.
async fn page(
    db: &Db,
    column: &SealedColumn,
    after: &mut Option<Vec<String>>,
) -> Result<Option<Vec<SealedRow>>> {
    let mut conn = db.read().await?;
    let rows = sealed::rows(&mut conn, column, after.as_deref(), ROWS).await?;
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    *after = Some(last.key.clone());
    Ok(Some(rows))
}

fn key_of(sealed: &Sealed) -> &str {
    Blob::read(sealed).map_or("", |blob| blob.key)
}

fn texts(key: &[String]) -> Vec<&str> {
    key.iter().map(String::as_str).collect()
}
