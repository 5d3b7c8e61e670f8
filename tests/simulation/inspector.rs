//! Reads the database by SQL of its own, not by the server's: the work that is due, refunds and notices.

use std::collections::BTreeMap;

use refundry::domain::order::Channel;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row as _};
use tokio::runtime::{Builder, Runtime};

use crate::nodes::OVERDUE_AFTER;

/// The work that nodes do by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Sync(Channel),
    Notices,
    Overdue,
}

/// A refund, with the columns that the simulation needs.
#[derive(Clone, Debug)]
pub struct Row {
    pub refund_no: String,
    pub biz_refund_no: String,
    pub channel_no: String,
    pub order_no: String,
    pub amount: i64,
    pub status: String,
    pub review_reason: Option<String>,
    pub submissions: i64,
    pub version: i64,
}

/// A notice, with the columns that the simulation needs.
#[derive(Clone, Debug)]
pub struct NoticeRow {
    pub refund_no: String,
    pub seq: i64,
    pub status: String,
    pub error_msg: Option<String>,
    pub state: String,
    pub attempts: i64,
}

pub struct Inspector {
    runtime: Runtime,
    conn: AnyConnection,
    /// [`DUE`] in the database's dialect.
    due: String,
}

/// SQL that returns the time at which each kind of work is due next, after leases and breakers. `GREATEST` becomes
/// `MAX` in SQLite.
const DUE: &str = "
    SELECT a.channel AS work, MIN(GREATEST(s.due_at, s.leased_until, COALESCE(b.probe_at, 0))) AS at
      FROM submission s JOIN channel_account a ON a.account_id = s.account_id
      LEFT JOIN breaker b ON b.account_id = s.account_id
      WHERE s.due_at IS NOT NULL GROUP BY a.channel
    UNION ALL SELECT 'notices', MIN(GREATEST(next_send_at, leased_until)) FROM notice WHERE next_send_at IS NOT NULL
    UNION ALL SELECT 'overdue', MIN(opened_at) FROM refund WHERE status = 'progress' AND review_reason IS NULL";

impl Inspector {
    pub fn open(url: &str) -> Inspector {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let conn = runtime
            .block_on(AnyConnection::connect(url))
            .expect("the database opens");
        let due = match url.starts_with("sqlite:") {
            true => DUE.replace("GREATEST(", "MAX("),
            false => DUE.to_owned(),
        };
        Inspector { runtime, conn, due }
    }

    pub fn rows(&mut self, sql: &str) -> Vec<AnyRow> {
        let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.conn);
        self.runtime.block_on(rows).expect("the database is read")
    }

    /// Returns the amount that an order has left to refund.
    pub fn left(&mut self, order_no: &str) -> i64 {
        let sql = format!(
            "SELECT amount - held - refunded AS rest FROM pay_order WHERE order_no = '{order_no}'"
        );
        self.rows(&sql)[0].get("rest")
    }

    /// Returns the work to do, each with the time from which it is due.
    pub fn due(&mut self) -> Vec<(Work, i64)> {
        let sql = self.due.clone();
        let rows = self.rows(&sql);
        let due = rows.iter().filter_map(|row| {
            let at: i64 = row.get::<Option<i64>, _>("at")?;
            Some((row.get::<String, _>("work"), at))
        });
        // Sorted, as the database may return the groups in any order.
        let due: BTreeMap<_, _> = due.collect();
        let due = due.into_iter().map(|(work, at)| match work.as_str() {
            "notices" => (Work::Notices, at),
            "overdue" => (Work::Overdue, at + OVERDUE_AFTER + 1),
            channel => (Work::Sync(channel.parse().expect("a channel")), at),
        });
        due.collect()
    }

    /// Returns all refunds, oldest first.
    pub fn refunds(&mut self) -> Vec<Row> {
        let rows = self.rows(
            "SELECT r.*, (SELECT channel_no FROM submission s WHERE s.app_id = r.app_id AND s.refund_no = r.refund_no \
             ORDER BY attempt DESC LIMIT 1) AS channel_no, (SELECT COUNT(*) FROM submission s \
             WHERE s.app_id = r.app_id AND s.refund_no = r.refund_no AND s.submitted_at IS NOT NULL) AS submissions \
             FROM refund r ORDER BY created_at, biz_refund_no",
        );
        let rows = rows.iter().map(|row| Row {
            refund_no: row.get("refund_no"),
            biz_refund_no: row.get("biz_refund_no"),
            channel_no: row.get("channel_no"),
            order_no: row.get("order_no"),
            amount: row.get("amount"),
            status: row.get("status"),
            review_reason: row.get("review_reason"),
            submissions: row.get("submissions"),
            version: row.get("version"),
        });
        rows.collect()
    }

    /// Returns all notices, those of a refund in the order of sending.
    pub fn notices(&mut self) -> Vec<NoticeRow> {
        let rows = self.rows("SELECT * FROM notice ORDER BY refund_no, seq");
        let rows = rows.iter().map(|row| NoticeRow {
            refund_no: row.get("refund_no"),
            seq: row.get("seq"),
            status: row.get("status"),
            error_msg: row.get("error_msg"),
            state: row.get("state"),
            attempts: row.get("attempts"),
        });
        rows.collect()
    }
}
