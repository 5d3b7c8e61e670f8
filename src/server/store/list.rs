//! The lists and searches of orders and refunds.
//!
//! Pages are taken by key along an index, and counts stop at a limit, so that the cost does not
//! grow with the table. A beginning of a number or title first picks at most [`limits::COUNT_ROWS`]
//! candidates from that column's index; the other criteria then narrow those.

use sqlx::any::AnyRow;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::{Columns, order, refund};
use crate::domain::filter::{Count, Cursor, OrderFilter, Page, Place, RefundFilter, Sort};
use crate::domain::limits;
use crate::domain::order::{Order, RefundSide};
use crate::domain::refund::RefundRow;

/// One page of the orders that match.
pub async fn orders(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &OrderFilter,
    place: &Place,
) -> sqlx::Result<Page<Order>> {
    let matching = matching_orders(app_id, filter);
    let keys = Keys {
        sort: filter.sort,
        time: "created_at",
        amount: "amount",
        number: "order_no",
    };
    let rows = fetch_page(
        conn,
        "SELECT * FROM pay_order",
        matching.clone(),
        &keys,
        place,
    )
    .await?;
    let cursor = |order: &Order| Cursor {
        key: keys.key(order.created_at.0, order.amount.0),
        number: order.order_no.clone(),
    };
    let rows = rows
        .iter()
        .map(order::order)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let too_many = too_many(
        conn,
        app_id,
        &candidates(Table::Order, &filter.number, &filter.title),
    )
    .await?;
    let count = count(conn, "pay_order", matching).await?;
    Ok(page(rows, place, count, too_many, cursor))
}

/// One page of the refunds that match.
pub async fn refunds(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &RefundFilter,
    place: &Place,
) -> sqlx::Result<Page<RefundRow>> {
    let matching = matching_refunds(app_id, filter);
    let keys = Keys {
        sort: filter.sort,
        time: "refund.created_at",
        amount: "refund.amount",
        number: "refund.refund_no",
    };
    // A cross join keeps SQLite to this order: the page of refunds first, then each one's order.
    let mut with_order = matching.clone();
    with_order.and("pay_order.app_id = refund.app_id AND pay_order.order_no = refund.order_no");
    let select =
        "SELECT refund.*, pay_order.biz_order_no, pay_order.title FROM refund CROSS JOIN pay_order";
    let rows = fetch_page(conn, select, with_order, &keys, place).await?;
    let cursor = |row: &RefundRow| Cursor {
        key: keys.key(row.refund.created_at.0, row.refund.amount.0),
        number: row.refund.refund_no.clone(),
    };
    let rows = rows
        .iter()
        .map(refund_row)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let too_many = too_many(
        conn,
        app_id,
        &candidates(Table::Refund, &filter.number, &filter.title),
    )
    .await?;
    let count = count(conn, "refund", matching).await?;
    Ok(page(rows, place, count, too_many, cursor))
}

/// How many refunds match, up to the limit.
pub async fn count_refunds(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &RefundFilter,
) -> sqlx::Result<Count> {
    count(conn, "refund", matching_refunds(app_id, filter)).await
}

fn refund_row(row: &AnyRow) -> sqlx::Result<RefundRow> {
    Ok(RefundRow {
        refund: refund::refund(row)?,
        biz_order_no: row.text("biz_order_no")?,
        title: row.text("title")?,
    })
}

/// A condition under construction: its text and the values of its placeholders.
#[derive(Clone)]
struct Matching {
    sql: String,
    values: Vec<Value>,
}

#[derive(Clone)]
enum Value {
    Text(String),
    Int(i64),
}

impl Matching {
    fn of_app(column: &str, app_id: &str) -> Matching {
        Matching {
            sql: format!("{column} = $1"),
            values: vec![Value::Text(app_id.to_owned())],
        }
    }

    /// Adds a condition without values.
    fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// Adds a value and returns its placeholder.
    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn compare(&mut self, column: &str, operator: &str, value: Option<Value>) {
        if let Some(value) = value {
            let placeholder = self.value(value);
            self.and(&format!("{column} {operator} {placeholder}"));
        }
    }

    /// Adds "number among the candidates".
    fn among(&mut self, number: &str, candidates: &[Candidates]) {
        if candidates.is_empty() {
            return;
        }
        let selects: Vec<_> = candidates
            .iter()
            .map(|candidates| self.select(candidates))
            .collect();
        self.and(&format!("{number} IN ({})", selects.join(" UNION ")));
    }

    /// The candidates' numbers, at most one more than the limit.
    fn select(&mut self, candidates: &Candidates) -> String {
        let Candidates {
            table,
            column,
            listed,
            begins,
        } = candidates;
        let from = self.value(Value::Text(begins.clone()));
        let to = self.value(Value::Text(end_of_range(begins)));
        let limit = limits::COUNT_ROWS + 1;
        let number = table.number();
        let found = format!(
            "SELECT {number} FROM (SELECT {number} FROM {} WHERE app_id = $1 AND {column} >= {from} \
             AND {column} < {to} ORDER BY {column} LIMIT {limit}) AS found",
            table.name()
        );
        if table == listed {
            return found;
        }
        format!(
            "SELECT refund_no FROM (SELECT refund_no FROM refund WHERE app_id = $1 AND order_no IN ({found}) \
             LIMIT {limit}) AS found_refunds"
        )
    }

    fn query(&self, sql: String) -> Query<'_, Any, sqlx::any::AnyArguments> {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for value in &self.values {
            query = match value {
                Value::Text(text) => query.bind(text),
                Value::Int(int) => query.bind(*int),
            };
        }
        query
    }
}

/// What is searched, or listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    Order,
    Refund,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Table::Order => "pay_order",
            Table::Refund => "refund",
        }
    }

    fn number(self) -> &'static str {
        match self {
            Table::Order => "order_no",
            Table::Refund => "refund_no",
        }
    }
}

/// Rows whose `column` begins with a text. Where refunds are listed, an order stands for its refunds.
struct Candidates {
    table: Table,
    column: &'static str,
    listed: Table,
    begins: String,
}

const ORDER_NUMBERS: [&str; 3] = ["order_no", "biz_order_no", "out_order_no"];
const REFUND_NUMBERS: [&str; 3] = ["refund_no", "biz_refund_no", "out_refund_no"];

/// The candidates of each criterion that has any.
fn candidates(
    listed: Table,
    number: &Option<String>,
    title: &Option<String>,
) -> Vec<Vec<Candidates>> {
    let of = |table, column, begins: &String| Candidates {
        table,
        column,
        listed,
        begins: begins.clone(),
    };
    let mut criteria = Vec::new();
    if let Some(number) = number {
        let mut any: Vec<_> = ORDER_NUMBERS
            .iter()
            .map(|column| of(Table::Order, column, number))
            .collect();
        if listed == Table::Refund {
            any.extend(
                REFUND_NUMBERS
                    .iter()
                    .map(|column| of(Table::Refund, column, number)),
            );
        }
        criteria.push(any);
    }
    if let Some(title) = title {
        criteria.push(vec![of(Table::Order, "title", title)]);
    }
    criteria
}

fn matching_orders(app_id: &str, filter: &OrderFilter) -> Matching {
    let mut matching = Matching::of_app("app_id", app_id);
    for any in candidates(Table::Order, &filter.number, &filter.title) {
        matching.among("order_no", &any);
    }
    matching.compare(
        "channel",
        "=",
        filter
            .channel
            .map(|channel| Value::Text(channel.word().to_owned())),
    );
    matching.compare(
        "status",
        "=",
        filter
            .status
            .map(|status| Value::Text(status.word().to_owned())),
    );
    if let Some(side) = filter.refund_side {
        // Word for word the conditions of the partial indexes.
        matching.and(match side {
            RefundSide::NoRefund => "held = 0 AND refunded = 0",
            RefundSide::Refunding => "held > 0",
            RefundSide::PartialRefund => "held = 0 AND refunded > 0 AND refunded < amount",
            RefundSide::Refunded => "held = 0 AND refunded > 0 AND refunded = amount",
        });
    }
    matching.compare(
        "amount",
        ">=",
        filter.amount_min.map(|fen| Value::Int(fen.0)),
    );
    matching.compare(
        "amount",
        "<=",
        filter.amount_max.map(|fen| Value::Int(fen.0)),
    );
    matching.compare("created_at", ">=", filter.from.map(|at| Value::Int(at.0)));
    matching.compare("created_at", "<", filter.to.map(|at| Value::Int(at.0)));
    matching
}

fn matching_refunds(app_id: &str, filter: &RefundFilter) -> Matching {
    let mut matching = Matching::of_app("refund.app_id", app_id);
    for any in candidates(Table::Refund, &filter.number, &filter.title) {
        matching.among("refund.refund_no", &any);
    }
    matching.compare(
        "refund.channel",
        "=",
        filter
            .channel
            .map(|channel| Value::Text(channel.word().to_owned())),
    );
    matching.compare(
        "refund.status",
        "=",
        filter
            .status
            .map(|status| Value::Text(status.word().to_owned())),
    );
    if filter.attention {
        matching.and("refund.attention IS NOT NULL");
    }
    matching.compare(
        "refund.amount",
        ">=",
        filter.amount_min.map(|fen| Value::Int(fen.0)),
    );
    matching.compare(
        "refund.amount",
        "<=",
        filter.amount_max.map(|fen| Value::Int(fen.0)),
    );
    matching.compare(
        "refund.created_at",
        ">=",
        filter.from.map(|at| Value::Int(at.0)),
    );
    matching.compare(
        "refund.created_at",
        "<",
        filter.to.map(|at| Value::Int(at.0)),
    );
    matching
}

/// The least text that is greater than every text that begins so, in byte order.
fn end_of_range(begins: &str) -> String {
    format!("{begins}{}", char::MAX)
}

/// The columns by which a list is sorted and paged.
struct Keys {
    sort: Sort,
    time: &'static str,
    amount: &'static str,
    number: &'static str,
}

impl Keys {
    fn column(&self) -> &'static str {
        match self.sort {
            Sort::TimeDesc | Sort::TimeAsc => self.time,
            Sort::AmountDesc | Sort::AmountAsc => self.amount,
        }
    }

    fn key(&self, time: i64, amount: i64) -> i64 {
        match self.sort {
            Sort::TimeDesc | Sort::TimeAsc => time,
            Sort::AmountDesc | Sort::AmountAsc => amount,
        }
    }
}

/// One row more than a page holds, in the list's order but reversed when paging back.
async fn fetch_page(
    conn: &mut AnyConnection,
    select: &str,
    mut matching: Matching,
    keys: &Keys,
    place: &Place,
) -> sqlx::Result<Vec<AnyRow>> {
    let backwards = matches!(place, Place::Before(_));
    let descending = keys.sort.descending() != backwards;
    let (column, number) = (keys.column(), keys.number);
    if let Place::After(cursor) | Place::Before(cursor) = place {
        let operator = if descending { "<" } else { ">" };
        let (key, last) = (
            matching.value(Value::Int(cursor.key)),
            matching.value(Value::Text(cursor.number.clone())),
        );
        matching.and(&format!("({column}, {number}) {operator} ({key}, {last})"));
    }
    let direction = if descending { "DESC" } else { "ASC" };
    let sql = format!(
        "{select} WHERE {} ORDER BY {column} {direction}, {number} {direction} LIMIT {}",
        matching.sql,
        limits::PAGE_ROWS + 1
    );
    matching.query(sql).fetch_all(conn).await
}

/// Puts a page together from one row more than it holds.
fn page<T>(
    mut rows: Vec<T>,
    place: &Place,
    count: Count,
    too_many: bool,
    cursor: impl Fn(&T) -> Cursor,
) -> Page<T> {
    let more = rows.len() > limits::PAGE_ROWS;
    rows.truncate(limits::PAGE_ROWS);
    let (has_before, has_after) = match place {
        Place::First => (false, more),
        Place::After(_) => (true, more),
        Place::Before(_) => {
            rows.reverse();
            (more, true)
        }
    };
    let before = rows.first().filter(|_| has_before).map(&cursor);
    let after = rows.last().filter(|_| has_after).map(&cursor);
    Page {
        rows,
        count,
        before,
        after,
        too_many,
    }
}

async fn count(conn: &mut AnyConnection, table: &str, matching: Matching) -> sqlx::Result<Count> {
    let limit = limits::COUNT_ROWS + 1;
    let sql = format!(
        "SELECT CAST(count(*) AS BIGINT) AS n FROM (SELECT 1 FROM {table} WHERE {} LIMIT {limit}) AS counted",
        matching.sql
    );
    let n = matching.query(sql).fetch_one(conn).await?.int("n")?;
    let rows = usize::try_from(n).unwrap_or(0);
    Ok(Count {
        rows: rows.min(limits::COUNT_ROWS),
        more: rows > limits::COUNT_ROWS,
    })
}

/// Whether a beginning fits more rows than were looked at.
async fn too_many(
    conn: &mut AnyConnection,
    app_id: &str,
    criteria: &[Vec<Candidates>],
) -> sqlx::Result<bool> {
    for candidates in criteria.iter().flatten() {
        let mut matching = Matching::of_app("app_id", app_id);
        let found = matching.select(candidates);
        let sql = format!(
            "SELECT CAST(count(*) AS BIGINT) AS n FROM ({found}) AS counted WHERE $1 <> ''"
        );
        let n = matching.query(sql).fetch_one(&mut *conn).await?.int("n")?;
        if n > limits::COUNT_ROWS as i64 {
            return Ok(true);
        }
    }
    Ok(false)
}
