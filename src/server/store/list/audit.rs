//! The list of audit entries, newest first.

use sqlx::AnyConnection;

use crate::domain::audit::AuditEntry;
use crate::domain::filter::{AuditFilter, Page, Place, Sort};
use crate::server::store::audit;
use crate::server::store::list::{Criterion, Search, Table};

/// Returns one page of the matching entries. `app_id` is `*` for entries of no app.
pub async fn audit(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &AuditFilter,
    place: &Place,
) -> sqlx::Result<Page<AuditEntry>> {
    let search = search(app_id, filter);
    let rows = search
        .fetch_page(conn, "SELECT * FROM audit", place)
        .await?;
    let rows = rows
        .iter()
        .map(audit::entry)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let cursor = |entry: &AuditEntry| search.cursor(entry.at.0, 0, &entry.audit_id);
    search.page(conn, rows, place, cursor).await
}

fn search(app_id: &str, filter: &AuditFilter) -> Search {
    let mut search = Search::new(Table::Audit, app_id, Sort::TimeDesc, &None, &None);
    search.words("action", filter.action.map(|action| action.as_str()));
    let actor = filter.actor.as_ref().map(|actor| Criterion::Text {
        column: "actor",
        text: actor.to_string(),
    });
    search.criteria.extend(actor);
    search.ranges([None, None], [filter.from, filter.to]);
    search
}
