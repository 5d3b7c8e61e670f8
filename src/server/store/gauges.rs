//! The database's gauges for operations, of all apps and channel accounts. Each is one index lookup for every app or
//! account.

use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::domain::time::Timestamp;
use crate::server::store::Columns;

/// A gauge's question: SQL that returns one number for the row `a` of `of`. `$1` is now. Counts end at 100000.
pub struct Question {
    of: Of,
    sql: &'static str,
}

/// The subjects of gauges, each a table.
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

    /// Returns the columns that name a subject. They are the labels of its gauge as well.
    fn columns(self) -> &'static [&'static str] {
        match self {
            Of::Apps => &["app_id"],
            Of::Channels => &["app_id", "channel"],
            Of::Accounts => &["account_id", "channel"],
        }
    }
}

/// The value of a gauge for one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// Columns that name the subject, with their values.
    pub names: Vec<(&'static str, String)>,
    pub value: i64,
}

/// Time for which the oldest refund in progress has been open, in milliseconds; 0 where none is in progress.
pub const OLDEST_OPEN_MS: Question = Question {
    of: Of::Apps,
    sql: "SELECT COALESCE($1 - MIN(opened_at), 0) FROM refund WHERE app_id = a.app_id AND status = 'progress'",
};

/// Number of refunds in progress.
pub const OPEN: Question = Question {
    of: Of::Channels,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM refund WHERE app_id = a.app_id AND channel = a.channel \
          AND status = 'progress' LIMIT 100000) AS counted",
};

/// Amount held by refunds in progress, in fen. Unlike the others, this gauge reads every row in progress.
pub const HELD_FEN: Question = Question {
    of: Of::Channels,
    sql: "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM refund WHERE app_id = a.app_id \
          AND channel = a.channel AND status = 'progress'",
};

/// Number of refunds that are due to be submitted or asked for.
pub const SYNCS_DUE: Question = Question {
    of: Of::Accounts,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM submission WHERE account_id = a.account_id \
          AND due_at <= $1 LIMIT 100000) AS counted",
};

/// Number of refunds flagged for review.
pub const RAISED: Question = Question {
    of: Of::Apps,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM refund WHERE app_id = a.app_id \
          AND review_reason IS NOT NULL AND reviewed = 0 LIMIT 100000) AS counted",
};

/// Number of notices that have not arrived yet.
pub const NOTICES_WAITING: Question = Question {
    of: Of::Apps,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM notice WHERE app_id = a.app_id \
          AND state = 'waiting' LIMIT 100000) AS counted",
};

/// Number of notices that are due to be sent.
pub const NOTICES_DUE: Question = Question {
    of: Of::Apps,
    sql: "SELECT COUNT(*) FROM (SELECT 1 AS one FROM notice WHERE app_id = a.app_id \
          AND next_send_at <= $1 LIMIT 100000) AS counted",
};

/// Time for which the oldest undelivered notice has waited, in milliseconds; 0 where none waits.
pub const OLDEST_NOTICE_MS: Question = Question {
    of: Of::Apps,
    sql: "SELECT COALESCE($1 - MIN(created_at), 0) FROM notice WHERE app_id = a.app_id AND state = 'waiting'",
};

/// 1 where an account's breaker is open, else 0.
pub const BREAKERS: Question = Question {
    of: Of::Accounts,
    sql: "SELECT COUNT(*) FROM breaker WHERE account_id = a.account_id",
};

/// Returns the values of a gauge for all its subjects.
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
