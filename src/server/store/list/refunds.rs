//! The list of refunds.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::domain::filter::{Count, Page, Place, RefundFilter};
use crate::domain::refund::{Refund, RefundRow};
use crate::server::store::list::{Criterion, Search, Table};
use crate::server::store::{Columns, refund};

/// Returns one page of the refunds that match.
pub async fn refunds(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &RefundFilter,
    place: &Place,
) -> sqlx::Result<Page<RefundRow>> {
    let search = search(app_id, filter);
    // A page of refunds first, then each one's order.
    let select = "SELECT refund.*, (SELECT biz_order_no FROM pay_order WHERE pay_order.app_id = refund.app_id \
                  AND pay_order.order_no = refund.order_no) AS biz_order_no, \
                  (SELECT title FROM pay_order WHERE pay_order.app_id = refund.app_id \
                  AND pay_order.order_no = refund.order_no) AS title FROM refund";
    let rows = search.fetch_page(conn, select, place).await?;
    let refunds = refund::whole(conn, &rows).await?;
    let rows = rows
        .iter()
        .zip(refunds)
        .map(|(row, refund)| refund_row(row, refund))
        .collect::<sqlx::Result<Vec<_>>>()?;
    let cursor = |row: &RefundRow| {
        search.cursor(
            row.refund.created_at.0,
            row.refund.amount.0,
            &row.refund.refund_no,
        )
    };
    search.page(conn, rows, place, cursor).await
}

/// Counts the refunds that match, up to the limit.
pub async fn count_refunds(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &RefundFilter,
) -> sqlx::Result<Count> {
    search(app_id, filter).count(conn).await
}

fn refund_row(row: &AnyRow, refund: Refund) -> sqlx::Result<RefundRow> {
    Ok(RefundRow {
        refund,
        biz_order_no: row.text("biz_order_no")?,
        title: row.text("title")?,
    })
}

fn search(app_id: &str, filter: &RefundFilter) -> Search {
    let mut search = Search::new(
        Table::Refund,
        app_id,
        filter.sort,
        &filter.number,
        &filter.title,
    );
    search.words("channel", filter.channel.map(|channel| channel.as_str()));
    search.words("status", filter.status.map(|status| status.as_str()));
    search
        .criteria
        .extend(filter.review_reason.then_some(Criterion::Fixed(
            "review_reason IS NOT NULL AND reviewed = 0",
        )));
    search.ranges(
        [filter.amount_min, filter.amount_max],
        [filter.from, filter.to],
    );
    search
}
