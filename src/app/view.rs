//! What pages are given, ready to be shown. Times are written by the server, in the operator's zone: a
//! browser would need a database of zones for that. Lists come as rows of cells, so that the browser has
//! one table for all of them.

use serde::{Deserialize, Serialize};

use crate::app::components::Tone;
use crate::domain::event::Event;
use crate::domain::filter::Count;
use crate::domain::money::Fen;
use crate::domain::time::Millis;

/// A moment as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub at: Millis,
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
    Acts {
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
pub struct SheetView {
    pub number: String,
    pub states: Vec<(Tone, String)>,
    /// What the states mean, in a sentence.
    pub means: String,
    pub facts: Vec<(String, Cell)>,
    /// What can be done about it, for who may.
    pub act: Option<SheetAct>,
    pub sections: Vec<Section>,
}

/// The one thing that can be done: what will happen, and what the button says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetAct {
    pub happens: String,
    pub button: String,
}

/// A part of a [`SheetView`]: sentences, texts word for word, and lines that unfold to such.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub title: String,
    pub sentences: Vec<String>,
    pub texts: Vec<Verbatim>,
    pub lines: Vec<SheetLine>,
}

/// A line that unfolds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetLine {
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
