//! What pages are given, ready to be shown. Times are written by the server, in the operator's zone: a
//! browser would need a database of zones for that. Lists come as rows of cells, so that the browser has
//! one table for all of them.

mod error;
mod local_time;
pub mod query;
pub mod refund_form;
mod state;

use serde::{Deserialize, Serialize};

use crate::domain::event::Event;
use crate::domain::filter::Count;
use crate::domain::merchant::AppName;
use crate::domain::money::Fen;
use crate::domain::order::Order;
use crate::domain::people::Role;
use crate::domain::refund::Refund;
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

pub use error::{ApiError, ErrorKind};
pub use local_time::LocalTime;
pub use state::{State, Tone};

string_enum! {
    /// Which list.
    ListName {
        Orders = "orders",
        Refunds = "refunds",
        ReviewQueue = "review",
        Notices = "notices",
        Callbacks = "callbacks",
        Syncs = "syncs",
    }
}

/// What stands around every page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Navigation {
    /// The operator's name.
    pub operator: String,
    /// The operator's role at the current app.
    pub role: Option<Role>,
    /// The apps whose refunds are worked on here, the default one first.
    pub apps: Vec<AppName>,
    /// Refunds of the current app that a person has to look at.
    pub review_reason: Count,
    /// Its notices that were sent in vain as often as they are.
    pub given_up: Count,
}

/// A moment as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub at: Timestamp,
    /// `2026-05-01 10:20:30` in the operator's zone.
    pub local: String,
    /// How long ago that was when the page was made, in seconds; negative for the future.
    pub ago_s: i64,
}

/// Today and the days from which the last 7 and 30 days count, as `2026-05-01` in the operator's
/// zone: what the quick choices of a list's time range lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    pub today: String,
    pub last_7: String,
    pub last_30: String,
}

/// A line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub event: Event,
    pub when: Stamp,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListView {
    pub count: Count,
    /// What to know before the rows are read, a sentence each.
    pub remarks: Vec<String>,
    /// The states with their counts, where the list has such.
    pub chips: Vec<Chip>,
    /// The cells of each row, in the order of the columns.
    pub rows: Vec<Vec<Cell>>,
    /// Where the page before this one ends, if there is one.
    pub before: Option<String>,
    /// Where the page after this one begins, if there is one.
    pub after: Option<String>,
    /// What was searched for begins so many rows that only some were looked at.
    pub too_many: bool,
    /// The zone of all times in the list.
    pub zone: String,
    pub days: Days,
}

/// What a list can be narrowed to by one press, and how much there is then: its parameter `name` set to
/// `value`, or absent where that is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chip {
    pub name: String,
    pub value: String,
    pub text: String,
    pub tone: Option<Tone>,
    pub count: Count,
}

/// One cell of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// There is no value.
    Nothing,
    /// The number that the row is about, and the page that the row leads to.
    Number {
        number: String,
        href: String,
    },
    /// Another number or code.
    Code(String),
    /// A text of any length: it gets the room that is left, and is cut off where that ends.
    Long(String),
    /// A few words.
    Short(String),
    Money(Fen),
    /// States, each with its tone.
    States(Vec<(Tone, String)>),
    Time(Stamp),
    /// A moment, said as its distance from now; exactly on hover.
    Ago(Stamp),
    /// How long something has lasted that began then.
    Since(Stamp),
    /// A state, and the distance of the moment it is from.
    StateAt(Tone, String, Stamp),
    /// What somebody said, word for word: one line, which unfolds.
    Said(String),
    Links(Vec<Link>),
    /// What can be done about a refund: it can be synced, if a version is given, and what has a page of its own.
    RefundActions {
        refund_no: String,
        sync: Option<i64>,
        links: Vec<Link>,
    },
}

/// A link to another page; of a state where it has a tone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub href: String,
    pub text: String,
    pub tone: Option<Tone>,
}

/// A page about one thing, down to its texts: the browser has one component for all such pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailView {
    pub number: String,
    pub states: Vec<(Tone, String)>,
    /// What the states mean, in a sentence.
    pub means: String,
    pub facts: Vec<(String, Cell)>,
    /// What can be done about it, for who may.
    pub act: Option<DetailAction>,
    pub sections: Vec<Section>,
}

/// The one thing that can be done: what will happen, and what the button says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailAction {
    pub happens: String,
    pub button: String,
}

/// A part of a [`DetailView`]: sentences, texts word for word, and lines that unfold to such.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub title: String,
    pub sentences: Vec<String>,
    pub texts: Vec<Verbatim>,
    pub lines: Vec<DetailLine>,
}

/// A line that unfolds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailLine {
    pub when: Stamp,
    pub state: (Tone, String),
    pub summary: String,
    pub texts: Vec<Verbatim>,
}

/// A text as it went over the wire, and what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verbatim {
    pub name: String,
    pub text: String,
}

/// An order with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    pub order: Order,
    pub created: Stamp,
    pub paid: Option<Stamp>,
    /// The zone of all times.
    pub zone: String,
    /// Its refunds, newest first.
    pub refunds: Vec<RefundOfOrder>,
    /// Its events, newest first.
    pub timeline: Vec<Entry>,
    /// Whether this operator may refund and sync.
    pub may_move_money: bool,
    /// Why the order cannot be refunded at all, whatever the amount, in the operator's language.
    pub obstacle: Option<String>,
    /// A merchant's refund number for the refund that this page may ask for. Fixed when the page is
    /// made: however often the form is sent, it is one refund.
    pub biz_refund_no: String,
}

/// One of an order's refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOfOrder {
    pub refund: Refund,
    pub created: Stamp,
}

/// A refund with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundView {
    pub refund: Refund,
    pub order: Order,
    pub created: Stamp,
    /// When it was last submitted.
    pub submitted: Stamp,
    pub finished: Option<Stamp>,
    /// The zone of all times.
    pub zone: String,
    /// Its events, newest first.
    pub timeline: Vec<Entry>,
    /// What stands among its facts besides: name and value.
    pub more: Vec<(String, Cell)>,
    /// What makes sense now besides a sync; nothing at all where this operator may only look.
    pub may: Option<AllowedActions>,
}

/// What can be done about a refund as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedActions {
    pub retry: bool,
    pub close: bool,
    /// Note that a person has looked at what was raised.
    pub review: bool,
}
