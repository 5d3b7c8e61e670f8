//! The list of callbacks, newest first.

use sqlx::AnyConnection;

use crate::domain::callback::CallbackRow;
use crate::domain::filter::{CallbackFilter, Count, Page, Place, Sort};
use crate::server::store::callback;
use crate::server::store::list::{Search, Table};

/// Returns one page of the matching callbacks.
pub async fn callbacks(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &CallbackFilter,
    place: &Place,
) -> sqlx::Result<Page<CallbackRow>> {
    let search = search(app_id, filter);
    let select = format!("SELECT {} FROM callback", callback::ROW);
    let rows = search.fetch_page(conn, &select, place).await?;
    let rows = rows
        .iter()
        .map(callback::row)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let cursor = |row: &CallbackRow| search.cursor(row.received_at.0, 0, &row.callback_no);
    search.page(conn, rows, place, cursor).await
}

/// Counts the matching callbacks, up to the limit.
pub async fn count_callbacks(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &CallbackFilter,
) -> sqlx::Result<Count> {
    search(app_id, filter).count(conn).await
}

fn search(app_id: &str, filter: &CallbackFilter) -> Search {
    let mut search = Search::new(
        Table::Callback,
        app_id,
        Sort::TimeDesc,
        &filter.number,
        &None,
    );
    search.words("channel", filter.channel.map(|channel| channel.as_str()));
    search.words("verdict", filter.verdict.map(|verdict| verdict.as_str()));
    search.ranges([None, None], [filter.from, filter.to]);
    search
}
