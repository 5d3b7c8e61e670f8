//! The figures that whoever runs the server watches, of all apps and channel accounts at once. Each is a look into an
//! index for every one of these.

use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// A figure to ask for: SQL that gives one number of the row `a` of `of`. `$1` is now. Counts end at 100000.
pub struct Question {
    of: Of,
    sql: &'static str,
}

/// The things that a figure is asked of, each a table.
#[derive(Clone, Copy)]
enum Of {
    Apps,
    /// Channels of apps.
    Channels,
    Accounts,
}

impl Of {
    fn table(self) -> &'static str {
        match self {
            Of::Apps => "merchant_app",
            Of::Channels => "app_channel",
            Of::Accounts => "channel_account",
        }
    }

    /// Returns the columns that name one of the things, which are the labels of its figure as well.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Of::Apps => &["app_id"],
            Of::Channels => &["app_id", "channel"],
            Of::Accounts => &["account_id", "channel"],
        }
    }
}

/// A figure of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Columns that name the thing, and their values.
    pub names: Vec<(&'static str, String)>,
    pub value: i64,
}

/// The time for which the oldest refund in progress has been so, in milliseconds; 0 where none is.
pub const OLDEST_OPEN_MS: Question = Question {
    of: Of::Apps,
    sql: "SELECT COALESCE($1 - MIN(opened_at), 0) FROM refund WHERE app_id = a.app_id AND status = 'progress'",
};

/// The number of refunds in progress.
pub const OPEN: Question = Question {
    of: Of::Channels,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM refund WHERE app_id = a.app_id AND channel = a.channel \
          AND status = 'progress' LIMIT 100000) AS counted",
};

/// The amount that refunds in progress hold, in fen. This one reads rows, as many as are in progress.
pub const HELD_FEN: Question = Question {
    of: Of::Channels,
    sql: "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM refund WHERE app_id = a.app_id \
          AND channel = a.channel AND status = 'progress'",
};

/// The number of refunds that should have been submitted or asked for by now.
pub const SYNCS_DUE: Question = Question {
    of: Of::Accounts,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM submission WHERE account_id = a.account_id \
          AND due_at <= $1 LIMIT 100000) AS counted",
};

/// The number of refunds that wait for a person to look at them.
pub const RAISED: Question = Question {
    of: Of::Apps,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM refund WHERE app_id = a.app_id \
          AND review_reason IS NOT NULL AND reviewed = 0 LIMIT 100000) AS counted",
};

/// The number of notices that have not arrived yet.
pub const NOTICES_WAITING: Question = Question {
    of: Of::Apps,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM notice WHERE app_id = a.app_id \
          AND state = 'waiting' LIMIT 100000) AS counted",
};

/// The number of notices that should have been sent by now.
pub const NOTICES_DUE: Question = Question {
    of: Of::Apps,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM notice WHERE app_id = a.app_id \
          AND next_send_at <= $1 LIMIT 100000) AS counted",
};

/// The time for which the oldest notice that has not arrived has waited, in milliseconds; 0 where none does.
pub const OLDEST_NOTICE_MS: Question = Question {
    of: Of::Apps,
    sql: "SELECT COALESCE($1 - MIN(created_at), 0) FROM notice WHERE app_id = a.app_id AND state = 'waiting'",
};

/// 1 where an account's breaker is open, else 0.
pub const BREAKERS: Question = Question {
    of: Of::Accounts,
    sql: "SELECT COUNT(*) FROM breaker WHERE account_id = a.account_id",
};

/// Asks for a figure of all things.
pub async fn ask(
    conn: &mut AnyConnection,
    question: &Question,
    now: Timestamp,
) -> sqlx::Result<Vec<Figure>> {
    let columns = question.of.columns();
    let sql = format!(
        "SELECT a.{}, ({}) AS value FROM {} AS a",
        columns.join(", a."),
        question.sql,
        question.of.table()
    );
    let asked = query(AssertSqlSafe(sql));
    let asked = match question.sql.contains("$1") {
        true => asked.bind(now.0),
        false => asked,
    };
    let rows = asked.fetch_all(conn).await?;
    let figures = rows.iter().map(|row| {
        let name = |&column: &&'static str| Ok((column, row.text(column)?));
        Ok(Figure {
            names: columns.iter().map(name).collect::<sqlx::Result<_>>()?,
            value: row.int("value")?,
        })
    });
    figures.collect()
}
