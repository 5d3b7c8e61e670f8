//! The list of notices, newest first.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::domain::filter::{Count, NoticeFilter, Page, Place, Sort};
use crate::domain::notice::NoticeRow;
use crate::server::store::list::{Search, Table};
use crate::server::store::{Columns, notice};

/// Returns one page of the matching notices.
pub async fn notices(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &NoticeFilter,
    place: &Place,
) -> sqlx::Result<Page<NoticeRow>> {
    let search = search(app_id, filter);
    let select = "SELECT notice.*, (SELECT failure FROM delivery_attempt AS last WHERE last.app_id = notice.app_id \
                  AND last.refund_no = notice.refund_no AND last.seq = notice.seq \
                  ORDER BY last.attempt DESC LIMIT 1) AS failure FROM notice";
    let rows = search.fetch_page(conn, select, place).await?;
    let rows = rows
        .iter()
        .map(notice_row)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let cursor = |row: &NoticeRow| {
        let key = &row.notice.key;
        let number = format!("{}.{}", key.refund_no, key.seq);
        search.cursor(row.notice.created_at.0, 0, &number)
    };
    search.page(conn, rows, place, cursor).await
}

/// Counts the matching notices, up to the limit.
pub async fn count_notices(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &NoticeFilter,
) -> sqlx::Result<Count> {
    search(app_id, filter).count(conn).await
}

fn notice_row(row: &AnyRow) -> sqlx::Result<NoticeRow> {
    Ok(NoticeRow {
        notice: notice::notice(row)?,
        failure: row.text_opt("failure")?,
    })
}

fn search(app_id: &str, filter: &NoticeFilter) -> Search {
    let mut search = Search::new(Table::Notice, app_id, Sort::TimeDesc, &filter.number, &None);
    search.words("state", filter.state.map(|state| state.as_str()));
    search.ranges([None, None], [filter.from, filter.to]);
    search
}
