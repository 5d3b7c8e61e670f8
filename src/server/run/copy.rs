//! The copy of all Refundry's data from one database into another, of either kind. Resumes an interrupted copy, and
//! ends by comparing both databases row by row.

use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::money::Fen;
use crate::domain::time::Timestamp;
use crate::server::audit;
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::store;
use crate::server::store::copying;
use crate::server::store::copying::{Column, TABLES, Table};

/// Number of rows that are read, written or compared at once. Even with the widest table, this stays below the number
/// of values that either database accepts in a statement.
const ROWS: usize = 500;

/// The progress of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyProgress {
    Copied {
        table: &'static str,
        done: u64,
        all: u64,
    },
    Compared {
        table: &'static str,
        done: u64,
        all: u64,
    },
}

/// The result of the comparison: what both databases have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Same {
    pub table: &'static str,
    pub rows: u64,
    /// Columns of money and their sums.
    pub sums: Vec<(&'static str, Fen)>,
}

/// The reason why a database was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(
        "a server is running on the database to {0}, or was cut off within the last minute: stop it first, or what it \
         writes meanwhile is missing"
    )]
    InUse(&'static str),
    #[error("the database to copy to holds data of its own: {0} is not in the one to copy from")]
    Foreign(String),
    #[error("the databases are not of the same version: {0} differs in its columns")]
    OtherVersion(&'static str),
    #[error("{table} differs after the copy, at row {row}: the copy cannot be used")]
    Differs { table: &'static str, row: u64 },
    #[error(transparent)]
    Broken(#[from] Error),
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> CopyError {
        CopyError::Broken(error.into())
    }
}

/// Copies all data. Resumes an interrupted copy; after a complete copy, only compares.
///
/// # Errors
/// Fails where a server is running on either database, the target holds other data, or the two differ at the end.
pub async fn copy(
    from: &Db,
    to: &Db,
    now: Timestamp,
    by: &Origin,
    tell: &mut impl FnMut(CopyProgress),
) -> Result<Vec<Same>, CopyError> {
    for (db, which) in [(from, "copy from"), (to, "copy to")] {
        let mut conn = db.read().await?;
        if !store::node::held(&mut conn, now).await?.is_empty() {
            return Err(CopyError::InUse(which));
        }
    }
    for table in TABLES {
        check_beginning(from, to, table).await?;
    }
    note(from, to, now, by).await?;
    for table in TABLES {
        copy_table(from, to, table, tell).await?;
    }
    let mut same = Vec::new();
    for table in TABLES {
        same.push(compare(from, to, table, tell).await?);
    }
    Ok(same)
}

/// Records the copy in the audit and seals the entry, so that the copied data contains it. Does nothing if an
/// interrupted run has recorded it already.
async fn note(from: &Db, to: &Db, now: Timestamp, by: &Origin) -> Result<(), CopyError> {
    let entries = TABLES.iter().find(|table| table.name == "audit");
    let entries = entries.expect("the audit is copied");
    let copied = copying::last_key(&mut *to.read().await?, entries).await?;
    if copied.is_some() {
        return Ok(());
    }
    let subject = (SubjectKind::Database, "copy");
    let act = Act::new(now, by, Action::DatabaseCopied, subject);
    from.write(act, move |conn, act| {
        Box::pin(async move { audit::record(conn, &act).await })
    })
    .await?;
    audit::seal(from).await?;
    Ok(())
}

/// Checks that the rows that the target already has come from an earlier copy.
async fn check_beginning(from: &Db, to: &Db, table: &'static Table) -> Result<(), CopyError> {
    let columns = columns(from, table).await?;
    if crate::server::run::copy::columns(to, table).await? != columns {
        return Err(CopyError::OtherVersion(table.name));
    }
    let (mut ours, mut theirs) = (from.read().await?, to.read().await?);
    let Some(last) = copying::last_key(&mut theirs, table).await? else {
        return Ok(());
    };
    // Only the first row and the number of rows are compared here; the comparison at the end covers all rows.
    let first = copying::rows(&mut ours, table, &columns, None, 1).await?;
    let copied_first = copying::rows(&mut theirs, table, &columns, None, 1).await?;
    let rest = copying::count_until(&mut ours, table, &columns, &last).await?;
    if first != copied_first || rest != copying::count(&mut theirs, table).await? {
        let last = last.join(" ");
        return Err(CopyError::Foreign(format!("{} {last}", table.name)));
    }
    Ok(())
}

async fn columns(db: &Db, table: &Table) -> Result<Vec<Column>, CopyError> {
    Ok(copying::columns(&mut *db.read().await?, table).await?)
}

async fn copy_table(
    from: &Db,
    to: &Db,
    table: &'static Table,
    tell: &mut impl FnMut(CopyProgress),
) -> Result<(), CopyError> {
    let columns = columns(from, table).await?;
    let mut conn = from.read().await?;
    let all = copying::count(&mut conn, table).await?;
    let mut done = copying::count(&mut *to.read().await?, table).await?;
    let mut after = copying::last_key(&mut *to.read().await?, table).await?;
    loop {
        tell(CopyProgress::Copied {
            table: table.name,
            done,
            all,
        });
        let rows = copying::rows(&mut conn, table, &columns, after.as_deref(), ROWS).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        after = Some(table.key_of(&columns, last));
        done += rows.len() as u64;
        let columns = columns.clone();
        to.write((rows, columns), move |conn, (rows, columns)| {
            Box::pin(async move { Ok(copying::insert(conn, table, &columns, &rows).await?) })
        })
        .await?;
    }
}

async fn compare(
    from: &Db,
    to: &Db,
    table: &'static Table,
    tell: &mut impl FnMut(CopyProgress),
) -> Result<Same, CopyError> {
    let columns = columns(from, table).await?;
    let (mut ours, mut theirs) = (from.read().await?, to.read().await?);
    let all = copying::count(&mut ours, table).await?;
    let mut after: Option<Vec<String>> = None;
    let mut done = 0;
    loop {
        tell(CopyProgress::Compared {
            table: table.name,
            done,
            all,
        });
        let one = copying::rows(&mut ours, table, &columns, after.as_deref(), ROWS).await?;
        let other = copying::rows(&mut theirs, table, &columns, after.as_deref(), ROWS).await?;
        if one != other {
            let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count() as u64;
            return Err(CopyError::Differs {
                table: table.name,
                row: done + same + 1,
            });
        }
        let Some(last) = one.last() else { break };
        after = Some(table.key_of(&columns, last));
        done += one.len() as u64;
    }
    let mut sums = Vec::new();
    for column in table.money {
        let sum = copying::sum(&mut ours, table, column).await?;
        let copied = copying::sum(&mut theirs, table, column).await?;
        if sum != copied {
            return Err(CopyError::Differs {
                table: table.name,
                row: done,
            });
        }
        sums.push((*column, Fen(sum)));
    }
    Ok(Same {
        table: table.name,
        rows: done,
        sums,
    })
}
