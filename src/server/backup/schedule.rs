//! Scheduled backups: a file in a folder every so often, of which the newest are kept.

use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::domain::audit::Origin;
use crate::domain::event::Actor;
use crate::domain::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::server::backup::{Backup, BackupError, PARTIAL, take};
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::store;

/// Time for which the node that takes a backup has it to itself, and after which a failed one is tried again. Two nodes
/// that take one at the same time do no harm.
const LEASE_MS: i64 = HOUR_MS;

/// Age after which an unverified backup is one that its process left behind.
const LEFT_BEHIND_MS: i64 = DAY_MS;

/// Takes the scheduled backup where one is due and no other node is taking it, and removes the oldest beyond the number
/// that is kept. Run as a job. Returns the number of backups taken.
pub async fn take_due(ctx: &Ctx) -> Result<u64> {
    let Some(folder) = ctx.config.backup_dir.clone() else {
        return Ok(0);
    };
    let now = ctx.clock.now();
    let before = now.plus_ms(-ctx.config.backup_every_ms);
    let is_due = {
        let mut conn = ctx.db.read().await?;
        store::backup_schedule::is_due(&mut conn, now, before).await?
    };
    if !is_due || !claim(ctx, now, before).await? {
        return Ok(0);
    }
    let file = folder.join(name(now)?);
    let by = Origin::from(Actor::System);
    let taken = take(ctx.config.url(), &file, &ctx.clock, &by).await;
    let backup = taken.map_err(|error| match error {
        BackupError::Broken(error) => error,
        error => Error::internal(format!("no backup was taken: {error}")),
    })?;
    ctx.db
        .write((), move |conn, ()| {
            Box::pin(async move { Ok(store::backup_schedule::taken(conn, now).await?) })
        })
        .await?;
    report(&file, &backup);
    if backup.faults.is_empty() {
        let kept = ctx.config.backups_kept as usize;
        let pruned = tokio::task::spawn_blocking(move || prune(&folder, kept, now)).await;
        let pruned = pruned.map_err(io::Error::other).flatten();
        pruned.map_err(|error| {
            Error::internal(format!("old backups could not be removed: {error}"))
        })?;
    }
    Ok(1)
}

async fn claim(ctx: &Ctx, now: Timestamp, before: Timestamp) -> Result<bool> {
    let until = now.plus_ms(LEASE_MS);
    ctx.db
        .write((), move |conn, ()| {
            Box::pin(
                async move { Ok(store::backup_schedule::claim(conn, now, before, until).await?) },
            )
        })
        .await
}

fn report(file: &Path, backup: &Backup) {
    let Backup {
        size_bytes, faults, ..
    } = backup;
    let took_ms = backup.took.as_millis() as u64;
    match faults.is_empty() {
        true => tracing::info!(file = %file.display(), size_bytes, took_ms, "a backup was taken"),
        false => tracing::error!(
            file = %file.display(),
            ?faults,
            "a backup was taken, and the database's data has faults: older backups are kept"
        ),
    }
}

/// Returns the name of a backup that is taken at `at`: `refundry-20261127-180500.db`, in UTC.
fn name(at: Timestamp) -> Result<String> {
    let at = jiff::Timestamp::from_millisecond(at.0)
        .map_err(|error| Error::internal(error.to_string()))?;
    Ok(at.strftime("refundry-%Y%m%d-%H%M%S.db").to_string())
}

/// Tells whether a file's name is one that [`name`] makes.
fn is_name(name: &str) -> bool {
    let stamp = name
        .strip_prefix("refundry-")
        .and_then(|rest| rest.strip_suffix(".db"));
    let Some((day, time)) = stamp.and_then(|stamp| stamp.split_once('-')) else {
        return false;
    };
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    digits(day, 8) && digits(time, 6)
}

/// Removes all scheduled backups from a folder but the newest, and what stopped processes left of unverified ones.
/// Leaves all other files alone.
fn prune(folder: &Path, kept: usize, now: Timestamp) -> io::Result<()> {
    let mut backups: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if is_name(name) {
            backups.push(entry.path());
        } else if name.starts_with(PARTIAL.0) && name.ends_with(PARTIAL.1) {
            let written = entry.metadata()?.modified()?.duration_since(UNIX_EPOCH);
            let written_ms = written.unwrap_or_default().as_millis() as i64;
            if now.0.saturating_sub(written_ms) > LEFT_BEHIND_MS {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    // The names sort by time.
    backups.sort_by(|a, b| b.file_name().cmp(&a.file_name()));
    for old in backups.into_iter().skip(kept) {
        std::fs::remove_file(old)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_pruned_and_the_newest_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| std::fs::write(folder.path().join(name), "x").unwrap();
        let own = [1, 2, 3, 4].map(|day| name(Timestamp(day * 86_400_000)).unwrap());
        assert_eq!(own[0], "refundry-19700102-000000.db");
        let others = [
            "refundry.db",
            "refundry-19700101-000000.db.gz",
            "refundry-19700101-0000.db",
            "refundry-1970o101-000000.db",
            "before-refundry-19700101-000000.db",
            ".refundry-abc.partial",
        ];
        own.iter().map(String::as_str).chain(others).for_each(write);
        std::fs::create_dir(folder.path().join("refundry-19700101-000000.db")).unwrap();
        prune(folder.path(), 2, Timestamp(0)).unwrap();
        let left = |name: &str| folder.path().join(name).exists();
        assert!(others.iter().all(|name| left(name)));
        assert!(
            left("refundry-19700101-000000.db"),
            "a folder is left alone"
        );
        assert_eq!(
            own.each_ref().map(|name| left(name)),
            [false, false, true, true]
        );
        prune(folder.path(), 1, Timestamp(0)).unwrap();
        assert_eq!(
            own.each_ref().map(|name| left(name)),
            [false, false, false, true]
        );
    }

    #[test]
    fn what_a_stopped_process_left_behind_goes_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join(".refundry-old.partial");
        let file = std::fs::File::create(&old).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
        let new = folder.path().join(".refundry-new.partial");
        std::fs::write(&new, "x").unwrap();
        prune(folder.path(), 7, Timestamp(DAY_MS + 1)).unwrap();
        assert!(!old.exists() && new.exists());
    }
}
