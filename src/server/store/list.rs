//! The lists and searches of orders and refunds.
//!
//! The cost of a page must not grow with the table. Pages are taken by key along an index that
//! gives the list's order, and counts stop at a limit. A criterion that this index does not serve
//! may be rare, and looking for it along the index would then read all of it; so where it fits at
//! most [`limits::COUNT_ROWS`] rows these are picked first, by the criterion's own index, and
//! sorted. The beginning of a number or a title always picks first, and at most that many.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::{Columns, order, refund};
use crate::domain::filter::{Count, Cursor, OrderFilter, Page, Place, RefundFilter, Sort};
use crate::domain::limits;
use crate::domain::money::Fen;
use crate::domain::order::{Order, RefundSide};
use crate::domain::refund::RefundRow;
use crate::domain::time::Millis;

/// One page of the orders that match.
pub async fn orders(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &OrderFilter,
    place: &Place,
) -> sqlx::Result<Page<Order>> {
    let search = Search::of_orders(app_id, filter);
    let rows = search
        .fetch_page(conn, "SELECT * FROM pay_order", place)
        .await?;
    let rows = rows
        .iter()
        .map(order::order)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let cursor = |order: &Order| search.cursor(order.created_at.0, order.amount.0, &order.order_no);
    search.page(conn, rows, place, cursor).await
}

/// One page of the refunds that match.
pub async fn refunds(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &RefundFilter,
    place: &Place,
) -> sqlx::Result<Page<RefundRow>> {
    let search = Search::of_refunds(app_id, filter);
    // A page of refunds first, then each one's order.
    let select = "SELECT refund.*, (SELECT biz_order_no FROM pay_order WHERE pay_order.app_id = refund.app_id \
                  AND pay_order.order_no = refund.order_no) AS biz_order_no, \
                  (SELECT title FROM pay_order WHERE pay_order.app_id = refund.app_id \
                  AND pay_order.order_no = refund.order_no) AS title FROM refund";
    let rows = search.fetch_page(conn, select, place).await?;
    let rows = rows
        .iter()
        .map(refund_row)
        .collect::<sqlx::Result<Vec<_>>>()?;
    let cursor = |row: &RefundRow| {
        search.cursor(
            row.refund.created_at.0,
            row.refund.amount.0,
            &row.refund.refund_no,
        )
    };
    search.page(conn, rows, place, cursor).await
}

/// How many refunds match, up to the limit.
pub async fn count_refunds(
    conn: &mut AnyConnection,
    app_id: &str,
    filter: &RefundFilter,
) -> sqlx::Result<Count> {
    Search::of_refunds(app_id, filter).count(conn).await
}

fn refund_row(row: &AnyRow) -> sqlx::Result<RefundRow> {
    Ok(RefundRow {
        refund: refund::refund(row)?,
        biz_order_no: row.text("biz_order_no")?,
        title: row.text("title")?,
    })
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

const ORDER_NUMBERS: [&str; 3] = ["order_no", "biz_order_no", "out_order_no"];
const REFUND_NUMBERS: [&str; 3] = ["refund_no", "biz_refund_no", "out_refund_no"];

/// A list with its criteria, before it is put into SQL.
struct Search {
    table: Table,
    app_id: String,
    sort: Sort,
    begins: Vec<Beginning>,
    criteria: Vec<Criterion>,
}

/// Rows of which one of some columns begins with a text.
struct Beginning {
    columns: Vec<(Table, &'static str)>,
    text: String,
}

/// A condition on the rows themselves.
#[derive(Clone)]
enum Criterion {
    Word {
        column: &'static str,
        word: &'static str,
    },
    /// Word for word the condition of a partial index, or one that none serves.
    Fixed(&'static str),
    Time {
        operator: &'static str,
        at: i64,
    },
    Amount {
        operator: &'static str,
        fen: i64,
    },
}

impl Criterion {
    /// Whether the index that gives this order serves the criterion too.
    fn goes_with(&self, sort: Sort) -> bool {
        match sort {
            Sort::TimeDesc | Sort::TimeAsc => !matches!(self, Criterion::Amount { .. }),
            Sort::AmountDesc | Sort::AmountAsc => matches!(self, Criterion::Amount { .. }),
        }
    }
}

/// How the rows of a page are found.
enum Way<'a> {
    /// Along the index that gives the order.
    Along,
    /// Few candidates first, which are then sorted.
    Candidates(&'a [Criterion]),
}

impl Search {
    fn of_orders(app_id: &str, filter: &OrderFilter) -> Search {
        let mut search = Search::new(
            Table::Order,
            app_id,
            filter.sort,
            &filter.number,
            &filter.title,
        );
        search.words("channel", filter.channel.map(|channel| channel.word()));
        search.words("status", filter.status.map(|status| status.word()));
        search.criteria.extend(filter.refund_side.map(|side| {
            Criterion::Fixed(match side {
                RefundSide::NoRefund => "held = 0 AND refunded = 0",
                RefundSide::Refunding => "held > 0",
                RefundSide::PartialRefund => "held = 0 AND refunded > 0 AND refunded < amount",
                RefundSide::Refunded => "held = 0 AND refunded >= amount",
            })
        }));
        search.ranges(
            [filter.amount_min, filter.amount_max],
            [filter.from, filter.to],
        );
        search
    }

    fn of_refunds(app_id: &str, filter: &RefundFilter) -> Search {
        let mut search = Search::new(
            Table::Refund,
            app_id,
            filter.sort,
            &filter.number,
            &filter.title,
        );
        search.words("channel", filter.channel.map(|channel| channel.word()));
        search.words("status", filter.status.map(|status| status.word()));
        search.criteria.extend(
            filter
                .attention
                .then_some(Criterion::Fixed("attention IS NOT NULL AND reviewed = 0")),
        );
        search.ranges(
            [filter.amount_min, filter.amount_max],
            [filter.from, filter.to],
        );
        search
    }

    fn new(
        table: Table,
        app_id: &str,
        sort: Sort,
        number: &Option<String>,
        title: &Option<String>,
    ) -> Search {
        let mut begins = Vec::new();
        if let Some(text) = number.clone() {
            let of = |table, columns: [&'static str; 3]| columns.map(|column| (table, column));
            let mut columns = of(Table::Order, ORDER_NUMBERS).to_vec();
            if table == Table::Refund {
                columns.extend(of(Table::Refund, REFUND_NUMBERS));
            }
            begins.push(Beginning { columns, text });
        }
        if let Some(text) = title.clone() {
            begins.push(Beginning {
                columns: vec![(Table::Order, "title")],
                text,
            });
        }
        Search {
            table,
            app_id: app_id.to_owned(),
            sort,
            begins,
            criteria: Vec::new(),
        }
    }

    fn words(&mut self, column: &'static str, word: Option<&'static str>) {
        self.criteria
            .extend(word.map(|word| Criterion::Word { column, word }));
    }

    fn ranges(&mut self, amount: [Option<Fen>; 2], time: [Option<Millis>; 2]) {
        for (operator, fen) in [">=", "<="].into_iter().zip(amount) {
            self.criteria.extend(fen.map(|fen| Criterion::Amount {
                operator,
                fen: fen.0,
            }));
        }
        for (operator, at) in [">=", "<"].into_iter().zip(time) {
            self.criteria
                .extend(at.map(|at| Criterion::Time { operator, at: at.0 }));
        }
    }

    /// One row more than a page holds, in the list's order but reversed when paging back.
    async fn fetch_page(
        &self,
        conn: &mut AnyConnection,
        select: &str,
        place: &Place,
    ) -> sqlx::Result<Vec<AnyRow>> {
        let candidates = self.candidates(conn).await?;
        let way = candidates.as_deref().map_or(Way::Along, Way::Candidates);
        let picks = matches!(way, Way::Candidates(_));
        let mut matching = self.matching(&way);

        let table = self.table.name();
        let by_index = |column: &str| {
            if picks {
                unindexed(column)
            } else {
                format!("{table}.{column}")
            }
        };
        let (key, number) = (by_index(self.sort_column()), by_index(self.table.number()));
        let backwards = matches!(place, Place::Before(_));
        let descending = self.sort.descending() != backwards;
        if let Place::After(cursor) | Place::Before(cursor) = place {
            let operator = if descending { "<" } else { ">" };
            let last_key = matching.value(Value::Int(cursor.key));
            let last_number = matching.value(Value::Text(cursor.number.clone()));
            matching.and(&format!(
                "({key}, {number}) {operator} ({last_key}, {last_number})"
            ));
        }
        let direction = if descending { "DESC" } else { "ASC" };
        let sql = format!(
            "{select} WHERE {} ORDER BY {key} {direction}, {number} {direction} LIMIT {}",
            matching.sql,
            limits::PAGE_ROWS + 1
        );
        matching.query(sql).fetch_all(conn).await
    }

    /// The criteria to pick candidates by, if candidates it is: none besides a beginning, or the
    /// first that the order's index does not serve and that fits few rows.
    async fn candidates(&self, conn: &mut AnyConnection) -> sqlx::Result<Option<Vec<Criterion>>> {
        if !self.begins.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let apart = |criterion: &&Criterion| !criterion.goes_with(self.sort);
        let of_kind = |kind: &Criterion| {
            let same = |criterion: &&Criterion| {
                std::mem::discriminant(*criterion) == std::mem::discriminant(kind)
                    && !matches!((criterion, kind), (Criterion::Word { column: a, .. }, Criterion::Word { column: b, .. }) if a != b)
            };
            self.criteria
                .iter()
                .filter(same)
                .cloned()
                .collect::<Vec<_>>()
        };
        for criterion in self.criteria.iter().filter(apart) {
            let together = of_kind(criterion);
            let mut few = Matching::of_app(self.table, &self.app_id);
            together
                .iter()
                .for_each(|criterion| few.criterion(criterion));
            if !few.count(conn, self.table).await?.more {
                return Ok(Some(together));
            }
        }
        Ok(None)
    }

    fn matching(&self, way: &Way<'_>) -> Matching {
        let mut matching = Matching::of_app(self.table, &self.app_id);
        if let Way::Candidates(picking) = way {
            for beginning in &self.begins {
                matching.among(self.table, beginning);
            }
            if !picking.is_empty() {
                matching.picked_by(self.table, picking);
            }
        }
        for criterion in &self.criteria {
            match way {
                Way::Along if criterion.goes_with(self.sort) => matching.criterion(criterion),
                _ => matching.criterion_unindexed(criterion),
            }
        }
        matching
    }

    /// How many rows match. No order is asked for, so that any index may serve; and where nothing
    /// narrows the rows that begin so, these are only counted, not looked at.
    async fn count(&self, conn: &mut AnyConnection) -> sqlx::Result<Count> {
        let mut matching = Matching::of_app(self.table, &self.app_id);
        if let ([beginning], []) = (&self.begins[..], &self.criteria[..]) {
            let candidates = matching.candidates(self.table, beginning);
            return matching.count_of(conn, &candidates).await;
        }
        for beginning in &self.begins {
            matching.among(self.table, beginning);
        }
        for criterion in &self.criteria {
            if self.begins.is_empty() {
                matching.criterion(criterion);
            } else {
                matching.criterion_unindexed(criterion);
            }
        }
        matching.count(conn, self.table).await
    }

    /// Whether a beginning fits more rows than were looked at.
    async fn too_many(&self, conn: &mut AnyConnection) -> sqlx::Result<bool> {
        for beginning in &self.begins {
            for &(table, column) in &beginning.columns {
                let mut matching = Matching::of_app(table, &self.app_id);
                matching.begins(column, &beginning.text);
                if matching.count(conn, table).await?.more {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn sort_column(&self) -> &'static str {
        match self.sort {
            Sort::TimeDesc | Sort::TimeAsc => "created_at",
            Sort::AmountDesc | Sort::AmountAsc => "amount",
        }
    }

    fn cursor(&self, time: i64, amount: i64, number: &str) -> Cursor {
        let key = match self.sort {
            Sort::TimeDesc | Sort::TimeAsc => time,
            Sort::AmountDesc | Sort::AmountAsc => amount,
        };
        Cursor {
            key,
            number: number.to_owned(),
        }
    }

    /// Puts a page together from one row more than it holds.
    async fn page<T>(
        &self,
        conn: &mut AnyConnection,
        mut rows: Vec<T>,
        place: &Place,
        cursor: impl Fn(&T) -> Cursor,
    ) -> sqlx::Result<Page<T>> {
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
        let count = self.count(conn).await?;
        // Where all that begin so were counted, and are few, none was left out.
        let all_counted = self.criteria.is_empty() && self.begins.len() <= 1 && !count.more;
        let too_many = !all_counted && self.too_many(conn).await?;
        Ok(Page {
            rows,
            count,
            before,
            after,
            too_many,
        })
    }
}

/// A condition in SQL under construction: its text and the values of its placeholders.
struct Matching {
    sql: String,
    values: Vec<Value>,
}

enum Value {
    Text(String),
    Int(i64),
}

/// A column that no index is to be used for.
fn unindexed(column: &str) -> String {
    format!("COALESCE({column}, {column})")
}

impl Matching {
    fn of_app(table: Table, app_id: &str) -> Matching {
        Matching {
            sql: format!("{}.app_id = $1", table.name()),
            values: vec![Value::Text(app_id.to_owned())],
        }
    }

    fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// Adds a value and returns its placeholder.
    fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn criterion(&mut self, criterion: &Criterion) {
        self.compare(criterion, str::to_owned);
    }

    fn criterion_unindexed(&mut self, criterion: &Criterion) {
        self.compare(criterion, unindexed);
    }

    fn compare(&mut self, criterion: &Criterion, column_as: impl Fn(&str) -> String) {
        let (column, operator, value) = match criterion {
            Criterion::Fixed(condition) => return self.and(condition),
            Criterion::Word { column, word } => (*column, "=", Value::Text((*word).to_owned())),
            Criterion::Time { operator, at } => ("created_at", *operator, Value::Int(*at)),
            Criterion::Amount { operator, fen } => ("amount", *operator, Value::Int(*fen)),
        };
        let value = self.value(value);
        self.and(&format!("{} {operator} {value}", column_as(column)));
    }

    /// Adds that a column begins with a text, as the range from it to the greatest text that does.
    fn begins(&mut self, column: &str, text: &str) {
        let from = self.value(Value::Text(text.to_owned()));
        let to = self.value(Value::Text(format!("{text}{}", char::MAX)));
        self.and(&format!("{column} >= {from} AND {column} < {to}"));
    }

    /// Adds that the row is one of those picked by criteria of their own.
    fn picked_by(&mut self, table: Table, criteria: &[Criterion]) {
        let (name, number) = (table.name(), table.number());
        let outer = std::mem::replace(&mut self.sql, format!("{name}.app_id = $1"));
        criteria
            .iter()
            .for_each(|criterion| self.criterion(criterion));
        let inner = std::mem::replace(&mut self.sql, outer);
        self.and(&format!(
            "{name}.{number} IN (SELECT {number} FROM {name} WHERE {inner})"
        ));
    }

    /// Adds that the row is among the first that begin so.
    fn among(&mut self, listed: Table, beginning: &Beginning) {
        let candidates = self.candidates(listed, beginning);
        self.and(&format!(
            "{}.{} IN ({candidates})",
            listed.name(),
            listed.number()
        ));
    }

    /// The numbers of the first rows that begin so, column by column. Where refunds are listed, an
    /// order stands for its refunds.
    fn candidates(&mut self, listed: Table, beginning: &Beginning) -> String {
        let limit = limits::COUNT_ROWS + 1;
        let mut selects = Vec::new();
        for &(table, column) in &beginning.columns {
            let (name, number) = (table.name(), table.number());
            let outer = std::mem::replace(&mut self.sql, format!("{name}.app_id = $1"));
            self.begins(column, &beginning.text);
            let inner = std::mem::replace(&mut self.sql, outer);
            let found = format!(
                "SELECT {number} FROM (SELECT {number} FROM {name} WHERE {inner} ORDER BY {column} LIMIT {limit}) AS found"
            );
            selects.push(if table == listed {
                found
            } else {
                format!(
                    "SELECT refund_no FROM (SELECT refund_no FROM refund WHERE app_id = $1 AND order_no IN ({found}) \
                     LIMIT {limit}) AS found_refunds"
                )
            });
        }
        selects.join(" UNION ")
    }

    /// How many rows match, up to the limit.
    async fn count(&self, conn: &mut AnyConnection, table: Table) -> sqlx::Result<Count> {
        let limit = limits::COUNT_ROWS + 1;
        self.count_of(
            conn,
            &format!(
                "SELECT 1 FROM {} WHERE {} LIMIT {limit}",
                table.name(),
                self.sql
            ),
        )
        .await
    }

    /// How many rows a select gives, up to the limit.
    async fn count_of(&self, conn: &mut AnyConnection, select: &str) -> sqlx::Result<Count> {
        let sql = format!("SELECT CAST(count(*) AS BIGINT) AS n FROM ({select}) AS counted");
        let n = usize::try_from(self.query(sql).fetch_one(conn).await?.int("n")?).unwrap_or(0);
        Ok(Count {
            rows: n.min(limits::COUNT_ROWS),
            more: n > limits::COUNT_ROWS,
        })
    }

    fn query(&self, sql: String) -> Query<'_, Any, AnyArguments> {
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
