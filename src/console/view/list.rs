//! The data of the list pages. Each list is made of rows of cells, so that the browser loads one table component for
//! all lists.

use serde::{Deserialize, Serialize};

use crate::console::view::{Days, Stamp, Tone};
use crate::domain::filter::Count;
use crate::domain::money::Fen;
use crate::domain::string_enum;

string_enum! {
    /// The name of a list.
    ListName {
        Orders = "orders",
        Refunds = "refunds",
        ReviewQueue = "review",
        Notices = "notices",
        Callbacks = "callbacks",
        Syncs = "syncs",
        Audit = "audit",
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListView {
    pub count: Count,
    /// Sentences shown above the rows.
    pub remarks: Vec<String>,
    /// The states with their counts; empty for lists without chips.
    pub chips: Vec<Chip>,
    /// The cells of each row, in the order of the columns.
    pub rows: Vec<Vec<Cell>>,
    /// The cursor of the previous page; `None` on the first.
    pub before: Option<String>,
    /// The cursor of the next page; `None` on the last.
    pub after: Option<String>,
    /// True where the searched prefix matches more rows than were searched.
    pub too_many: bool,
    /// The time zone of all times in the list.
    pub zone: String,
    pub days: Days,
}

/// A link that narrows a list, with the number of matching rows. Following the link sets the list's parameter `name`
/// to `value`; an empty `value` removes the parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chip {
    pub name: String,
    pub value: String,
    pub text: String,
    pub tone: Option<Tone>,
    pub count: Count,
}

/// One cell of a list, or one value among the facts of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cell {
    /// An absent value.
    Nothing,
    /// The number of the row's subject; `href` is the subject's page.
    Number {
        number: String,
        href: String,
    },
    /// Any other number or code.
    Code(String),
    /// A text of any length. The table gives it the room that is left and cuts it off there.
    Long(String),
    /// A few words.
    Short(String),
    Money(Fen),
    /// States, each with its tone.
    States(Vec<(Tone, String)>),
    Time(Stamp),
    /// A moment shown as `3 minutes ago` or `in 3 minutes`, with the exact time on hover.
    Ago(Stamp),
    /// A beginning shown as the time elapsed since: `3 minutes`.
    Since(Stamp),
    /// A state and the moment of its last evidence, shown as for [`Cell::Ago`].
    StateAt(Tone, String, Stamp),
    /// A channel's raw message: one line that unfolds.
    Said(String),
    Links(Vec<Link>),
    /// The actions on a refund: a sync button where `sync` holds the refund's version, and links to the
    /// actions that have a page of their own.
    RefundActions {
        refund_no: String,
        sync: Option<i64>,
        links: Vec<Link>,
    },
}

/// A link to another page, shown as a badge where it has a tone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub href: String,
    pub text: String,
    pub tone: Option<Tone>,
}
