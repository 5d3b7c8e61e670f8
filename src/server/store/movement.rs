//! Table `movement`. Rows are only added, never changed.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::movement::{Amounts, Movement};
use crate::domain::refund::Refund;
use crate::server::store::Columns;
use crate::server::store::write::{Write, insert_into};

/// Makes the write that adds a movement. It violates a unique index where this version of the refund already has one.
pub fn insertion(movement: &Movement) -> Write {
    insert_into(
        "movement",
        "app_id, order_no, refund_no, seq, kind, held, refunded, overpaid, evidence, at",
    )
    .bind(&movement.app_id)
    .bind(&movement.order_no)
    .bind(&movement.refund_no)
    .bind(movement.seq)
    .bind(movement.kind.as_str())
    .bind(movement.change.held.0)
    .bind(movement.change.refunded.0)
    .bind(movement.change.overpaid.0)
    .bind(movement.evidence.as_str())
    .bind(movement.at.0)
}

/// Returns the movements of an order, those of its newest refunds first, at most `limit`.
pub async fn of_order(
    conn: &mut AnyConnection,
    app_id: &str,
    order_no: &str,
    limit: i64,
) -> sqlx::Result<Vec<Movement>> {
    let sql = "SELECT * FROM movement WHERE app_id = $1 AND order_no = $2 \
               ORDER BY refund_no DESC, seq DESC LIMIT $3";
    let rows = query(sql)
        .bind(app_id)
        .bind(order_no)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.iter().map(movement).collect()
}

/// Returns a refund's share of its order's balance: the sum of its movements.
pub async fn sum_of_refund(conn: &mut AnyConnection, refund: &Refund) -> sqlx::Result<Amounts> {
    let sql = "SELECT CAST(COALESCE(SUM(held), 0) AS BIGINT) AS held, \
               CAST(COALESCE(SUM(refunded), 0) AS BIGINT) AS refunded, \
               CAST(COALESCE(SUM(overpaid), 0) AS BIGINT) AS overpaid \
               FROM movement WHERE app_id = $1 AND order_no = $2 AND refund_no = $3";
    let row = query(sql)
        .bind(&refund.app_id)
        .bind(&refund.order_no)
        .bind(&refund.refund_no)
        .fetch_one(conn)
        .await?;
    amounts(&row)
}

/// An order's balance from its columns, and from the sums of its movements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub app_id: String,
    pub order_no: String,
    pub columns: Amounts,
    pub sums: Amounts,
}

/// Returns both balances of the orders that follow the key `after`, at most `limit`. A single statement reads them, so
/// that no write comes between columns and sums.
pub async fn compare(
    conn: &mut AnyConnection,
    after: (&str, &str),
    limit: i64,
) -> sqlx::Result<Vec<Compared>> {
    let sql = "WITH page AS (SELECT app_id, order_no, held, refunded, overpaid FROM pay_order \
               WHERE (app_id, order_no) > ($1, $2) ORDER BY app_id, order_no LIMIT $3) \
               SELECT app_id, order_no, held, refunded, overpaid, \
               CAST(COALESCE((SELECT SUM(m.held) FROM movement m \
                 WHERE m.app_id = page.app_id AND m.order_no = page.order_no), 0) AS BIGINT) AS sum_held, \
               CAST(COALESCE((SELECT SUM(m.refunded) FROM movement m \
                 WHERE m.app_id = page.app_id AND m.order_no = page.order_no), 0) AS BIGINT) AS sum_refunded, \
               CAST(COALESCE((SELECT SUM(m.overpaid) FROM movement m \
                 WHERE m.app_id = page.app_id AND m.order_no = page.order_no), 0) AS BIGINT) AS sum_overpaid \
               FROM page ORDER BY app_id, order_no";
    let rows = query(sql)
        .bind(after.0)
        .bind(after.1)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    let compared = |row: &AnyRow| {
        Ok(Compared {
            app_id: row.text("app_id")?,
            order_no: row.text("order_no")?,
            columns: amounts(row)?,
            sums: Amounts {
                held: row.fen("sum_held")?,
                refunded: row.fen("sum_refunded")?,
                overpaid: row.fen("sum_overpaid")?,
            },
        })
    };
    rows.iter().map(compared).collect()
}

fn amounts(row: &AnyRow) -> sqlx::Result<Amounts> {
    Ok(Amounts {
        held: row.fen("held")?,
        refunded: row.fen("refunded")?,
        overpaid: row.fen("overpaid")?,
    })
}

fn movement(row: &AnyRow) -> sqlx::Result<Movement> {
    Ok(Movement {
        app_id: row.text("app_id")?,
        order_no: row.text("order_no")?,
        refund_no: row.text("refund_no")?,
        seq: row.int("seq")?,
        kind: row.word("kind")?,
        change: amounts(row)?,
        evidence: row.word("evidence")?,
        at: row.at("at")?,
    })
}
