//! What only the console needs to know of times. They are written by the server, in the operator's
//! zone: a browser would need a database of zones for that.

use serde::{Deserialize, Serialize};

use crate::domain::event::Event;
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
