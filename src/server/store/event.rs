//! Table `event`.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::event::{Event, Subject};
use crate::server::store::Columns;
use crate::server::store::write::{Write, insert_into};

/// Makes the write that adds an event.
pub fn insertion(event: &Event) -> Write {
    insert_into(
        "event",
        "app_id, subject, number, seq, at, kind, actor, outcome, said, before, after",
    )
    .bind(&event.app_id)
    .bind(event.subject.as_str())
    .bind(&event.number)
    .bind(event.seq)
    .bind(event.at.0)
    .bind(event.kind.as_str())
    .bind(event.actor.to_string())
    .bind(event.outcome.map(|outcome| outcome.as_str()))
    .bind(&event.said)
    .bind(&event.before)
    .bind(&event.after)
}

/// Returns the newest events of an order or refund, newest first, at most 500.
pub async fn timeline(
    conn: &mut AnyConnection,
    app_id: &str,
    subject: Subject,
    number: &str,
) -> sqlx::Result<Vec<Event>> {
    let sql = "SELECT * FROM event WHERE app_id = $1 AND subject = $2 AND number = $3 ORDER BY seq DESC LIMIT 500";
    let rows = query(sql)
        .bind(app_id)
        .bind(subject.as_str())
        .bind(number)
        .fetch_all(conn)
        .await?;
    rows.iter().map(event).collect()
}

/// Reads an event from a row that has all columns of the table.
pub(super) fn event(row: &AnyRow) -> sqlx::Result<Event> {
    Ok(Event {
        app_id: row.text("app_id")?,
        subject: row.word("subject")?,
        number: row.text("number")?,
        seq: row.int("seq")?,
        at: row.at("at")?,
        kind: row.word("kind")?,
        actor: row.word("actor")?,
        outcome: row.word_opt("outcome")?,
        said: row.text_opt("said")?,
        before: row.text_opt("before")?,
        after: row.text_opt("after")?,
    })
}
