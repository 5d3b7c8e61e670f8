//! Table `merchant_app` and its `app_channel`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::merchant::{AppChannel, MerchantApp, SealedApp};
use crate::domain::secret::Sealed;
use crate::domain::time::Timestamp;
use crate::server::store::Columns;

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
    query(
        "INSERT INTO merchant_app (app_id, name, mch_no, secret, sign_type, enabled, is_default, sign_required, \
         single_edition, edition, req_time_leeway_ms, notify_url, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
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
    .bind(now.0)
    .execute(&mut *conn)
    .await?;
    for channel in &app.channels {
        query("INSERT INTO app_channel (app_id, channel, account_id, enabled, refund_window_days) VALUES ($1, $2, $3, $4, $5)")
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

fn app(row: &AnyRow) -> sqlx::Result<SealedApp> {
    Ok(MerchantApp {
        app_id: row.text("app_id")?,
        name: row.text("name")?,
        mch_no: row.text_opt("mch_no")?,
        secret: Sealed(row.text("secret")?),
        sign_type: row.word("sign_type")?,
        enabled: row.flag("enabled")?,
        is_default: row.flag("is_default")?,
        sign_required: row.flag("sign_required")?,
        single_edition: row.flag("single_edition")?,
        edition: row.word("edition")?,
        req_time_leeway_ms: row.int("req_time_leeway_ms")?,
        notify_url: row.text_opt("notify_url")?,
        channels: Vec::new(),
    })
}
