//! The lists and searches, one file for each list.
//!
//! The cost of a page must not grow with the table. Pages are read by key along the index with the list's order, and
//! counts stop at a limit. A criterion that this index does not cover may match few rows, and finding them along the
//! index would read all of it. So where a criterion matches at most [`limits::COUNT_ROWS`] rows, these candidates are
//! read first, by the criterion's own index, and sorted. A search by the beginning of a number or title always reads
//! candidates first, at most that many.

mod audit;
mod callbacks;
mod matching;
mod notices;
mod orders;
mod refunds;
mod review_queue;
mod syncs;

pub use audit::audit;
pub use callbacks::{callbacks, count_callbacks};
pub use notices::{count_notices, notices};
pub use orders::orders;
pub use refunds::{count_refunds, refunds};
pub use review_queue::{count_review_queue, review_queue};
pub use syncs::{count_syncs, syncs};

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::domain::filter::{Count, Cursor, Page, Place, Sort};
use crate::domain::limits;
use crate::domain::money::Fen;
use crate::domain::time::Timestamp;
use matching::{Beginning, Criterion, Matching, Value, unindexed};

/// The kind of rows that a list shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    Order,
    Refund,
    /// Refunds in progress, sorted by the time at which they were opened.
    Open,
    Notice,
    Callback,
    /// Events of a sync of a refund.
    Sync,
    Audit,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Table::Order => "pay_order",
            Table::Refund | Table::Open => "refund",
            Table::Notice => "notice",
            Table::Callback => "callback",
            Table::Sync => "event",
            Table::Audit => "audit",
        }
    }

    /// Returns the condition on rows besides their app. It is literally the condition of the table's partial indexes,
    /// unless the rows are `picked` as candidates, where those indexes should not be used.
    fn only(self, picked: bool) -> &'static str {
        match self {
            Table::Open => " AND status = 'progress'",
            Table::Sync if picked => " AND subject = 'refund' AND COALESCE(kind, kind) = 'sync'",
            Table::Sync => " AND subject = 'refund' AND kind = 'sync'",
            _ => "",
        }
    }

    /// Returns the column with the time of a row's creation.
    fn time(self) -> &'static str {
        match self {
            Table::Order | Table::Refund | Table::Notice => "created_at",
            Table::Open => "opened_at",
            Table::Callback => "received_at",
            Table::Sync | Table::Audit => "at",
        }
    }

    /// Returns the columns that order rows of the same moment: a number, and, where a number has several rows, the
    /// row's number within them.
    fn key(self) -> (&'static str, Option<&'static str>) {
        match self {
            Table::Order => ("order_no", None),
            Table::Refund | Table::Open => ("refund_no", None),
            Table::Notice => ("refund_no", Some("seq")),
            Table::Callback => ("callback_no", None),
            Table::Sync => ("number", Some("seq")),
            Table::Audit => ("audit_id", None),
        }
    }

    /// Returns the columns by which, besides its app, a candidate is looked up.
    fn looked_up_by(self) -> Vec<&'static str> {
        match self {
            Table::Audit => vec!["at", "audit_id"],
            _ => vec![self.key().0],
        }
    }

    /// Returns the column of the number that is searched: the order's own, or that of the row's refund.
    fn belongs_to(self) -> &'static str {
        match self {
            Table::Order => "order_no",
            Table::Sync => "number",
            _ => "refund_no",
        }
    }
}

const ORDER_NUMBERS: [&str; 3] = ["order_no", "biz_order_no", "out_order_no"];
const REFUND_NUMBERS: [&str; 3] = ["refund_no", "biz_refund_no", "out_refund_no"];

/// A list's criteria, before they become SQL.
struct Search {
    table: Table,
    app_id: String,
    sort: Sort,
    begins: Vec<Beginning>,
    criteria: Vec<Criterion>,
}

/// The way in which a page's rows are found.
enum Way<'a> {
    /// Along the index with the list's order.
    Along,
    /// By candidates: few rows are read first and then sorted.
    Candidates(&'a [Criterion]),
}

impl Search {
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
            if table != Table::Order {
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

    fn ranges(&mut self, amount: [Option<Fen>; 2], time: [Option<Timestamp>; 2]) {
        for (operator, fen) in [">=", "<="].into_iter().zip(amount) {
            self.criteria.extend(fen.map(|fen| Criterion::Amount {
                operator,
                fen: fen.0,
            }));
        }
        for (operator, at) in [">=", "<"].into_iter().zip(time) {
            self.criteria.extend(at.map(|at| Criterion::Time {
                column: self.table.time(),
                operator,
                at: at.0,
            }));
        }
    }

    /// Returns one row more than a page holds, in the list's order, or in reverse when paging back.
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
        let (number, one_of_it) = self.table.key();
        let mut keys = vec![by_index(self.sort_column()), by_index(number)];
        keys.extend(one_of_it.map(by_index));
        let backwards = matches!(place, Place::Before(_));
        let descending = self.sort.descending() != backwards;
        if let Place::After(cursor) | Place::Before(cursor) = place {
            let operator = if descending { "<" } else { ">" };
            let mut last = vec![Value::Int(cursor.key)];
            last.extend(match one_of_it {
                None => vec![Value::Text(cursor.number.clone())],
                Some(_) => {
                    let (number, seq) = number_and_seq(&cursor.number);
                    vec![Value::Text(number.to_owned()), Value::Int(seq)]
                }
            });
            let last: Vec<_> = last.into_iter().map(|v| matching.value(v)).collect();
            matching.and(&format!(
                "({}) {operator} ({})",
                keys.join(", "),
                last.join(", ")
            ));
        }
        let direction = if descending { "DESC" } else { "ASC" };
        let order: Vec<_> = keys
            .iter()
            .map(|key| format!("{key} {direction}"))
            .collect();
        let sql = format!(
            "{select} WHERE {} ORDER BY {} LIMIT {}",
            matching.sql,
            order.join(", "),
            limits::PAGE_ROWS + 1
        );
        matching.query(sql).fetch_all(conn).await
    }

    /// Returns the criteria by which candidates are read, or `None` where the page is read along the order's index.
    /// With a search by beginning, there are no further criteria. Otherwise it is the first criterion that the order's
    /// index does not cover and that few rows match.
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

    fn of_app(&self) -> Matching {
        match self.begins.is_empty() {
            true => Matching::of_app(self.table, &self.app_id),
            false => Matching::of_picked(self.table, &self.app_id),
        }
    }

    fn matching(&self, way: &Way<'_>) -> Matching {
        let mut matching = match way {
            Way::Along => Matching::of_app(self.table, &self.app_id),
            Way::Candidates(_) => Matching::of_picked(self.table, &self.app_id),
        };
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

    /// Counts the matching rows. They need no order, so that any index may serve. Where the beginning is the only
    /// criterion, they are counted in the index without being read.
    async fn count(&self, conn: &mut AnyConnection) -> sqlx::Result<Count> {
        let mut matching = self.of_app();
        let counts_itself = matches!(self.table, Table::Order | Table::Refund);
        if let ([beginning], [], true) = (&self.begins[..], &self.criteria[..], counts_itself) {
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

    /// Tells whether more rows match the beginning than were searched.
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
            Sort::TimeDesc | Sort::TimeAsc => self.table.time(),
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

    /// Makes a page from one row more than it holds.
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
        // Where the count covers every row with the beginning and is below the limit, none was left out.
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

/// Splits the cursor of a row whose number has several rows. A malformed cursor leads to an arbitrary place in the
/// list.
fn number_and_seq(number: &str) -> (&str, i64) {
    let parts = number.rsplit_once('.');
    parts.map_or((number, 0), |(number, seq)| {
        (number, seq.parse().unwrap_or(0))
    })
}
