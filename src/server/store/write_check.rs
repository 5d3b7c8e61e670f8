//! Table `write_check`: one row, written periodically to test whether the database accepts writes.

use sqlx::{AnyConnection, query};

use crate::domain::time::Timestamp;

/// Length of the text written: more than the free space that may be left within the file when the disk is full.
const FILLER_BYTES: usize = 16_384;

/// Writes the row. Its text differs each time, since an unchanged page would not be written.
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
