//! The criteria by which lists are filtered, sorted and paged. The console keeps them in the URL.

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
    /// The order of a list. Time is that of the payment, or of the refund's creation.
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
    /// Tells whether the largest comes first.
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

/// The orders of an app that a list shows. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFilter {
    /// Our, the merchant's or the channel's number, or its beginning.
    pub number: Option<String>,
    /// The beginning of the title.
    pub title: Option<String>,
    pub channel: Option<Channel>,
    pub status: Option<OrderStatus>,
    pub refund_side: Option<RefundSide>,
    pub amount_min: Option<Fen>,
    pub amount_max: Option<Fen>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
    pub sort: Sort,
}

/// The refunds of an app that a list shows. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundFilter {
    /// A number of the refund or of its order (ours, the merchant's, the channel's), or its beginning.
    pub number: Option<String>,
    /// The beginning of the order's title.
    pub title: Option<String>,
    pub channel: Option<Channel>,
    pub status: Option<RefundStatus>,
    /// Set to show only refunds that a person has to look at.
    pub review_reason: bool,
    pub amount_min: Option<Fen>,
    pub amount_max: Option<Fen>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
    pub sort: Sort,
}

/// The refunds that the review queue shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReviewQueueFilter {
    /// Refunds in progress.
    #[default]
    Open,
    /// Refunds that a person has to look at, in whatever state.
    Raised,
}

/// The notices of an app that a list shows. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeFilter {
    /// A number of the refund that the notice tells of, as for refunds.
    pub number: Option<String>,
    pub state: Option<NoticeState>,
    /// Written down at or after.
    pub from: Option<Timestamp>,
    /// Written down before.
    pub to: Option<Timestamp>,
}

/// The callbacks of an app that a list shows. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackFilter {
    /// A number of the refund that the callback is about, as for refunds.
    pub number: Option<String>,
    pub channel: Option<Channel>,
    pub verdict: Option<Verdict>,
    /// Received at or after.
    pub from: Option<Timestamp>,
    /// Received before.
    pub to: Option<Timestamp>,
}

/// The syncs of refunds of an app that a list shows. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncFilter {
    /// A number, as for refunds.
    pub number: Option<String>,
    pub outcome: Option<OutcomeKind>,
    /// Set to show only syncs that changed our state.
    pub changed: bool,
    /// Asked at or after.
    pub from: Option<Timestamp>,
    /// Asked before.
    pub to: Option<Timestamp>,
}

/// The audit entries of an app to list. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<Actor>,
    pub action: Option<Action>,
    /// Done at or after.
    pub from: Option<Timestamp>,
    /// Done before.
    pub to: Option<Timestamp>,
}

/// The number of rows that match, counted up to [`crate::domain::limits::COUNT_ROWS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub rows: usize,
    /// Set where there are more than `rows`.
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
    /// Set where the prefix that was searched for matches so many rows that only some were searched.
    pub too_many: bool,
}
