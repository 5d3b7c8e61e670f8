//! Table `channel_account`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::account::{ChannelAccount, SealedAccount};
use crate::domain::secret::Sealed;
use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// Reads all accounts, by id.
pub async fn all(conn: &mut AnyConnection) -> sqlx::Result<Vec<SealedAccount>> {
    let rows = query("SELECT * FROM channel_account ORDER BY account_id")
        .fetch_all(conn)
        .await?;
    rows.iter().map(account).collect()
}

/// Adds an account, and returns true. Returns false and does nothing where its id is taken, or its merchant number
/// already has an account of the same mode.
pub async fn insert(
    conn: &mut AnyConnection,
    account: &SealedAccount,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO channel_account (account_id, channel, mch_id, settings, secrets, test_mode, enabled, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(&account.account_id)
    .bind(account.channel.as_str())
    .bind(&account.mch_id)
    .bind(&account.settings)
    .bind(&account.secrets.0)
    .bind(i64::from(account.test_mode))
    .bind(i64::from(account.enabled))
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Enables or disables an account. Returns false where there is no such account.
pub async fn set_enabled(
    conn: &mut AnyConnection,
    account_id: &str,
    enabled: bool,
) -> sqlx::Result<bool> {
    let done = query("UPDATE channel_account SET enabled = $2 WHERE account_id = $1")
        .bind(account_id)
        .bind(i64::from(enabled))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn account(row: &AnyRow) -> sqlx::Result<SealedAccount> {
    Ok(ChannelAccount {
        account_id: row.text("account_id")?,
        channel: row.word("channel")?,
        mch_id: row.text("mch_id")?,
        settings: row.text("settings")?,
        secrets: Sealed(row.text("secrets")?),
        test_mode: row.flag("test_mode")?,
        enabled: row.flag("enabled")?,
    })
}
