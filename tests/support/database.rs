//! A fresh database for one test: a file in a temporary folder, or, where `REFUNDRY_TEST_POSTGRES` names a server
//! (`postgres://USER@HOST:PORT`), a database of its own there. Dropping it deletes it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use sqlx::{AssertSqlSafe, Connection, Executor};

/// Variable that names a PostgreSQL server for tests.
pub const SERVER: &str = "REFUNDRY_TEST_POSTGRES";

const KEYS_FILE: &str = "keys";

pub struct TestDatabase {
    place: Place,
    folder: tempfile::TempDir,
}

enum Place {
    File,
    Server { address: String, name: String },
}

impl TestDatabase {
    pub fn new() -> TestDatabase {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let keys = folder.path().join(KEYS_FILE);
        std::fs::write(
            &keys,
            "published AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        )
        .expect("a file");
        std::fs::set_permissions(&keys, PermissionsExt::from_mode(0o600)).expect("its mode");
        let Some(address) = server() else {
            return TestDatabase {
                place: Place::File,
                folder,
            };
        };
        let name = format!("refundry_test_{:016x}", rand::random::<u64>());
        run(
            &format!("{address}/postgres"),
            &format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
            ),
        );
        TestDatabase {
            place: Place::Server { address, name },
            folder,
        }
    }

    /// Returns the database's address. The database is created when it is first opened.
    pub fn url(&self) -> String {
        match &self.place {
            Place::File => {
                let folder = self.folder.path().display();
                format!("sqlite://{folder}/test.db?mode=rwc")
            }
            Place::Server { address, name } => format!("{address}/{name}"),
        }
    }
}

impl TestDatabase {
    /// Returns the path of the file with the keys to the database's secrets, for programs that are started on it.
    pub fn keys_file(&self) -> PathBuf {
        self.folder.path().join(KEYS_FILE)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Server { address, name } = &self.place {
            run(
                &format!("{address}/postgres"),
                &format!("DROP DATABASE {name} WITH (FORCE)"),
            );
        }
    }
}

/// Returns the address of the PostgreSQL server for tests, where one is named.
pub fn server() -> Option<String> {
    let address = std::env::var(SERVER).ok()?;
    Some(address.trim_end_matches('/').to_owned())
}

/// Runs one statement. Works in asynchronous and other callers.
pub fn run(url: &str, sql: &str) {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let ran = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(async {
            let mut conn = sqlx::PgConnection::connect(&url).await?;
            conn.execute(AssertSqlSafe(sql)).await?;
            conn.close().await
        })
    });
    ran.join().expect("no panic").expect("the statement is run");
}
