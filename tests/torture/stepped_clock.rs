//! A clock that can be stepped: the file that says by how many seconds it is ahead, and the library that makes
//! a program go by it.

use std::path::{Path, PathBuf};

/// Whether programs can be started with such a clock on this machine.
pub fn is_installed() -> bool {
    library().is_some()
}

/// Returns the clock of a folder. A new one is not ahead.
pub fn in_folder(folder: &Path) -> PathBuf {
    let clock = folder.join("clock");
    if !clock.exists() {
        set(&clock, 0);
    }
    clock
}

/// Sets by how many seconds a clock is ahead.
pub fn set(clock: &Path, seconds: i64) {
    // Whole at every moment: it is read all the time.
    let new = clock.with_extension("new");
    std::fs::write(&new, format!("{seconds:+}\n")).unwrap();
    std::fs::rename(&new, clock).unwrap();
}

/// Returns the environment of a program that goes by a clock. Empty where the library is not installed.
pub fn environment(clock: &Path) -> Vec<(String, String)> {
    let Some(library) = library() else {
        return Vec::new();
    };
    let pairs = [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

fn library() -> Option<String> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let candidates = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = candidates.into_iter().find(|path| path.exists())?;
    Some(found.display().to_string())
}
