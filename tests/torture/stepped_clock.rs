//! A clock that can be stepped: a file with the number of seconds that it is ahead, and a library that makes a program
//! use it.

use std::path::{Path, PathBuf};

/// Returns true where programs can be started with such a clock on this machine.
pub fn is_installed() -> bool {
    library().is_some()
}

/// Returns the file of a folder's clock. A new clock is not ahead.
pub fn in_folder(folder: &Path) -> PathBuf {
    let clock = folder.join("clock");
    if !clock.exists() {
        set(&clock, 0);
    }
    clock
}

/// Sets the number of seconds that a clock is ahead.
pub fn set(clock: &Path, seconds: i64) {
    // Replaced by renaming, so that programs, which read it all the time, never see half of it.
    let new = clock.with_extension("new");
    std::fs::write(&new, format!("{seconds:+}\n")).unwrap();
    std::fs::rename(&new, clock).unwrap();
}

/// Returns the environment variables of a program that uses a clock. Empty where the library is not installed.
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
