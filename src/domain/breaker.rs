//! The breaker of a channel account: an account whose channel does not answer is asked less often.

use serde::{Deserialize, Serialize};

use crate::domain::time::{MINUTE_MS, SECOND_MS, Timestamp};

/// Number of unanswered questions in a row that opens the breaker.
pub const FAILURES: u32 = 5;

/// Wait before the first probe. It doubles up to [`PROBE_MOST_MS`].
const PROBE_LEAST_MS: i64 = 15 * SECOND_MS;
const PROBE_MOST_MS: i64 = 5 * MINUTE_MS;

/// An open breaker: the channel does not answer this account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    pub account_id: String,
    pub opened_at: Timestamp,
    /// Number of unanswered probes in a row.
    pub probes: i64,
    /// Time of the next probe: one question, to see whether the channel answers again.
    pub probe_at: Timestamp,
    /// Text of the error that opened the breaker or failed the last probe.
    pub said: String,
}

impl Breaker {
    /// Makes a breaker that opens now.
    pub fn opened(account_id: &str, now: Timestamp, said: &str) -> Breaker {
        Breaker {
            account_id: account_id.to_owned(),
            opened_at: now,
            probes: 0,
            probe_at: now.plus_ms(PROBE_LEAST_MS),
            said: said.to_owned(),
        }
    }

    /// Returns true where the next probe is due. A probe further ahead than twice the longest wait is due as well: its
    /// time was set by a clock that was ahead.
    pub fn probe_is_due(&self, now: Timestamp) -> bool {
        self.probe_at <= now || self.probe_at > now.plus_ms(2 * PROBE_MOST_MS)
    }

    /// Returns the breaker after an unanswered probe. The next wait is twice as long.
    pub fn probe_failed(&self, now: Timestamp, said: &str) -> Breaker {
        let doublings = u32::try_from(self.probes + 1).unwrap_or(u32::MAX).min(10);
        let wait = (PROBE_LEAST_MS << doublings).min(PROBE_MOST_MS);
        Breaker {
            probes: self.probes + 1,
            probe_at: now.plus_ms(wait),
            said: said.to_owned(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_due_in_its_time_and_where_a_clock_ahead_of_time_has_set_it() {
        let now = Timestamp(1_760_000_000_000);
        let mut breaker = Breaker::opened("A", now, "silence");
        assert!(!breaker.probe_is_due(now));
        assert!(breaker.probe_is_due(now.plus_ms(PROBE_LEAST_MS)));
        breaker.probe_at = now.plus_ms(PROBE_MOST_MS);
        assert!(!breaker.probe_is_due(now));
        breaker.probe_at = now.plus_ms(24 * 60 * MINUTE_MS);
        assert!(breaker.probe_is_due(now));
    }
}
