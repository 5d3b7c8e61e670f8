//! Progress of long work.

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr};

use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;

/// A progress report on the standard error: at a terminal one line that is overwritten, elsewhere a new line at
/// intervals.
pub struct Progress {
    /// Unit of the counts: `lines`.
    what: &'static str,
    clock: Clock,
    began: Timestamp,
    shown: Timestamp,
    at_terminal: bool,
}

impl Progress {
    /// Begins a report of `what`, `lines` for example.
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

    /// Reports that `done` of `all` are done. Most calls show nothing, so that calling for every line is cheap.
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

    /// Writes another message between two reports.
    pub fn interrupt(&mut self, text: impl Display) {
        let clear = if self.at_terminal { "\r\x1b[K" } else { "" };
        let _ = writeln!(stderr(), "{clear}{text}");
    }

    /// Removes the line.
    pub fn end(&mut self) {
        if self.at_terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
