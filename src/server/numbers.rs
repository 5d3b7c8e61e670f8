//! The numbers we make: prefix, kind, `yyMMddHHmmss`, two digits of node, six of sequence
//! (`DEVR24051019590563000001`).

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::config::Config;
use crate::domain::time::Millis;

/// What a number is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Payment,
    Refund,
    Callback,
    /// A merchant's refund number, where an operator gives none of his own.
    Merchant,
}

/// Makes numbers. Two nodes differ by their node number. A node that restarts within a second
/// begins its sequence elsewhere, by chance; should two numbers meet all the same, the
/// database's keys refuse the second and a new one is made.
pub struct Numbers {
    prefix: String,
    node: u8,
    zone: TimeZone,
    sequence: AtomicU32,
}

const SEQUENCES: u32 = 1_000_000;

impl Numbers {
    /// A maker of numbers that begins its sequence anywhere.
    pub fn new(config: &Config) -> Numbers {
        Numbers::beginning_at(config, rand::random_range(0..SEQUENCES))
    }

    /// A maker of numbers that begins its sequence at a given one.
    pub fn beginning_at(config: &Config, first: u32) -> Numbers {
        Numbers {
            prefix: config.number_prefix.clone(),
            node: config.node,
            zone: config.time_zone.clone(),
            sequence: AtomicU32::new(first),
        }
    }

    /// A new number.
    pub fn make(&self, kind: Kind, now: Millis) -> String {
        let letter = match kind {
            Kind::Payment => 'P',
            Kind::Refund => 'R',
            Kind::Callback => 'C',
            Kind::Merchant => 'M',
        };
        let at = Timestamp::from_millisecond(now.0)
            .unwrap_or_default()
            .to_zoned(self.zone.clone());
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) % SEQUENCES;
        format!(
            "{}{letter}{:02}{:02}{:02}{:02}{:02}{:02}{:02}{sequence:06}",
            self.prefix,
            at.year().rem_euclid(100),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            self.node,
        )
    }
}
