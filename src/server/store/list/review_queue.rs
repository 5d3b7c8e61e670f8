//! The review queue: refunds in progress, and refunds flagged for review, oldest first.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::domain::filter::{Count, Page, Place, ReviewQueueFilter, Sort};
use crate::domain::refund::{Refund, ReviewQueueRow};
use crate::server::store::list::{Criterion, Search, Table};
use crate::server::store::{Columns, refund};

/// Returns one page of the refunds in progress, or of those flagged for review.
pub async fn review_queue(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: ReviewQueueFilter,
    place: &Place,
) -> sqlx::Result<Page<ReviewQueueRow>> {
    let search = search(app_id, filter);
    let select = "SELECT refund.*, heard.outcome AS heard, heard.at AS heard_at, \
                  (SELECT biz_order_no FROM pay_order WHERE pay_order.app_id = refund.app_id \
                  AND pay_order.order_no = refund.order_no) AS biz_order_no \
                  FROM refund LEFT JOIN event AS heard ON heard.app_id = refund.app_id \
                  AND heard.subject = 'refund' AND heard.number = refund.refund_no AND heard.seq = \
                  (SELECT MAX(seq) FROM event AS told WHERE told.app_id = refund.app_id \
                  AND told.subject = 'refund' AND told.number = refund.refund_no AND told.outcome IS NOT NULL)";
    let rows = search.fetch_page(conn, select, place).await?;
    let refunds = refund::whole(conn, &rows).await?;
    let rows = rows
        .iter()
        .zip(refunds)
        .map(|(row, refund)| review_queue_row(row, refund))
        .collect::<sqlx::Result<Vec<_>>>()?;
    let cursor = |row: &ReviewQueueRow| {
        let refund = &row.refund;
        let at = match filter {
            ReviewQueueFilter::Open => refund.opened_at,
            ReviewQueueFilter::Raised => refund.created_at,
        };
        search.cursor(at.0, refund.amount.0, &refund.refund_no)
    };
    search.page(conn, rows, place, cursor).await
}

/// Counts the matching refunds, up to the limit.
pub async fn count_review_queue(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: ReviewQueueFilter,
) -> sqlx::Result<Count> {
    search(app_id, filter).count(conn).await
}

fn review_queue_row(row: &AnyRow, refund: Refund) -> sqlx::Result<ReviewQueueRow> {
    let heard = row.word_opt("heard")?.zip(row.at_opt("heard_at")?);
    Ok(ReviewQueueRow {
        refund,
        biz_order_no: row.text("biz_order_no")?,
        heard,
    })
}

fn search(app_id: &str, filter: ReviewQueueFilter) -> Search {
    let of = |table| Search::new(table, app_id, Sort::TimeAsc, &None, &None);
    match filter {
        ReviewQueueFilter::Open => of(Table::Open),
        ReviewQueueFilter::Raised => {
            let mut search = of(Table::Refund);
            let raised = Criterion::Fixed("review_reason IS NOT NULL AND reviewed = 0");
            search.criteria.push(raised);
            search
        }
    }
}
