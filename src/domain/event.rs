//! The timeline: the events of a refund or an order, each with its time, its actor and the words of the channel.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::refund::OutcomeKind;
use crate::domain::time::Timestamp;
use crate::domain::{UnknownName, string_enum};

string_enum! {
    /// The kind of record that an event belongs to.
    Subject {
        Order = "order",
        Refund = "refund",
    }
}

string_enum! {
    /// The kind of an event.
    EventKind {
        /// The order was recorded.
        Recorded = "recorded",
        /// The refund was requested, its amount held, and its first submission begun.
        Requested = "requested",
        /// The same refund was requested again; the fields that may change were updated.
        Repeated = "repeated",
        /// A submission ended, with or without an answer of the channel.
        Answered = "answered",
        /// The channel called back.
        Callback = "callback",
        /// The channel was asked for the state.
        Sync = "sync",
        /// The refund was submitted for the first time, after a wait.
        Submitted = "submitted",
        /// The refund was submitted again under the same number, as the channel did not know it.
        Resubmitted = "resubmitted",
        /// A waiting submission was postponed.
        PutOff = "put_off",
        /// A failed refund was retried by the merchant or an operator.
        Retried = "retried",
        /// A refund that failed, or that its channel does not know, was closed by hand.
        Closed = "closed",
        /// The refund was in progress for too long and was flagged for review.
        Flagged = "flagged",
        /// A person reviewed the flagged refund.
        Reviewed = "reviewed",
        /// A person booked what the channel paid out or took back.
        Booked = "booked",
    }
}

/// The actor of an event. Stored as `merchant`, `channel`, `system`, `unknown`, `operator:NAME` or `command:USER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    Merchant,
    Channel,
    System,
    /// A client without a proven name: a refused login, or a caller of an endpoint that needs no authentication.
    Unknown,
    Operator(String),
    /// The command line, with the machine's user who ran it.
    CommandLine(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Merchant => f.write_str("merchant"),
            Actor::Channel => f.write_str("channel"),
            Actor::System => f.write_str("system"),
            Actor::Unknown => f.write_str("unknown"),
            Actor::Operator(name) => write!(f, "operator:{name}"),
            Actor::CommandLine(user) => write!(f, "command:{user}"),
        }
    }
}

impl FromStr for Actor {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.split_once(':')) {
            ("merchant", _) => Ok(Actor::Merchant),
            ("channel", _) => Ok(Actor::Channel),
            ("system", _) => Ok(Actor::System),
            ("unknown", _) => Ok(Actor::Unknown),
            (_, Some(("operator", name))) => Ok(Actor::Operator(name.to_owned())),
            (_, Some(("command", user))) => Ok(Actor::CommandLine(user.to_owned())),
            _ => Err(UnknownName(text.to_owned())),
        }
    }
}

/// One event of an order or a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    pub app_id: String,
    pub subject: Subject,
    /// The number of the order or refund.
    pub number: String,
    /// Number within the subject, counted from 1.
    pub seq: i64,
    pub at: Timestamp,
    pub kind: EventKind,
    pub actor: Actor,
    /// The channel's answer as one word.
    pub outcome: Option<OutcomeKind>,
    /// The channel's answer word for word, at most [`crate::domain::limits::SAID_BYTES`].
    pub said: Option<String>,
    /// The subject's status before the event; `None` where the event could not change it.
    pub before: Option<String>,
    /// The subject's status after the event; `None` where the event could not change it.
    pub after: Option<String>,
}

/// Returns the latest outcome that the channel has stated, from events sorted newest first. `Unknown` states nothing.
pub fn last_word(events: &[Event]) -> Option<OutcomeKind> {
    let mut said = events.iter().filter_map(|event| event.outcome);
    said.find(|outcome| *outcome != OutcomeKind::Unknown)
}

impl Event {
    /// Tells whether the event changed the status.
    pub fn changed(&self) -> bool {
        self.before != self.after
    }
}
