//! Table `merchant_app` and its `app_channel`.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, query};

use crate::domain::merchant::{AppChannel, MerchantApp, OldSecret, SealedApp};
use crate::domain::secret::Sealed;
use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// Text between two hosts in `notify_hosts`.
const HOSTS_APART: &str = " ";

/// Reads all apps with their channels, by id.
pub async fn all(conn: &mut AnyConnection) -> sqlx::Result<Vec<SealedApp>> {
    let rows = query("SELECT * FROM merchant_app ORDER BY app_id")
        .fetch_all(&mut *conn)
        .await?;
    let mut apps = rows.iter().map(app).collect::<sqlx::Result<Vec<_>>>()?;
    let sql = "SELECT c.*, a.test_mode FROM app_channel c JOIN channel_account a ON a.account_id = c.account_id \
               ORDER BY c.app_id, c.channel";
    for row in query(sql).fetch_all(conn).await? {
        let app_id = row.text("app_id")?;
        if let Some(app) = apps.iter_mut().find(|app| app.app_id == app_id) {
            app.channels.push(AppChannel {
                channel: row.word("channel")?,
                account_id: row.text("account_id")?,
                test_mode: row.flag("test_mode")?,
                enabled: row.flag("enabled")?,
                refund_window_days: row.int("refund_window_days")?,
            });
        }
    }
    Ok(apps)
}

/// Adds an app with its channels, whose accounts must exist.
///
/// # Errors
/// A unique violation where the id is taken, or the app is the default one and another is already.
pub async fn insert(conn: &mut AnyConnection, app: &SealedApp, now: Timestamp) -> sqlx::Result<()> {
    let insert = query(
        "INSERT INTO merchant_app (app_id, name, mch_no, secret, sign_type, enabled, is_default, sign_required, \
         single_edition, edition, req_time_leeway_ms, notify_url, notify_hosts, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    );
    let insert = bind_settings(insert, app).bind(now.0);
    insert.execute(&mut *conn).await?;
    put_channels(conn, app).await
}

/// Locks an app's row until the end of the transaction, so that what is read of it next stays so. Returns false if there
/// is no such app.
pub async fn lock(conn: &mut AnyConnection, app_id: &str) -> sqlx::Result<bool> {
    let done = query("UPDATE merchant_app SET app_id = app_id WHERE app_id = $1")
        .bind(app_id)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the settings, secrets and channels of an app, whose accounts must exist.
///
/// # Errors
/// A unique violation where the app is the default one and another is already.
pub async fn update(conn: &mut AnyConnection, app: &SealedApp) -> sqlx::Result<()> {
    let old = app.old_secret.as_ref();
    let update = query(
        "UPDATE merchant_app SET name = $2, mch_no = $3, secret = $4, sign_type = $5, enabled = $6, is_default = $7, \
         sign_required = $8, single_edition = $9, edition = $10, req_time_leeway_ms = $11, notify_url = $12, \
         notify_hosts = $13, old_secret = $14, old_secret_until = $15 WHERE app_id = $1",
    );
    let update = bind_settings(update, app)
        .bind(old.map(|old| old.secret.0.clone()))
        .bind(old.map(|old| old.until.0));
    update.execute(&mut *conn).await?;
    put_channels(conn, app).await
}

/// Binds `$1` to `$13`: the id and the settings of an app, and its present secret.
fn bind_settings<'q>(
    query: Query<'q, Any, AnyArguments>,
    app: &'q SealedApp,
) -> Query<'q, Any, AnyArguments> {
    query
        .bind(&app.app_id)
        .bind(&app.name)
        .bind(&app.mch_no)
        .bind(&app.secret.0)
        .bind(app.sign_type.as_str())
        .bind(i64::from(app.enabled))
        .bind(i64::from(app.is_default))
        .bind(i64::from(app.sign_required))
        .bind(i64::from(app.single_edition))
        .bind(app.edition.as_str())
        .bind(app.req_time_leeway_ms)
        .bind(&app.notify_url)
        .bind(app.notify_hosts.join(HOSTS_APART))
}

/// Takes the place of the default app from the one that has it, if that is another app than this, and returns its id.
pub async fn take_default(conn: &mut AnyConnection, app_id: &str) -> sqlx::Result<Option<String>> {
    let sql = "UPDATE merchant_app SET is_default = 0 WHERE is_default = 1 AND app_id <> $1 RETURNING app_id";
    let row = query(sql).bind(app_id).fetch_optional(conn).await?;
    row.map(|row| row.text("app_id")).transpose()
}

/// Stores an app's channels, in place of the former settings of the same channels.
async fn put_channels(conn: &mut AnyConnection, app: &SealedApp) -> sqlx::Result<()> {
    for channel in &app.channels {
        query(
            "INSERT INTO app_channel (app_id, channel, account_id, enabled, refund_window_days) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (app_id, channel) \
             DO UPDATE SET account_id = $3, enabled = $4, refund_window_days = $5",
        )
        .bind(&app.app_id)
        .bind(channel.channel.as_str())
        .bind(&channel.account_id)
        .bind(i64::from(channel.enabled))
        .bind(channel.refund_window_days)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Deletes the old secrets that are no longer valid.
pub async fn delete_expired_secrets(conn: &mut AnyConnection, now: Timestamp) -> sqlx::Result<u64> {
    let done = query(
        "UPDATE merchant_app SET old_secret = NULL, old_secret_until = NULL WHERE old_secret_until <= $1",
    )
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

fn app(row: &AnyRow) -> sqlx::Result<SealedApp> {
    let hosts = row.text("notify_hosts")?;
    let old_secret = match row.text_opt("old_secret")? {
        Some(secret) => Some(OldSecret {
            secret: Sealed(secret),
            until: row.at("old_secret_until")?,
        }),
        None => None,
    };
    Ok(MerchantApp {
        app_id: row.text("app_id")?,
        name: row.text("name")?,
        mch_no: row.text_opt("mch_no")?,
        secret: Sealed(row.text("secret")?),
        old_secret,
        sign_type: row.word("sign_type")?,
        enabled: row.flag("enabled")?,
        is_default: row.flag("is_default")?,
        sign_required: row.flag("sign_required")?,
        single_edition: row.flag("single_edition")?,
        edition: row.word("edition")?,
        req_time_leeway_ms: row.int("req_time_leeway_ms")?,
        notify_url: row.text_opt("notify_url")?,
        notify_hosts: hosts.split_whitespace().map(str::to_owned).collect(),
        channels: Vec::new(),
    })
}
