//! Table `operator`, with each operator's grants.

use sqlx::{AnyConnection, query};

use crate::domain::people::Account;
use crate::server::store::{Columns, operator_grant};

/// The data against which a login is checked.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub enabled: bool,
    pub password_hash: String,
}

/// Adds an operator with roles. Returns false, and changes nothing, if the name is taken.
pub async fn insert(
    conn: &mut AnyConnection,
    account: &Account,
    password_hash: &str,
) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO operator (name, password_hash, enabled, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT DO NOTHING",
    )
    .bind(&account.name)
    .bind(password_hash)
    .bind(i64::from(account.enabled))
    .bind(account.created_at.0)
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    for grant in &account.grants {
        operator_grant::put(conn, &account.name, grant).await?;
    }
    Ok(true)
}

/// Returns all accounts, sorted by name.
pub async fn all(conn: &mut AnyConnection) -> sqlx::Result<Vec<Account>> {
    let rows = query("SELECT * FROM operator ORDER BY name")
        .fetch_all(&mut *conn)
        .await?;
    let mut grants = operator_grant::all(conn).await?;
    rows.iter()
        .map(|row| {
            let name = row.text("name")?;
            Ok(Account {
                grants: grants.remove(&name).unwrap_or_default(),
                name,
                enabled: row.flag("enabled")?,
                created_at: row.at("created_at")?,
            })
        })
        .collect()
}

/// Returns the data against which a login under this name is checked.
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
            enabled: row.flag("enabled")?,
            password_hash: row.text("password_hash")?,
        })
    })
    .transpose()
}

/// Returns the name of an operator whose stored hash is this text, if there is one.
pub async fn with_password_hash(
    conn: &mut AnyConnection,
    password_hash: &str,
) -> sqlx::Result<Option<String>> {
    let sql = "SELECT name FROM operator WHERE password_hash = $1 ORDER BY name LIMIT 1";
    let row = query(sql).bind(password_hash).fetch_optional(conn).await?;
    row.map(|row| row.text("name")).transpose()
}

/// Enables or disables an operator's account. Returns false if there is none of that name.
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

/// Deletes an operator, who has no grants any more. Returns false if there is none of that name.
pub async fn delete(conn: &mut AnyConnection, name: &str) -> sqlx::Result<bool> {
    let done = query("DELETE FROM operator WHERE name = $1")
        .bind(name)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes a password. Returns false if there is no operator of that name.
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
