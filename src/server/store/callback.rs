//! Table `callback`.

use sqlx::{AnyConnection, query};

use crate::domain::order::Channel;
use crate::domain::time::Millis;

/// A callback as it came, and what became of it.
#[derive(Clone, Debug)]
pub struct CallbackRow {
    pub app_id: String,
    pub callback_no: String,
    pub channel: Channel,
    pub received_at: Millis,
    /// `name: value` lines.
    pub headers: String,
    pub body: String,
    /// `accepted`, `ignored`, `not_found` or `bad_signature`.
    pub verdict: &'static str,
    pub refund_no: Option<String>,
}

/// Adds a callback.
pub async fn insert(conn: &mut AnyConnection, callback: &CallbackRow) -> sqlx::Result<()> {
    query(
        "INSERT INTO callback (app_id, callback_no, channel, received_at, headers, body, verdict, refund_no) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&callback.app_id)
    .bind(&callback.callback_no)
    .bind(callback.channel.word())
    .bind(callback.received_at.0)
    .bind(&callback.headers)
    .bind(&callback.body)
    .bind(callback.verdict)
    .bind(&callback.refund_no)
    .execute(conn)
    .await?;
    Ok(())
}
