//! Moments and days, formatted by the server in the operator's time zone, as a browser would need a database of zones
//! for that.

use serde::{Deserialize, Serialize};

use crate::domain::event::Event;
use crate::domain::time::Timestamp;

/// A moment as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub at: Timestamp,
    /// The moment in the operator's zone: `2026-05-01 10:20:30`.
    pub local: String,
    /// Seconds from `at` to the making of the page; negative for the future.
    pub ago_s: i64,
}

/// First days of the predefined periods in a list's date filter, each as `2026-05-01` in the operator's zone.
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
