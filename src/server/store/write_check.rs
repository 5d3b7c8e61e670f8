//! Table `write_check`: one row, written now and then to see whether the database takes writes.

use sqlx::{AnyConnection, query};

use crate::domain::time::Timestamp;

/// More than what is left here and there in a file whose disk is full.
const FILLER_BYTES: usize = 16_384;

/// Writes the row. Its text differs at each moment, since a page that does not change is not written.
pub async fn put(conn: &mut AnyConnection, now: Timestamp) -> sqlx::Result<()> {
    let text = format!("{:016x}", now.0);
    query(
        "INSERT INTO write_check (id, at, filler) VALUES (1, $1, $2) \
         ON CONFLICT (id) DO UPDATE SET at = $1, filler = $2",
    )
    .bind(now.0)
    .bind(text.repeat(FILLER_BYTES / text.len()))
    .execute(conn)
    .await?;
    Ok(())
}
