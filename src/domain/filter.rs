//! Criteria for filtering, sorting and paging lists. The console keeps them in the URL.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::audit::Action;
use crate::domain::callback::Verdict;
use crate::domain::event::Actor;
use crate::domain::money::Fen;
use crate::domain::notice::NoticeState;
use crate::domain::order::{Channel, OrderStatus, RefundSide};
use crate::domain::refund::{OutcomeKind, RefundStatus};
use crate::domain::time::Timestamp;
use crate::domain::{UnknownName, string_enum};

string_enum! {
    /// The order of a list. "Time" is that of the payment, or of the refund's creation.
    #[derive(Default)]
    Sort {
        #[default]
        TimeDesc = "time_desc",
        TimeAsc = "time_asc",
        AmountDesc = "amount_desc",
        AmountAsc = "amount_asc",
    }
}

impl Sort {
    /// Tells whether the list begins with the largest key.
    pub fn descending(self) -> bool {
        matches!(self, Sort::TimeDesc | Sort::AmountDesc)
    }
}

/// The row after or before which a page begins: its sort key and its number. Written `KEY.NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pub key: i64,
    pub number: String,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.key, self.number)
    }
}

impl FromStr for Cursor {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownName(text.to_owned());
        let (key, number) = text.split_once('.').ok_or_else(unknown)?;
        Ok(Cursor {
            key: key.parse().map_err(|_| unknown())?,
            number: number.to_owned(),
        })
    }
}

/// The place of a page in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    #[default]
    First,
    After(Cursor),
    Before(Cursor),
}

/// The filter of a list of an app's orders. A row has to match every criterion that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFilter {
    /// Beginning of our, the merchant's or the channel's number.
    pub number: Option<String>,
    /// Beginning of the title.
    pub title: Option<String>,
    pub channel: Option<Channel>,
    pub status: Option<OrderStatus>,
    pub refund_side: Option<RefundSide>,
    pub amount_min: Option<Fen>,
    pub amount_max: Option<Fen>,
    /// Earliest time of creation, included.
    pub from: Option<Timestamp>,
    /// Latest time of creation, excluded.
    pub to: Option<Timestamp>,
    pub sort: Sort,
}

/// The filter of a list of an app's refunds. A row has to match every criterion that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundFilter {
    /// Beginning of a number of the refund or of its order: ours, the merchant's or the channel's.
    pub number: Option<String>,
    /// Beginning of the order's title.
    pub title: Option<String>,
    pub channel: Option<Channel>,
    pub status: Option<RefundStatus>,
    /// True to list only refunds flagged for review.
    pub review_reason: bool,
    pub amount_min: Option<Fen>,
    pub amount_max: Option<Fen>,
    /// Earliest time of creation, included.
    pub from: Option<Timestamp>,
    /// Latest time of creation, excluded.
    pub to: Option<Timestamp>,
    pub sort: Sort,
}

/// The filter of the review queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReviewQueueFilter {
    /// Refunds in progress.
    #[default]
    Open,
    /// Refunds flagged for review, in any state.
    Raised,
}

/// The filter of a list of an app's notices. A row has to match every criterion that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeFilter {
    /// Beginning of a number of the notice's refund, as in [`RefundFilter`].
    pub number: Option<String>,
    pub state: Option<NoticeState>,
    /// Earliest time of enqueueing, included.
    pub from: Option<Timestamp>,
    /// Latest time of enqueueing, excluded.
    pub to: Option<Timestamp>,
}

/// The filter of a list of an app's callbacks. A row has to match every criterion that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackFilter {
    /// Beginning of a number of the callback's refund, as in [`RefundFilter`].
    pub number: Option<String>,
    pub channel: Option<Channel>,
    pub verdict: Option<Verdict>,
    /// Earliest time of receipt, included.
    pub from: Option<Timestamp>,
    /// Latest time of receipt, excluded.
    pub to: Option<Timestamp>,
}

/// The filter of a list of the syncs of an app's refunds. A row has to match every criterion that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncFilter {
    /// Beginning of a number of the refund, as in [`RefundFilter`].
    pub number: Option<String>,
    pub outcome: Option<OutcomeKind>,
    /// True to list only syncs that changed our state.
    pub changed: bool,
    /// Earliest time of the query, included.
    pub from: Option<Timestamp>,
    /// Latest time of the query, excluded.
    pub to: Option<Timestamp>,
}

/// The filter of a list of an app's audit entries. A row has to match every criterion that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<Actor>,
    pub action: Option<Action>,
    /// Earliest time of the act, included.
    pub from: Option<Timestamp>,
    /// Latest time of the act, excluded.
    pub to: Option<Timestamp>,
}

/// The number of rows that match, counted up to [`crate::domain::limits::COUNT_ROWS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub rows: usize,
    /// True where more than `rows` match.
    pub more: bool,
}

impl std::ops::Add for Count {
    type Output = Count;
    fn add(self, other: Count) -> Count {
        Count {
            rows: self.rows + other.rows,
            more: self.more || other.more,
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    pub count: Count,
    /// The place of the page before this one, if there is one.
    pub before: Option<Cursor>,
    /// The place of the page after this one, if there is one.
    pub after: Option<Cursor>,
    /// True where the prefix matches too many rows, of which only a part was searched.
    pub too_many: bool,
}
