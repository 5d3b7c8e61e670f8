//! Table `movement`. Rows are only ever added.

use sqlx::{AnyConnection, query};

use crate::domain::movement::Movement;

/// Adds a movement.
///
/// # Errors
/// A unique violation where the refund's version has one already.
pub async fn insert(conn: &mut AnyConnection, movement: &Movement) -> sqlx::Result<()> {
    query(
        "INSERT INTO movement (app_id, order_no, refund_no, seq, kind, held, refunded, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&movement.app_id)
    .bind(&movement.order_no)
    .bind(&movement.refund_no)
    .bind(movement.seq)
    .bind(movement.kind.as_str())
    .bind(movement.held.0)
    .bind(movement.refunded.0)
    .bind(movement.at.0)
    .execute(conn)
    .await?;
    Ok(())
}
