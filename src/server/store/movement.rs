//! Table `movement`. Rows are only ever added.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::movement::Movement;
use crate::server::store::Columns;

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

/// Returns the movements of an order, oldest first, at most 1,000.
pub async fn of_order(
    conn: &mut AnyConnection,
    app_id: &str,
    order_no: &str,
) -> sqlx::Result<Vec<Movement>> {
    let sql = "SELECT * FROM movement WHERE app_id = $1 AND order_no = $2 ORDER BY at, refund_no, seq LIMIT 1000";
    let rows = query(sql)
        .bind(app_id)
        .bind(order_no)
        .fetch_all(conn)
        .await?;
    rows.iter().map(movement).collect()
}

/// An order whose balance is not the sum of its movements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub app_id: String,
    pub order_no: String,
}

/// Compares the balances of the next `limit` orders after `after` (app, order number) with the sums of their
/// movements. Returns the orders that differ, and the last order that was looked at; `None`: there are no more.
pub async fn compare(
    conn: &mut AnyConnection,
    after: (&str, &str),
    limit: i64,
) -> sqlx::Result<(Vec<Mismatch>, Option<(String, String)>)> {
    // Row values compare the whole key, so that the primary key serves the page.
    let sql = "SELECT o.app_id, o.order_no, o.held, o.refunded, \
               CAST(COALESCE((SELECT sum(m.held) FROM movement m WHERE m.app_id = o.app_id AND m.order_no = o.order_no), 0) \
               AS BIGINT) AS held_sum, \
               CAST(COALESCE((SELECT sum(m.refunded) FROM movement m WHERE m.app_id = o.app_id AND m.order_no = o.order_no), 0) \
               AS BIGINT) AS refunded_sum \
               FROM pay_order o WHERE (o.app_id, o.order_no) > ($1, $2) ORDER BY o.app_id, o.order_no LIMIT $3";
    let rows = query(sql)
        .bind(after.0)
        .bind(after.1)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    let mut wrong = Vec::new();
    let mut last = None;
    for row in &rows {
        let (app_id, order_no) = (row.text("app_id")?, row.text("order_no")?);
        let same = row.int("held")? == row.int("held_sum")?
            && row.int("refunded")? == row.int("refunded_sum")?;
        if !same {
            wrong.push(Mismatch {
                app_id: app_id.clone(),
                order_no: order_no.clone(),
            });
        }
        last = Some((app_id, order_no));
    }
    Ok((wrong, last))
}

fn movement(row: &AnyRow) -> sqlx::Result<Movement> {
    Ok(Movement {
        app_id: row.text("app_id")?,
        order_no: row.text("order_no")?,
        refund_no: row.text("refund_no")?,
        seq: row.int("seq")?,
        kind: row.word("kind")?,
        held: row.fen("held")?,
        refunded: row.fen("refunded")?,
        at: row.at("at")?,
    })
}
