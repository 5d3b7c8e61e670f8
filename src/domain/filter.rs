//! What lists are filtered, sorted and paged by. The console keeps these in the URL.

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
    /// What a list is sorted by. Time is the payment's or the refund's creation.
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
    /// Whether the largest comes first.
    pub fn descending(self) -> bool {
        matches!(self, Sort::TimeDesc | Sort::AmountDesc)
    }
}

/// The row after (or before) which a page begins: its sort key and its number. Written `KEY.NUMBER`.
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

/// Which page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    #[default]
    First,
    After(Cursor),
    Before(Cursor),
}

/// Which orders of an app to list. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFilter {
    /// Our, the merchant's or the channel's number, or how it begins.
    pub number: Option<String>,
    /// How the title begins.
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

/// Which refunds of an app to list. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundFilter {
    /// A refund's or its order's number (ours, the merchant's, the channel's), or how it begins.
    pub number: Option<String>,
    /// How the order's title begins.
    pub title: Option<String>,
    pub channel: Option<Channel>,
    pub status: Option<RefundStatus>,
    /// Only those that a person has to look at.
    pub review_reason: bool,
    pub amount_min: Option<Fen>,
    pub amount_max: Option<Fen>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created before.
    pub to: Option<Timestamp>,
    pub sort: Sort,
}

/// Which refunds the inbox shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReviewQueueFilter {
    /// Those in progress.
    #[default]
    Open,
    /// Those that a person has to look at, in whatever state.
    Raised,
}

/// Which notices of an app to list. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoticeFilter {
    /// As for refunds: that of the refund it tells of.
    pub number: Option<String>,
    pub state: Option<NoticeState>,
    /// Written down at or after.
    pub from: Option<Timestamp>,
    /// Written down before.
    pub to: Option<Timestamp>,
}

/// Which callbacks of an app to list. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackFilter {
    /// As for refunds: that of the refund it is about.
    pub number: Option<String>,
    pub channel: Option<Channel>,
    pub verdict: Option<Verdict>,
    /// Received at or after.
    pub from: Option<Timestamp>,
    /// Received before.
    pub to: Option<Timestamp>,
}

/// Which syncs of refunds of an app to list. Every criterion narrows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncFilter {
    /// As for refunds.
    pub number: Option<String>,
    pub outcome: Option<OutcomeKind>,
    /// Only those that changed our state.
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

/// How many rows match, counted no further than [`crate::domain::limits::COUNT_ROWS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub rows: usize,
    /// There are more than `rows`.
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
    /// Where the page before this one ends, if there is one.
    pub before: Option<Cursor>,
    /// Where the page after this one begins, if there is one.
    pub after: Option<Cursor>,
    /// The number or title that was searched for begins so many rows that only some were looked at.
    pub too_many: bool,
}
