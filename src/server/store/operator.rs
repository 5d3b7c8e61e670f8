//! Tables `operator` and `login_failure`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::people::{Account, Role};
use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// What a login is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub role: Role,
    pub enabled: bool,
    pub password_hash: String,
}

/// Adds an operator. `false`: the name is taken, and nothing was done.
pub async fn insert(
    conn: &mut AnyConnection,
    account: &Account,
    password_hash: &str,
) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO operator (name, password_hash, role, enabled, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT DO NOTHING",
    )
    .bind(&account.name)
    .bind(password_hash)
    .bind(account.role.as_str())
    .bind(i64::from(account.enabled))
    .bind(account.created_at.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// All accounts, by name.
pub async fn all(conn: &mut AnyConnection) -> sqlx::Result<Vec<Account>> {
    let rows = query("SELECT * FROM operator ORDER BY name")
        .fetch_all(conn)
        .await?;
    rows.iter().map(account).collect()
}

/// What a login under this name is checked against.
pub async fn credentials(
    conn: &mut AnyConnection,
    name: &str,
) -> sqlx::Result<Option<Credentials>> {
    let row = query("SELECT * FROM operator WHERE name = $1")
        .bind(name)
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        Ok(Credentials {
            role: row.word("role")?,
            enabled: row.flag("enabled")?,
            password_hash: row.text("password_hash")?,
        })
    })
    .transpose()
}

/// Lets an operator log in, or no longer. `false`: there is none of that name.
pub async fn set_enabled(
    conn: &mut AnyConnection,
    name: &str,
    enabled: bool,
) -> sqlx::Result<bool> {
    let done = query("UPDATE operator SET enabled = $2 WHERE name = $1")
        .bind(name)
        .bind(i64::from(enabled))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes a password. `false`: there is no operator of that name.
pub async fn set_password_hash(
    conn: &mut AnyConnection,
    name: &str,
    password_hash: &str,
) -> sqlx::Result<bool> {
    let done = query("UPDATE operator SET password_hash = $2 WHERE name = $1")
        .bind(name)
        .bind(password_hash)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The failed logins in a row under a name, if the last is later than `since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub count: i64,
    pub last_at: Timestamp,
}

/// The failed logins under a name, those of `since` and before left aside.
pub async fn failures(
    conn: &mut AnyConnection,
    name: &str,
    since: Timestamp,
) -> sqlx::Result<Option<Failures>> {
    let row = query("SELECT * FROM login_failure WHERE name = $1 AND last_at > $2")
        .bind(name)
        .bind(since.0)
        .fetch_optional(conn)
        .await?;
    row.map(|row| {
        Ok(Failures {
            count: row.int("failures")?,
            last_at: row.at("last_at")?,
        })
    })
    .transpose()
}

/// Counts one more failed login under a name; one of `since` or before no longer counts. `false`:
/// there were `most` already, and nothing was done.
pub async fn count_failure(
    conn: &mut AnyConnection,
    name: &str,
    since: Timestamp,
    now: Timestamp,
    most: i64,
) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO login_failure (name, failures, last_at) VALUES ($1, 1, $3) ON CONFLICT (name) DO UPDATE SET \
         failures = CASE WHEN login_failure.last_at > $2 THEN login_failure.failures + 1 ELSE 1 END, last_at = $3 \
         WHERE login_failure.last_at <= $2 OR login_failure.failures < $4",
    )
    .bind(name)
    .bind(since.0)
    .bind(now.0)
    .bind(most)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets the failed logins under a name, unless there are `most` later than `since`.
pub async fn forget_failures(
    conn: &mut AnyConnection,
    name: &str,
    since: Timestamp,
    most: i64,
) -> sqlx::Result<()> {
    query("DELETE FROM login_failure WHERE name = $1 AND (last_at <= $2 OR failures < $3)")
        .bind(name)
        .bind(since.0)
        .bind(most)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets the failed logins under a name, however many there are.
pub async fn forget_all_failures(conn: &mut AnyConnection, name: &str) -> sqlx::Result<()> {
    query("DELETE FROM login_failure WHERE name = $1")
        .bind(name)
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes the failed logins that no longer count.
pub async fn clean_up_failures(conn: &mut AnyConnection, since: Timestamp) -> sqlx::Result<u64> {
    let done = query("DELETE FROM login_failure WHERE last_at <= $1")
        .bind(since.0)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

fn account(row: &AnyRow) -> sqlx::Result<Account> {
    Ok(Account {
        name: row.text("name")?,
        role: row.word("role")?,
        enabled: row.flag("enabled")?,
        created_at: row.at("created_at")?,
    })
}
