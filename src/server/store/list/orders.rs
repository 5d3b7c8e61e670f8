//! The list of orders.

use sqlx::AnyConnection;

use crate::domain::filter::{OrderFilter, Page, Place};
use crate::domain::order::{Order, RefundSide};
use crate::server::store::list::{Criterion, Search, Table};
use crate::server::store::order;

/// Returns one page of the orders that match.
pub async fn orders(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &OrderFilter,
    place: &Place,
) -> sqlx::Result<Page<Order>> {
    let search = search(app_id, filter);
    let rows = search
        .fetch_page(conn, "SELECT * FROM pay_order", place)
        .await?;
    let rows = rows
        .iter()
        .map(order::order)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let cursor = |order: &Order| search.cursor(order.created_at.0, order.amount.0, &order.order_no);
    search.page(conn, rows, place, cursor).await
}

fn search(app_id: &str, filter: &OrderFilter) -> Search {
    let mut search = Search::new(
        Table::Order,
        app_id,
        filter.sort,
        &filter.number,
        &filter.title,
    );
    search.words("channel", filter.channel.map(|channel| channel.as_str()));
    search.words("status", filter.status.map(|status| status.as_str()));
    search.criteria.extend(filter.refund_side.map(|side| {
        Criterion::Fixed(match side {
            RefundSide::NoRefund => "held = 0 AND refunded = 0",
            RefundSide::Refunding => "held > 0",
            RefundSide::PartialRefund => "held = 0 AND refunded > 0 AND refunded < amount",
            RefundSide::Refunded => "held = 0 AND refunded >= amount",
        })
    }));
    search.ranges(
        [filter.amount_min, filter.amount_max],
        [filter.from, filter.to],
    );
    search
}
