//! How far long work is.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};

use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;

/// How far long work is, on the standard error: a line that is written anew at a terminal, now and
/// then a line elsewhere.
pub struct Progress {
    /// What is counted.
    what: &'static str,
    clock: Clock,
    began: Timestamp,
    shown: Timestamp,
    at_terminal: bool,
}

impl Progress {
    /// Begins to count, lines for example.
    pub fn begin(what: &'static str) -> Progress {
        let clock = Clock::System;
        let now = clock.now();
        Progress {
            what,
            clock,
            began: now,
            shown: now,
            at_terminal: stderr().is_terminal(),
        }
    }

    /// So many of all are done. Shown now and then.
    pub fn show(&mut self, done: u64, all: u64) {
        let now = self.clock.now();
        let every_ms = if self.at_terminal { 200 } else { 5_000 };
        if now.0 - self.shown.0 < every_ms {
            return;
        }
        self.shown = now;
        let spent_ms = u64::try_from(now.0 - self.began.0).unwrap_or(0).max(1);
        let rate = (done * 1_000 / spent_ms).max(1);
        let left = all.saturating_sub(done) / rate;
        let line = format!(
            "{done} of {all} {}, {rate} a second, {left} s left",
            self.what
        );
        let _ = match self.at_terminal {
            true => write!(stderr(), "\r\x1b[K{line}"),
            false => writeln!(stderr(), "{line}"),
        };
    }

    /// Says something else in between.
    pub fn interrupt(&mut self, text: impl Display) {
        let clear = if self.at_terminal { "\r\x1b[K" } else { "" };
        let _ = writeln!(stderr(), "{clear}{text}");
    }

    /// Takes the line away.
    pub fn end(&mut self) {
        if self.at_terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
