//! Our numbers for orders, refunds and others: prefix, kind, `yyMMddHHmmss`, two digits of node, six of sequence
//! (`DEVR24051019590563000001`).
//!
//! No two nodes on one database make the same number: each holds its own node number ([`NodeLease`]), and makes no
//! numbers without it.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;
use crate::server::error::Result;
use crate::server::node_lease::NodeLease;

/// The kind of record that a number is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Payment,
    Refund,
    Callback,
}

const SEQUENCES: u32 = 1_000_000;

/// A node's source of new numbers.
pub struct Numbers {
    pub sequence: Sequence,
    pub lease: NodeLease,
}

impl Numbers {
    /// Makes a new number. If the node's lease is over or was never held, it takes a node number first.
    ///
    /// # Errors
    /// Fails where the database is out of reach, or all node numbers are held.
    pub async fn make(&self, kind: Kind, now: Timestamp) -> Result<String> {
        let node = self.lease.node_or_take(now).await?;
        Ok(self.sequence.number(kind, now, node))
    }
}

/// A node's sequence of numbers.
pub struct Sequence {
    prefix: String,
    zone: TimeZone,
    next: AtomicU32,
}

impl Sequence {
    /// Makes a sequence that begins at a random number.
    pub fn new(prefix: &str, zone: &TimeZone) -> Sequence {
        Sequence::beginning_at(prefix, zone, rand::random_range(0..SEQUENCES))
    }

    /// Makes a sequence that begins at a given number.
    pub fn beginning_at(prefix: &str, zone: &TimeZone, first: u32) -> Sequence {
        Sequence {
            prefix: prefix.to_owned(),
            zone: zone.clone(),
            next: AtomicU32::new(first),
        }
    }

    /// Returns the next number of a node.
    pub fn number(&self, kind: Kind, at: Timestamp, node: i64) -> String {
        let letter = match kind {
            Kind::Payment => 'P',
            Kind::Refund => 'R',
            Kind::Callback => 'C',
        };
        let at = jiff::Timestamp::from_millisecond(at.0)
            .unwrap_or_default()
            .to_zoned(self.zone.clone());
        let sequence = self.next.fetch_add(1, Ordering::Relaxed) % SEQUENCES;
        format!(
            "{}{letter}{:02}{:02}{:02}{:02}{:02}{:02}{node:02}{sequence:06}",
            self.prefix,
            at.year().rem_euclid(100),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
        )
    }
}
