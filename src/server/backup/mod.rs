//! Backups: one SQLite file with all data of the database, taken while servers run, and verified before it gets its name.
//!
//! A backup is marked as such, so that a server on it begins in restored mode (`server::restoration`). The keys that seal
//! secrets, the logins and the nodes are not in it.

mod schedule;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::Connection;
use tempfile::TempPath;

use crate::domain::audit::{Act, Action, ChainBreak, ChainHead, Origin, SubjectKind};
use crate::domain::restoration::Restoration;
use crate::domain::time::Timestamp;
use crate::server::audit::{self, Extent};
use crate::server::balances::{self, Pace};
use crate::server::clock::Clock;
use crate::server::db::backup as file;
use crate::server::db::{Conn, Db, is_postgres};
use crate::server::error::Error;
use crate::server::store;
use crate::server::store::copying::{self, TABLES};
use crate::server::store::movement::Compared;

pub use schedule::take_due;

/// A backup that was taken and verified, or verified again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    pub taken_at: Timestamp,
    pub size_bytes: u64,
    /// Rows of each table that has any.
    pub rows: Vec<(&'static str, u64)>,
    /// App, number and time of the newest refund.
    pub newest_refund: Option<(String, String, Timestamp)>,
    /// End of the audit's chain.
    pub audit: ChainHead,
    /// Time that taking or verifying it took.
    pub took: Duration,
    /// Faults of the data that the database had when the backup was taken. A backup with them is better than none.
    pub faults: Faults,
}

/// Faults of the data within a file that is intact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Number of orders whose balance is not the sum of its movements.
    pub different_balances: u64,
    pub audit: Option<ChainBreak>,
}

impl Faults {
    /// Returns true where there is none.
    pub fn is_empty(&self) -> bool {
        *self == Faults::default()
    }
}

/// The reason why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} is there already, and is not overwritten", .0.display())]
    Exists(PathBuf),
    #[error(
        "there is too little space in {}: {} MB are free, and the backup needs up to {} MB",
        folder.display(),
        free_bytes / MB,
        needed_bytes / MB
    )]
    NoSpace {
        folder: PathBuf,
        free_bytes: u64,
        needed_bytes: u64,
    },
    #[error(
        "its schema has version {}, and this program's is {own}: use the program that belongs to it",
        found.map_or("none".to_owned(), |found| found.to_string())
    )]
    OtherSchema { found: Option<i64>, own: i64 },
    #[error("the table {0} has other columns than this program makes")]
    OtherColumns(&'static str),
    #[error("the table {0} has other rows or sums in the backup than in the database")]
    Differs(&'static str),
    #[error("{} is not intact: {why}", file.display())]
    Damaged { file: PathBuf, why: String },
    #[error("{} is no backup: it has no mark of one", .0.display())]
    NotMarked(PathBuf),
    #[error("{}: {cause}", file.display())]
    File { file: PathBuf, cause: io::Error },
    #[error(transparent)]
    Broken(#[from] Error),
}

const MB: u64 = 1_000_000;

impl From<sqlx::Error> for BackupError {
    fn from(error: sqlx::Error) -> BackupError {
        BackupError::Broken(error.into())
    }
}

/// Space that has to stay free on the disk, for a server whose database may be on it.
const SPARE_BYTES: u64 = 64 * MB;

/// Number of rows that are copied at once from PostgreSQL.
const ROWS: usize = 500;

/// Tables that a backup has no rows of: a login that was ended after the backup would be valid again.
const LEFT_OUT: &[&str] = &["session"];

/// Takes a backup of the database at an address into a new file, readable by its owner alone. The database's schema is
/// left as it is. What somebody decided to take is recorded in the audit first.
///
/// The backup is written under another name in the same folder, which is removed where something fails.
///
/// # Errors
/// Fails where the file exists, there is too little space, the schema is not this program's, the database or the file
/// cannot be used, or the backup is not intact.
pub async fn take(
    url: &str,
    target: &Path,
    clock: &Clock,
    by: &Origin,
) -> Result<Backup, BackupError> {
    let began = Instant::now();
    let refuse = |cause| BackupError::File {
        file: target.to_owned(),
        cause,
    };
    if target.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(target.to_owned()));
    }
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(refuse)?;
    let mut source = file::connect(url).await?;
    let (found, own) = (
        file::schema_version(&mut source).await?,
        file::own_schema_version(),
    );
    if found != Some(own) {
        return Err(BackupError::OtherSchema { found, own });
    }
    check_space(&folder, file::size_bytes(&mut source).await?).map_err(refuse)??;
    if by.decides() {
        let subject = (SubjectKind::Database, "backup");
        let act = Act::new(clock.now(), by, Action::BackupTaken, subject);
        let act = act.to(json!({ "file": target.display().to_string() }));
        audit::record(&mut source, &act).await?;
    }
    let partial = tempfile::Builder::new()
        .prefix(PARTIAL.0)
        .suffix(PARTIAL.1)
        .tempfile_in(&folder)
        .map_err(refuse)?
        // Closed before SQLite opens it, as closing it later would end SQLite's locks.
        .into_temp_path();
    let mark = Restoration {
        taken_at: clock.now(),
        begun_by: by.actor.to_string(),
    };
    let filled = fill(url, source, &partial, &mark).await;
    filled.map_err(|error| explained(error, &folder))?;
    let mut backup = verify(&partial, clock).await?;
    name(partial, target, &folder)
        .await
        .map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(target.to_owned()),
            _ => refuse(cause),
        })?;
    backup.took = began.elapsed();
    Ok(backup)
}

/// Beginning and end of the names under which backups are written before they are verified.
const PARTIAL: (&str, &str) = (".refundry-", ".partial");

/// Checks that a backup of at most `size_bytes` fits into a folder.
fn check_space(folder: &Path, size_bytes: u64) -> io::Result<Result<(), BackupError>> {
    let stat = rustix::fs::statvfs(folder)?;
    let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
    let needed_bytes = size_bytes.saturating_add(SPARE_BYTES);
    Ok(match free_bytes < needed_bytes {
        false => Ok(()),
        true => Err(BackupError::NoSpace {
            folder: folder.to_owned(),
            free_bytes,
            needed_bytes,
        }),
    })
}

/// Turns the error of a disk that became full meanwhile into one that says so.
fn explained(error: BackupError, folder: &Path) -> BackupError {
    let BackupError::Broken(Error::Internal(cause)) = &error else {
        return error;
    };
    const FULL: &str = "13";
    let database = cause.downcast_ref::<sqlx::Error>();
    let code = database
        .and_then(|error| error.as_database_error())
        .and_then(|error| error.code());
    match code.as_deref() {
        Some(FULL) => BackupError::File {
            file: folder.to_owned(),
            cause: io::ErrorKind::StorageFull.into(),
        },
        _ => error,
    }
}

/// Writes the database's data and the mark into an empty file.
async fn fill(
    url: &str,
    mut source: Conn,
    partial: &Path,
    mark: &Restoration,
) -> Result<(), BackupError> {
    let mut backup = match is_postgres(url) {
        true => {
            let mut backup = file::open_file(partial).await?;
            file::make_tables(&mut backup).await?;
            copy_rows(&mut source, &mut backup).await?;
            backup
        }
        false => {
            file::copy_into(&mut source, partial).await?;
            file::open_file(partial).await?
        }
    };
    source.close().await?;
    let mut conn = backup.begin().await?;
    for table in LEFT_OUT.iter().chain(copying::LEFT_OUT) {
        copying::clear(&mut conn, table).await?;
    }
    store::restoration::begin(&mut conn, mark).await?;
    conn.commit().await?;
    Ok(file::close_file(backup).await?)
}

/// Copies all rows of a PostgreSQL database as they are at one moment, and compares counts and sums.
async fn copy_rows(source: &mut Conn, backup: &mut Conn) -> Result<(), BackupError> {
    file::begin_snapshot(source).await?;
    let mut conn = backup.begin().await?;
    for table in TABLES {
        if LEFT_OUT.contains(&table.name) {
            continue;
        }
        let columns = copying::columns(source, table).await?;
        if copying::columns(&mut conn, table).await? != columns {
            return Err(BackupError::OtherColumns(table.name));
        }
        let mut after = None;
        loop {
            let rows = copying::rows(source, table, &columns, after.as_deref(), ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = Some(table.key_of(&columns, last));
            copying::insert(&mut conn, table, &columns, &rows).await?;
        }
        let mut same =
            copying::count(source, table).await? == copying::count(&mut conn, table).await?;
        for column in table.money {
            let sum = copying::sum(source, table, column).await?;
            same &= sum == copying::sum(&mut conn, table, column).await?;
        }
        if !same {
            return Err(BackupError::Differs(table.name));
        }
    }
    Ok(conn.commit().await?)
}

/// Verifies a backup by opening it: every page and reference, the schema, the mark, all balances, and the audit's chain.
/// Changes nothing.
///
/// # Errors
/// Fails where the file is not intact or is no backup of this program's schema.
pub async fn verify(path: &Path, clock: &Clock) -> Result<Backup, BackupError> {
    let began = Instant::now();
    let size = std::fs::metadata(path).map(|metadata| metadata.len());
    let size_bytes = size.map_err(|cause| BackupError::File {
        file: path.to_owned(),
        cause,
    })?;
    let backup = look_into(path, clock).await.map_err(|error| match error {
        // No reading of an intact file fails.
        BackupError::Broken(error) => BackupError::Damaged {
            file: path.to_owned(),
            why: error.to_string(),
        },
        error => error,
    })?;
    Ok(Backup {
        size_bytes,
        took: began.elapsed(),
        ..backup
    })
}

async fn look_into(path: &Path, clock: &Clock) -> Result<Backup, BackupError> {
    let mut conn = file::connect(&file::read_only_url_of(path)).await?;
    let (found, own) = (
        file::schema_version(&mut conn).await?,
        file::own_schema_version(),
    );
    if found != Some(own) {
        return Err(BackupError::OtherSchema { found, own });
    }
    if let Some(why) = file::damage(&mut conn).await? {
        return Err(BackupError::Damaged {
            file: path.to_owned(),
            why,
        });
    }
    let mark = store::restoration::last(&mut conn).await?;
    let mark = mark.ok_or_else(|| BackupError::NotMarked(path.to_owned()))?;
    let mut rows = Vec::new();
    for table in TABLES {
        let count = copying::count(&mut conn, table).await?;
        rows.extend((count > 0).then_some((table.name, count)));
    }
    let newest_refund = store::refund::newest(&mut conn).await?;
    conn.close().await?;
    let db = Db::read_only(path).await?;
    let faults_and_head = faults(&db, clock).await;
    db.close().await;
    let (faults, audit) = faults_and_head?;
    Ok(Backup {
        taken_at: mark.taken_at,
        size_bytes: 0,
        rows,
        newest_refund,
        audit,
        took: Duration::ZERO,
        faults,
    })
}

/// Compares all balances and checks the audit's chain. Returns what is wrong, and the end of the chain.
async fn faults(db: &Db, clock: &Clock) -> Result<(Faults, ChainHead), BackupError> {
    let mut different_balances = 0;
    let mut count = |_: &Compared| different_balances += 1;
    balances::compare(db, Pace::Full, &mut count).await?;
    let chain = audit::verify(db, clock, Extent::whole(), &mut |_, _| {}).await?;
    let faults = Faults {
        different_balances,
        audit: chain.found,
    };
    Ok((faults, chain.head))
}

/// Gives a verified backup its name, once it is on the disk. Fails where a file has that name by now.
async fn name(partial: TempPath, target: &Path, folder: &Path) -> io::Result<()> {
    let (target, folder) = (target.to_owned(), folder.to_owned());
    let named = tokio::task::spawn_blocking(move || {
        std::fs::File::open(&partial)?.sync_all()?;
        partial.persist_noclobber(target)?;
        std::fs::File::open(folder)?.sync_all()
    });
    named.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_without_enough_room_is_refused_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(check_space(folder.path(), 0), Ok(Ok(()))));
        let refused = check_space(folder.path(), u64::MAX / 2)
            .unwrap()
            .unwrap_err();
        let told = refused.to_string();
        assert!(told.starts_with("there is too little space in "), "{told}");
        assert!(told.ends_with(" MB"), "{told}");
    }
}
