//! Table `pay_order`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::money::Fen;
use crate::domain::movement::Amounts;
use crate::domain::order::{Order, OrderKey};
use crate::domain::refund::Refund;
use crate::server::store::Columns;
use crate::server::store::write::{self, Write};

/// Adds an order, and returns true; returns false and does nothing where one of its numbers is taken.
pub async fn insert(conn: &mut AnyConnection, order: &Order) -> sqlx::Result<bool> {
    let done = query(
        "INSERT INTO pay_order (app_id, order_no, biz_order_no, out_order_no, channel, account_id, method, title, \
         amount, refunded, held, overpaid, status, pay_time, attach, created_at, recorded_at, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) ON CONFLICT DO NOTHING",
    )
    .bind(&order.app_id)
    .bind(&order.order_no)
    .bind(&order.biz_order_no)
    .bind(&order.out_order_no)
    .bind(order.channel.as_str())
    .bind(&order.account_id)
    .bind(order.method.map(|method| method.as_str()))
    .bind(&order.title)
    .bind(order.amount.0)
    .bind(order.refunded.0)
    .bind(order.held.0)
    .bind(order.overpaid.0)
    .bind(order.status.as_str())
    .bind(order.pay_time.map(|at| at.0))
    .bind(&order.attach)
    .bind(order.created_at.0)
    .bind(order.recorded_at.0)
    .bind(order.version)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns the orders that a number names, at most two. Only a channel's number can name several, one an account; two
/// results show that it does.
pub async fn by_key(
    conn: &mut AnyConnection,
    app_id: &str,
    key: &OrderKey,
) -> sqlx::Result<Vec<Order>> {
    let sql = match key {
        OrderKey::OrderNo(_) => "SELECT * FROM pay_order WHERE app_id = $1 AND order_no = $2",
        OrderKey::BizOrderNo(_) => {
            "SELECT * FROM pay_order WHERE app_id = $1 AND biz_order_no = $2"
        }
        OrderKey::OutOrderNo(_) => {
            "SELECT * FROM pay_order WHERE app_id = $1 AND out_order_no = $2 LIMIT 2"
        }
    };
    let rows = query(sql)
        .bind(app_id)
        .bind(key.number())
        .fetch_all(conn)
        .await?;
    rows.iter().map(order).collect()
}

/// Returns true where an account has an order of this number, of any app.
pub async fn is_out_order_no_taken(
    conn: &mut AnyConnection,
    account_id: &str,
    out_order_no: &str,
) -> sqlx::Result<bool> {
    let row = query("SELECT 1 FROM pay_order WHERE account_id = $1 AND out_order_no = $2")
        .bind(account_id)
        .bind(out_order_no)
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// Returns the order with this number of ours.
pub async fn get(
    conn: &mut AnyConnection,
    app_id: &str,
    order_no: &str,
) -> sqlx::Result<Option<Order>> {
    let sql = "SELECT * FROM pay_order WHERE app_id = $1 AND order_no = $2";
    let row = query(sql)
        .bind(app_id)
        .bind(order_no)
        .fetch_optional(conn)
        .await?;
    row.as_ref().map(order).transpose()
}

/// Makes the write that holds the amount of a new refund. It has no row to change where the order is not paid, has less
/// left than the amount or, where `expected` is given, anything but that amount left, or where the merchant's refund
/// number is taken.
pub fn hold_for_new(refund: &Refund, expected: Option<Fen>) -> Write {
    write::update(
        "UPDATE pay_order SET held = held + $3 WHERE app_id = $1 AND order_no = $2 AND status = 'success' \
         AND amount - refunded - held - overpaid >= $3 \
         AND ($4 IS NULL OR amount - refunded - held - overpaid = $4) \
         AND NOT EXISTS (SELECT 1 FROM refund WHERE app_id = $1 AND biz_refund_key = $5)",
    )
    .bind(&refund.app_id)
    .bind(&refund.order_no)
    .bind(refund.amount.0)
    .bind(expected.map(|fen| fen.0))
    .bind(refund.biz_refund_key())
}

/// Makes the write that changes an order's balance. The table's checks refuse a change that breaks the invariant. It has
/// no row to change where there is no such order, or where an amount to hold has been overpaid meanwhile.
pub fn move_balance(app_id: &str, order_no: &str, change: Amounts) -> Write {
    write::update(
        "UPDATE pay_order SET held = held + $3, refunded = refunded + $4, overpaid = overpaid + $5 \
         WHERE app_id = $1 AND order_no = $2 AND ($3 <= 0 OR overpaid = 0 OR refunded + held + overpaid + $3 <= amount)",
    )
    .bind(app_id)
    .bind(order_no)
    .bind(change.held.0)
    .bind(change.refunded.0)
    .bind(change.overpaid.0)
}

/// Stores an order after an event, except its balance. Returns false and stores nothing where the order no longer has
/// the previous version.
pub async fn update(conn: &mut AnyConnection, order: &Order) -> sqlx::Result<bool> {
    let done = query(
        "UPDATE pay_order SET out_order_no = $3, status = $4, pay_time = $5, version = $6 \
         WHERE app_id = $1 AND order_no = $2 AND version = $6 - 1",
    )
    .bind(&order.app_id)
    .bind(&order.order_no)
    .bind(&order.out_order_no)
    .bind(order.status.as_str())
    .bind(order.pay_time.map(|at| at.0))
    .bind(order.version)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reads an order from a row that has all columns of the table.
pub(super) fn order(row: &AnyRow) -> sqlx::Result<Order> {
    Ok(Order {
        app_id: row.text("app_id")?,
        order_no: row.text("order_no")?,
        biz_order_no: row.text("biz_order_no")?,
        out_order_no: row.text_opt("out_order_no")?,
        channel: row.word("channel")?,
        account_id: row.text("account_id")?,
        method: row.word_opt("method")?,
        title: row.text("title")?,
        amount: row.fen("amount")?,
        refunded: row.fen("refunded")?,
        held: row.fen("held")?,
        overpaid: row.fen("overpaid")?,
        status: row.word("status")?,
        pay_time: row.at_opt("pay_time")?,
        attach: row.text_opt("attach")?,
        created_at: row.at("created_at")?,
        recorded_at: row.at("recorded_at")?,
        version: row.int("version")?,
    })
}
