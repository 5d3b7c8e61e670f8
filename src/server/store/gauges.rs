//! The figures that whoever runs the server watches, of all apps at once. Each is a look into an
//! index for every app or every channel of an app.

use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// What can be asked for: SQL that gives one number of app `a`, and of its channel where it is asked
/// of channels. `$1` is now. Counts end at 100000.
pub struct Question {
    of_channels: bool,
    sql: &'static str,
}

/// An answer: a number of an app, or of an app's channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    pub app_id: String,
    pub channel: Option<String>,
    pub value: i64,
}

/// How long the oldest refund in progress has been so, in milliseconds; 0 where none is.
pub const OLDEST_OPEN_MS: Question = Question {
    of_channels: false,
    sql: "SELECT COALESCE($1 - MIN(opened_at), 0) FROM refund WHERE app_id = a.app_id AND status = 'progress'",
};

/// How many refunds are in progress.
pub const OPEN: Question = Question {
    of_channels: true,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM refund WHERE app_id = a.app_id AND channel = a.channel \
          AND status = 'progress' LIMIT 100000) AS counted",
};

/// What refunds in progress hold, in fen. This one reads rows, as many as are in progress.
pub const HELD_FEN: Question = Question {
    of_channels: true,
    sql: "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM refund WHERE app_id = a.app_id \
          AND channel = a.channel AND status = 'progress'",
};

/// Counts the refunds that should have been submitted or asked for by now.
pub const SYNCS_DUE: Question = Question {
    of_channels: true,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM submission WHERE app_id = a.app_id AND channel = a.channel \
          AND due_at <= $1 LIMIT 100000) AS counted",
};

/// How many refunds wait for a person to look at them.
pub const RAISED: Question = Question {
    of_channels: false,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM refund WHERE app_id = a.app_id \
          AND review_reason IS NOT NULL AND reviewed = 0 LIMIT 100000) AS counted",
};

/// How many notices have not arrived yet.
pub const NOTICES_WAITING: Question = Question {
    of_channels: false,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM notice WHERE app_id = a.app_id \
          AND state = 'waiting' LIMIT 100000) AS counted",
};

/// How many notices should have been sent by now.
pub const NOTICES_DUE: Question = Question {
    of_channels: false,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM notice WHERE app_id = a.app_id \
          AND next_send_at <= $1 LIMIT 100000) AS counted",
};

/// How long the oldest notice that has not arrived has waited, in milliseconds; 0 where none does.
pub const OLDEST_NOTICE_MS: Question = Question {
    of_channels: false,
    sql: "SELECT COALESCE($1 - MIN(created_at), 0) FROM notice WHERE app_id = a.app_id AND state = 'waiting'",
};

/// 1 where a channel's breaker is open, else 0.
pub const BREAKERS: Question = Question {
    of_channels: true,
    sql: "SELECT COUNT(*) FROM breaker WHERE app_id = a.app_id AND channel = a.channel",
};

/// Asks.
pub async fn ask(
    conn: &mut AnyConnection,
    question: &Question,
    now: Timestamp,
) -> sqlx::Result<Vec<Figure>> {
    let (columns, table) = match question.of_channels {
        true => ("a.app_id, a.channel", "app_channel"),
        false => ("a.app_id", "merchant_app"),
    };
    let sql = format!(
        "SELECT {columns}, ({}) AS value FROM {table} AS a",
        question.sql
    );
    let asked = query(AssertSqlSafe(sql));
    let asked = match question.sql.contains("$1") {
        true => asked.bind(now.0),
        false => asked,
    };
    let rows = asked.fetch_all(conn).await?;
    let figures = rows.iter().map(|row| {
        Ok(Figure {
            app_id: row.text("app_id")?,
            channel: match question.of_channels {
                true => Some(row.text("channel")?),
                false => None,
            },
            value: row.int("value")?,
        })
    });
    figures.collect()
}
