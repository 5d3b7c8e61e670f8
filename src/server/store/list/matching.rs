//! Conditions of a search, in SQL.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use crate::domain::filter::{Count, Sort};
use crate::domain::limits;
use crate::server::store::Columns;
use crate::server::store::list::Table;

/// The beginning of a text, and the columns that may hold such a text.
pub(super) struct Beginning {
    pub columns: Vec<(Table, &'static str)>,
    pub text: String,
}

/// A condition on the rows themselves.
#[derive(Clone)]
pub(super) enum Criterion {
    Word {
        column: &'static str,
        word: &'static str,
    },
    /// A text that no index gives in the order of time.
    Text {
        column: &'static str,
        text: String,
    },
    /// A fixed condition: word for word that of a partial index, or one that no index serves.
    Fixed(&'static str),
    Time {
        column: &'static str,
        operator: &'static str,
        at: i64,
    },
    Amount {
        operator: &'static str,
        fen: i64,
    },
}

impl Criterion {
    /// Tells whether the index that gives this order serves the criterion too.
    pub fn goes_with(&self, sort: Sort) -> bool {
        match sort {
            Sort::TimeDesc | Sort::TimeAsc => {
                !matches!(self, Criterion::Amount { .. } | Criterion::Text { .. })
            }
            Sort::AmountDesc | Sort::AmountAsc => matches!(self, Criterion::Amount { .. }),
        }
    }
}

/// A condition in SQL under construction: its text and the values of its placeholders.
pub(super) struct Matching {
    pub sql: String,
    values: Vec<Value>,
}

pub(super) enum Value {
    Text(String),
    Int(i64),
}

/// Returns a column in a form for which no index is used.
pub(super) fn unindexed(column: &str) -> String {
    format!("COALESCE({column}, {column})")
}

impl Matching {
    /// Begins a condition on rows of an app.
    pub fn of_app(table: Table, app_id: &str) -> Matching {
        Matching::of(table, app_id, false)
    }

    /// Begins a condition on rows that are picked as candidates.
    pub fn of_picked(table: Table, app_id: &str) -> Matching {
        Matching::of(table, app_id, true)
    }

    fn of(table: Table, app_id: &str, picked: bool) -> Matching {
        Matching {
            sql: format!("{}.app_id = $1{}", table.name(), table.only(picked)),
            values: vec![Value::Text(app_id.to_owned())],
        }
    }

    /// Adds a condition that has no values.
    pub fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// Adds a value and returns its placeholder.
    pub fn value(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    /// Adds a criterion, for which an index may be used.
    pub fn criterion(&mut self, criterion: &Criterion) {
        let condition = self.comparison(criterion, str::to_owned);
        self.and(&condition);
    }

    /// Adds a criterion in a form for which no index is used.
    pub fn criterion_unindexed(&mut self, criterion: &Criterion) {
        let condition = self.comparison(criterion, unindexed);
        self.and(&condition);
    }

    /// Adds a criterion's value and returns its condition.
    fn comparison(&mut self, criterion: &Criterion, column_as: impl Fn(&str) -> String) -> String {
        let (column, operator, value) = match criterion {
            Criterion::Fixed(condition) => return (*condition).to_owned(),
            Criterion::Word { column, word } => (*column, "=", Value::Text((*word).to_owned())),
            Criterion::Text { column, text } => (*column, "=", Value::Text(text.clone())),
            Criterion::Time {
                column,
                operator,
                at,
            } => (*column, *operator, Value::Int(*at)),
            Criterion::Amount { operator, fen } => ("amount", *operator, Value::Int(*fen)),
        };
        let value = self.value(value);
        format!("{} {operator} {value}", column_as(column))
    }

    /// Adds the condition that a column begins with a text, as a range that an index serves.
    pub fn begins(&mut self, column: &str, text: &str) {
        let condition = self.range(column, text);
        self.and(&condition);
    }

    /// Adds the ends of the range of texts with a beginning, and returns its condition.
    fn range(&mut self, column: &str, text: &str) -> String {
        let from = self.value(Value::Text(text.to_owned()));
        let to = self.value(Value::Text(format!("{text}{}", char::MAX)));
        format!("{column} >= {from} AND {column} < {to}")
    }

    /// Adds the condition that the row is one of those that criteria of their own picked.
    pub fn picked_by(&mut self, table: Table, criteria: &[Criterion]) {
        let name = table.name();
        let columns = table.looked_up_by().into_iter();
        let key: Vec<_> = columns.map(|column| format!("{name}.{column}")).collect();
        let key = key.join(", ");
        let condition = |criterion| self.comparison(criterion, str::to_owned);
        let conditions: Vec<_> = criteria.iter().map(condition).collect();
        self.and(&format!(
            "({key}) IN (SELECT {key} FROM {name} WHERE {name}.app_id = $1 AND {})",
            conditions.join(" AND ")
        ));
    }

    /// Adds the condition that the row is among the first that have the beginning.
    pub fn among(&mut self, listed: Table, beginning: &Beginning) {
        let candidates = self.candidates(listed, beginning);
        self.and(&format!(
            "{}.{} IN ({candidates})",
            listed.name(),
            listed.belongs_to()
        ));
    }

    /// Returns a select of the numbers of the first rows that have the beginning, column by column. In a list of other rows
    /// than orders an order stands for its refunds.
    pub fn candidates(&mut self, listed: Table, beginning: &Beginning) -> String {
        let limit = limits::COUNT_ROWS + 1;
        let mut selects = Vec::new();
        for &(table, column) in &beginning.columns {
            let (name, number) = (table.name(), table.key().0);
            let range = self.range(column, &beginning.text);
            let found = format!(
                "SELECT {number} FROM (SELECT {number} FROM {name} WHERE {name}.app_id = $1 AND {range} \
                 ORDER BY {column} LIMIT {limit}) AS found"
            );
            selects.push(if table != Table::Order || listed == Table::Order {
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

    /// Counts the rows that match, up to the limit.
    pub async fn count(&self, conn: &mut AnyConnection, table: Table) -> sqlx::Result<Count> {
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

    /// Counts the rows of a select, up to the limit.
    pub async fn count_of(&self, conn: &mut AnyConnection, select: &str) -> sqlx::Result<Count> {
        let sql = format!("SELECT CAST(count(*) AS BIGINT) AS n FROM ({select}) AS counted");
        let n = usize::try_from(self.query(sql).fetch_one(conn).await?.int("n")?).unwrap_or(0);
        Ok(Count {
            rows: n.min(limits::COUNT_ROWS),
            more: n > limits::COUNT_ROWS,
        })
    }

    /// Makes a query with the values of the conditions.
    pub fn query(&self, sql: String) -> Query<'_, Any, AnyArguments> {
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
