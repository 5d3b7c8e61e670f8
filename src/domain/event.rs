//! The timeline: every event of a refund or an order, who or what brought it, when, and what was
//! said word for word.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::refund::OutcomeKind;
use crate::domain::time::Timestamp;
use crate::domain::{UnknownName, string_enum};

string_enum! {
    /// What an event is about.
    Subject {
        Order = "order",
        Refund = "refund",
    }
}

string_enum! {
    /// What happened.
    EventKind {
        /// The order was told to us.
        Recorded = "recorded",
        /// The refund was asked for, its amount held, and its first submission begun.
        Requested = "requested",
        /// The same refund was asked for again; what may change was taken over.
        Repeated = "repeated",
        /// The channel answered a submission, or did not.
        Answered = "answered",
        /// The channel called back.
        Callback = "callback",
        /// The channel was asked.
        Sync = "sync",
        /// Submitted for the first time, after it had waited for that.
        Submitted = "submitted",
        /// Submitted again under the same number, the channel not knowing it.
        Resubmitted = "resubmitted",
        /// A submission that waits has to wait longer.
        PutOff = "put_off",
        /// A failed refund was taken up again.
        Retried = "retried",
        /// A failed refund, or one that its channel does not know, was closed by hand.
        Closed = "closed",
        /// It has been in progress for too long, and was flagged for a person.
        Flagged = "flagged",
        /// A person has looked at what it was flagged for.
        Reviewed = "reviewed",
        /// A person has booked what became of its money.
        Booked = "booked",
    }
}

/// The origin of an event. Stored as `merchant`, `channel`, `system`, `unknown`, `operator:NAME` or
/// `command:USER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    Merchant,
    Channel,
    System,
    /// Somebody who has not proved a name: a login that was refused, a caller of an endpoint that asks for none.
    Unknown,
    Operator(String),
    /// The command line, run by this user of the machine.
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
    /// The order's or the refund's number.
    pub number: String,
    /// Counts from 1 within its subject.
    pub seq: i64,
    pub at: Timestamp,
    pub kind: EventKind,
    pub actor: Actor,
    /// What the channel says, in a word.
    pub outcome: Option<OutcomeKind>,
    /// What was said, word for word, at most [`crate::domain::limits::SAID_BYTES`].
    pub said: Option<String>,
    /// The subject's status before and after, where the event could change it.
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Returns what a channel has said last, of a refund's events with the newest first. No answer says nothing.
pub fn last_word(events: &[Event]) -> Option<OutcomeKind> {
    let mut said = events.iter().filter_map(|event| event.outcome);
    said.find(|outcome| *outcome != OutcomeKind::Unknown)
}

impl Event {
    /// Whether the event changed the state.
    pub fn changed(&self) -> bool {
        self.before != self.after
    }
}
