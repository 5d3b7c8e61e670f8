//! The times at which scheduled sync asks a refund's channel. Source: the gateway's contract.

use crate::domain::refund::{Delay, Evidence, OutcomeKind, Refund, RefundStatus, Source};
use crate::domain::time::{DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};

/// Time from a submission to the first question about it, whatever the age of the refund.
const AFTER_SUBMISSION_MS: i64 = 2 * MINUTE_MS;

/// Intervals of the questions by the refund's age: `(age below, interval)`.
const POLL_SCHEDULE: [(i64, i64); 4] = [
    (10 * MINUTE_MS, MINUTE_MS),
    (HOUR_MS, 10 * MINUTE_MS),
    (DAY_MS, HOUR_MS),
    (i64::MAX, DAY_MS),
];

/// Waits before a postponed submission is repeated: `(first, longest)`.
const RATE_LIMIT_MS: (i64, i64) = (MINUTE_MS, 10 * MINUTE_MS);
const FUNDS_MS: (i64, i64) = (10 * MINUTE_MS, HOUR_MS);

/// Returns the wait before a submission that its channel postponed `times` times in a row is repeated. The wait doubles
/// each time.
pub(super) fn delay_ms(delay: Delay, times: u32) -> i64 {
    let (first, longest) = match delay {
        Delay::RateLimit => RATE_LIMIT_MS,
        Delay::Funds => FUNDS_MS,
    };
    let doubled = 1_i64 << times.saturating_sub(1).min(16);
    (first * doubled).min(longest)
}

impl Refund {
    /// Returns the time of the next question about a refund in progress: at whole intervals since it was opened.
    ///
    /// Refunds opened at the same time are spread over a tenth of the interval. A refund always has the same place in
    /// it.
    pub fn next_poll_at(&self, now: Timestamp) -> Timestamp {
        let age = now.0.saturating_sub(self.opened_at.0);
        let (_, every) = POLL_SCHEDULE
            .into_iter()
            .find(|(younger_than, _)| age < *younger_than)
            .unwrap_or(POLL_SCHEDULE[3]);
        let first = self
            .opened_at
            .plus_ms(every / 10 * self.jitter_slot() / 1024);
        let since_first = now.0.saturating_sub(first.0).max(0);
        let next = first.plus_ms((since_first / every + 1).saturating_mul(every));
        let after_submission = self.submitted_at().plus_ms(AFTER_SUBMISSION_MS);
        if after_submission > now {
            next.min(after_submission)
        } else {
            next
        }
    }

    /// Returns the time at which the refund is to be submitted or asked for next, once this evidence was applied at
    /// `now`. `changed`: the evidence changed the refund's state. `recheck_ms`: the time from a success to one more
    /// question, since channels do reverse; 0 asks no more.
    pub fn due_after(
        &self,
        evidence: &Evidence,
        changed: bool,
        now: Timestamp,
        recheck_ms: i64,
    ) -> Option<Timestamp> {
        let recheck = (recheck_ms > 0).then(|| now.plus_ms(recheck_ms));
        let was_due = self.due_at().is_some_and(|due| due <= evidence.at);
        match self.status {
            RefundStatus::Progress
                if self.waits_to_be_submitted() && !self.submissions.are_kept_back() =>
            {
                self.due_at()
            }
            RefundStatus::Progress if self.rests() => None,
            RefundStatus::Progress => Some(self.next_poll_at(now)),
            RefundStatus::Success if changed => recheck,
            RefundStatus::Success | RefundStatus::Close
                if evidence.source == Source::Sync && was_due =>
            {
                match evidence.outcome.kind() {
                    OutcomeKind::Unknown => Some(now.plus_ms(HOUR_MS)),
                    OutcomeKind::Accepted => recheck,
                    _ => None,
                }
            }
            RefundStatus::Success | RefundStatus::Close if !changed => self.due_at(),
            _ => None,
        }
    }

    /// Returns the refund's place within an interval, 0 to 1023.
    fn jitter_slot(&self) -> i64 {
        let sum = self.refund_no.bytes().fold(0_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.into())
        });
        i64::from(sum % 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::merchant::Edition;
    use crate::domain::money::Fen;
    use crate::domain::order::OrderKey;
    use crate::domain::refund::{NewRefund, Outcome};
    use crate::domain::testing::paid_order;

    fn refund() -> Refund {
        let order = paid_order(Fen(1));
        let new = NewRefund {
            order: OrderKey::OrderNo(order.order_no.clone()),
            biz_refund_no: "R1".to_owned(),
            amount: Fen(1),
            reason: None,
            attach: None,
            notify_url: None,
            not_notify: false,
            request: None,
            client_ip: None,
            edition: Edition::Open,
            expected_refundable: None,
        };
        let refund_no = "DEVR24051019590563000001".to_owned();
        Refund::requested(new, &order, refund_no, String::new(), Timestamp(0))
    }

    fn submitted_at(at: i64) -> Refund {
        Refund {
            opened_at: Timestamp(0),
            ..refund().submitted(Timestamp(at)).refund
        }
    }

    #[test]
    fn the_ladder_is_that_of_the_contract() {
        let refund = submitted_at(-DAY_MS);
        let mut now = Timestamp(0);
        let mut asked = Vec::new();
        while now.0 < 4 * DAY_MS {
            now = refund.next_poll_at(now);
            asked.push(now.0);
        }
        let between = |from, to| asked.iter().filter(|at| (from..to).contains(*at)).count();
        assert_eq!(between(0, 10 * MINUTE_MS), 9);
        assert!((5..=6).contains(&between(10 * MINUTE_MS, HOUR_MS)));
        assert!((23..=24).contains(&between(HOUR_MS, DAY_MS)));
        assert!((3..=4).contains(&between(DAY_MS, 4 * DAY_MS)));
    }

    #[test]
    fn what_was_opened_in_one_moment_is_spread() {
        let first = (0..500).map(|n| {
            let mut refund = submitted_at(0);
            refund.refund_no = format!("DEVR2405101959056300{n:04}");
            refund.next_poll_at(Timestamp(0)).0
        });
        let first: Vec<_> = first.collect();
        let (least, most) = (first.iter().min().unwrap(), first.iter().max().unwrap());
        assert!((MINUTE_MS..MINUTE_MS + 1_000).contains(least), "{least}");
        assert!(
            (MINUTE_MS + 5_000..=MINUTE_MS + 6_000).contains(most),
            "{most}"
        );
    }

    #[test]
    fn a_submission_is_asked_after_two_minutes_later_however_old_the_refund() {
        let refund = submitted_at(3 * DAY_MS);
        let now = refund.submitted_at().plus_ms(10);
        assert_eq!(
            refund.next_poll_at(now),
            refund.submitted_at().plus_ms(2 * MINUTE_MS)
        );
        let now = refund.submitted_at().plus_ms(2 * MINUTE_MS);
        assert!(refund.next_poll_at(now) > now.plus_ms(HOUR_MS));
    }

    #[test]
    fn a_success_is_asked_for_once_more_and_only_once() {
        let sync = |outcome, at| Evidence {
            source: Source::Sync,
            attempt: 1,
            outcome,
            amount: None,
            at: Timestamp(at),
        };
        let success = || Outcome::Success {
            out_refund_no: None,
            at: None,
        };
        let unknown = || Outcome::Unknown { why: String::new() };
        let mut refund = submitted_at(0);
        refund.status = RefundStatus::Success;
        let next = refund.due_after(&sync(success(), 5), true, Timestamp(5), DAY_MS);
        assert_eq!(next, Some(Timestamp(5 + DAY_MS)));
        refund.submissions.be_due(next);
        // A person asks before that: the later question remains scheduled.
        let early = refund.due_after(&sync(success(), 900), false, Timestamp(900), DAY_MS);
        assert_eq!(early, next);
        let due = 5 + DAY_MS;
        let silent = refund.due_after(&sync(unknown(), due), false, Timestamp(due), DAY_MS);
        assert_eq!(silent, Some(Timestamp(due + HOUR_MS)));
        let done = refund.due_after(&sync(success(), due), false, Timestamp(due), DAY_MS);
        assert_eq!(done, None);
        assert_eq!(
            refund.due_after(&sync(success(), 5), true, Timestamp(5), 0),
            None
        );
    }

    #[test]
    fn what_a_channel_puts_off_waits_twice_as_long_each_time_and_no_longer_than_an_hour() {
        let waits = |delay| [1, 2, 3, 4, 5, 40].map(|times| delay_ms(delay, times) / MINUTE_MS);
        assert_eq!(waits(Delay::RateLimit), [1, 2, 4, 8, 10, 10]);
        assert_eq!(waits(Delay::Funds), [10, 20, 40, 60, 60, 60]);
    }
}
