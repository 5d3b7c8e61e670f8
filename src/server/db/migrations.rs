//! The changes of the schema, in order: the files of `migrations/`, built into the program.

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// The files' names and texts. Listed here rather than found by `sqlx::migrate!`, which would compile the drivers of both
/// databases a second time, for the machine that builds.
const FILES: &[(&str, &str)] = &[
    (
        "0001_foundation",
        include_str!("../../../migrations/0001_foundation.sql"),
    ),
    (
        "0002_requests",
        include_str!("../../../migrations/0002_requests.sql"),
    ),
    (
        "0003_app_secrets_and_devices",
        include_str!("../../../migrations/0003_app_secrets_and_devices.sql"),
    ),
    (
        "0004_restore",
        include_str!("../../../migrations/0004_restore.sql"),
    ),
];

/// Returns all changes of the schema. They are applied at start; on PostgreSQL a lock keeps nodes that start at the same time
/// from applying them twice.
pub fn migrator() -> Migrator {
    let migrations = FILES.iter().map(|(name, sql)| {
        let (version, description) = name.split_once('_').expect("a number and a description");
        Migration::new(
            version.parse().expect("a number"),
            description.replace('_', " ").into(),
            MigrationType::Simple,
            SqlStr::from_static(sql),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_of_the_folder_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let listed: Vec<_> = FILES
            .iter()
            .map(|(name, _)| format!("{name}.sql"))
            .collect();
        assert_eq!(listed, names);
        assert_eq!(migrator().iter().count(), names.len());
    }
}
