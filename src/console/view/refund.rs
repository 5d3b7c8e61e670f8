//! The data of a refund's page.

use serde::{Deserialize, Serialize};

use crate::console::view::{Cell, Entry, Stamp};
use crate::domain::movement::Amounts;
use crate::domain::order::Order;
use crate::domain::refund::{Booking, Refund};

/// A refund with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundView {
    pub refund: Refund,
    pub order: Order,
    /// True where the sandbox stands in for the refund's channel, so that no money moves.
    pub test_mode: bool,
    pub created: Stamp,
    /// The moment of the last submission.
    pub submitted: Stamp,
    pub finished: Option<Stamp>,
    /// The time zone of all times.
    pub zone: String,
    /// The refund's events, newest first.
    pub timeline: Vec<Entry>,
    /// Further facts, name and value, from outside of the refund itself.
    pub more: Vec<(String, Cell)>,
    /// The actions allowed besides a sync; `None` for operators who may only look.
    pub allowed: Option<AllowedActions>,
}

/// The actions that are safe with a refund in its present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowedActions {
    pub retry: bool,
    pub close: bool,
    /// Marking the refund as reviewed.
    pub review: bool,
    /// The possible booking, and the change that it would make to the order's balance.
    pub book: Option<(Booking, Amounts)>,
}
