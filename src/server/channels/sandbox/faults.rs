//! The faults of an account's line to the sandbox, in addition to the orders' own behaviours: for tests of the server
//! with a channel that is slow or down.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::string_enum;
use crate::server::channels::sandbox::ledger::{calls_back, tells};
use crate::server::store::sandbox::LedgerRow;

string_enum! {
    /// The faults of an account's line to the sandbox.
    Faults {
        /// No faults.
        Fine = "fine",
        /// Every answer and every callback comes [`SLOW`] later.
        Slow = "slow",
        /// Every other call breaks, in turn before and after it arrives. Some callbacks are not made.
        Flaky = "flaky",
        /// Nothing gets through, in or out.
        Silent = "silent",
        /// Every callback of an outcome is made twice, late, and not in the order of the refunds.
        Doubled = "doubled",
    }
}

/// Delay of the answers on a slow line.
pub const SLOW: Duration = Duration::from_secs(3);

/// A request to change the faults of a line.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct FaultsChange {
    /// fine、slow、flaky、silent、doubled
    #[schema(value_type = String, example = "fine")]
    pub faults: Faults,
}

/// The faults of a line, and the number of calls since they were set.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct FaultsReport {
    #[schema(value_type = String, example = "fine")]
    pub faults: Faults,
    /// Number of calls since the faults were set; 0 without faults.
    pub calls: i64,
}

/// The fate of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultMode {
    Through,
    Late,
    NeverArrives,
    AnswerLost,
    NoAnswer,
}

impl FaultsReport {
    /// Returns the fate of the last counted call.
    pub fn fate(self) -> FaultMode {
        match (self.faults, self.calls % 4) {
            (Faults::Fine | Faults::Doubled, _) => FaultMode::Through,
            (Faults::Slow, _) => FaultMode::Late,
            (Faults::Silent, _) => FaultMode::NoAnswer,
            (Faults::Flaky, 1) => FaultMode::NeverArrives,
            (Faults::Flaky, 3) => FaultMode::AnswerLost,
            (Faults::Flaky, _) => FaultMode::Through,
        }
    }

    /// Returns the delays of the callbacks of the submission that made this row, counted from the submission.
    pub fn callbacks(self, row: &LedgerRow, delay: Duration) -> Vec<Duration> {
        let place = u32::try_from(self.calls % 4).unwrap_or(0);
        match self.faults {
            Faults::Doubled if tells(row) => {
                vec![delay * (2 + place), delay * (3 + place * 3 % 4)]
            }
            _ if !calls_back(row) => Vec::new(),
            Faults::Slow => vec![delay + SLOW],
            Faults::Flaky if place == 2 => Vec::new(),
            _ => vec![delay],
        }
    }
}
