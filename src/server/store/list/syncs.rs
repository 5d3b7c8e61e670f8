//! The list of syncs of refunds, newest first. Syncs are events of the timeline.

use sqlx::AnyConnection;

use crate::domain::event::Event;
use crate::domain::filter::{Count, Page, Place, Sort, SyncFilter};
use crate::server::store::event;
use crate::server::store::list::{Criterion, Search, Table};

/// Returns one page of the matching syncs.
pub async fn syncs(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &SyncFilter,
    place: &Place,
) -> sqlx::Result<Page<Event>> {
    let search = search(app_id, filter);
    let rows = search
        .fetch_page(conn, "SELECT * FROM event", place)
        .await?;
    let rows = rows
        .iter()
        .map(event::event)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let cursor = |event: &Event| {
        let number = format!("{}.{}", event.number, event.seq);
        search.cursor(event.at.0, 0, &number)
    };
    search.page(conn, rows, place, cursor).await
}

/// Counts the matching syncs, up to the limit.
pub async fn count_syncs(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &SyncFilter,
) -> sqlx::Result<Count> {
    search(app_id, filter).count(conn).await
}

fn search(app_id: &str, filter: &SyncFilter) -> Search {
    let mut search = Search::new(Table::Sync, app_id, Sort::TimeDesc, &filter.number, &None);
    search.words("outcome", filter.outcome.map(|outcome| outcome.as_str()));
    let changed = Criterion::Fixed("before <> after");
    search.criteria.extend(filter.changed.then_some(changed));
    search.ranges([None, None], [filter.from, filter.to]);
    search
}
