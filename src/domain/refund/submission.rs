//! Submissions: each time that a refund is told to its channel, or waits to be told.

use serde::{Deserialize, Serialize};

use crate::domain::refund::OutcomeKind;
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

string_enum! {
    /// The reason for which a submission waits.
    WaitReason {
        /// The channel does not answer, or has too many calls under way.
        Permit = "permit",
        /// The channel wants some time between two refunds of one order.
        Spacing = "spacing",
        /// The channel had too many requests.
        RateLimit = "rate_limit",
        /// The merchant's balance at the channel is too low.
        Funds = "funds",
        /// A person has to approve the refund first. No time ends this wait, and no answer of the channel does.
        Approval = "approval",
        /// The database was restored from a backup, and nobody has ended restored mode yet. The channel is asked
        /// meanwhile, since it may know the refund.
        Restored = "restored",
    }
}

/// One submission of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Counts the refund's submissions, from 1.
    pub attempt: i64,
    /// The number under which the channel sees the refund.
    pub channel_no: String,
    /// The number of earlier submissions of the same `channel_no`.
    pub repeat: i64,
    /// Parameters that the channel is told, as its adapter wrote them before the first submission of this `channel_no`. The
    /// same number always goes with the same parameters: channels refuse others, though the first may have paid.
    pub params: String,
    /// `None` once it went out.
    pub waits_for: Option<WaitReason>,
    /// Earliest time at which it may go out.
    pub not_before: Timestamp,
    /// Time at which it went out. `None` while it waits.
    pub submitted_at: Option<Timestamp>,
    /// The channel's word on it, where there is one. See [`Submissions::hear`].
    pub outcome: Option<OutcomeKind>,
    /// Time of the channel's answer, by our clock.
    pub answered_at: Option<Timestamp>,
    /// The channel's answer, word for word.
    pub said: Option<String>,
    /// Time at which it is to go out, or its channel is to be asked about it. `None` where neither is due any more. Only a
    /// refund's last submission has one.
    pub due_at: Option<Timestamp>,
    /// The end of the [`Lease`] on it. Until then it is being submitted or asked about.
    pub leased_until: Timestamp,
    /// Counts the leases on it: the number of the last one.
    pub lease_no: i64,
}

/// The right to submit a refund and to ask about it, until the lease ends. Whoever begins either has one; its
/// number tells it from a later lease, which somebody else took when this one had ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub app_id: String,
    pub refund_no: String,
    /// The submission that the lease is on.
    pub attempt: i64,
    pub lease_no: i64,
}

impl Submission {
    /// Makes a refund's first submission, which waits and is due at once.
    pub fn first(channel_no: String, params: String, now: Timestamp) -> Submission {
        Submission {
            attempt: 1,
            channel_no,
            repeat: 0,
            params,
            waits_for: Some(WaitReason::Permit),
            not_before: now,
            submitted_at: None,
            outcome: None,
            answered_at: None,
            said: None,
            due_at: Some(now),
            leased_until: Timestamp::default(),
            lease_no: 0,
        }
    }

    /// Makes the submission after this one, which waits: of the same number with the same parameters.
    fn again(&self, waits_for: WaitReason, not_before: Timestamp) -> Submission {
        Submission {
            attempt: self.attempt + 1,
            repeat: self.repeat + 1,
            waits_for: Some(waits_for),
            ..Submission::first(self.channel_no.clone(), self.params.clone(), not_before)
        }
    }

    /// Returns true while it waits to go out.
    pub fn waits(&self) -> bool {
        self.submitted_at.is_none()
    }

    /// Returns true where it went out and the channel has not said what became of it.
    fn is_unresolved(&self) -> bool {
        !self.waits() && matches!(self.outcome, None | Some(OutcomeKind::Unknown))
    }

    /// Returns true where the channel has it and has not said that it is over.
    fn is_under_way(&self) -> bool {
        matches!(
            self.outcome,
            Some(OutcomeKind::Accepted | OutcomeKind::Abnormal)
        )
    }

    /// Returns true where it went out and may still move money: nothing definite is known of it.
    fn is_open(&self) -> bool {
        self.is_unresolved() || self.is_under_way()
    }

    /// Takes over the channel's word on this submission, as far as it says more than the one before. A success
    /// stays. What was accepted is not forgotten because the channel now does not find it.
    fn hear(&mut self, word: OutcomeKind) {
        use OutcomeKind::{Abnormal, Accepted, Close, Fail, NotFound, Success, Unknown};
        self.outcome = match (self.outcome, word) {
            (None, word) => Some(word),
            (known, Unknown) | (known @ Some(Success), _) => known,
            (known @ Some(Accepted | Abnormal), NotFound) => known,
            (known @ Some(Fail | Close), Accepted | NotFound) => known,
            (_, word) => Some(word),
        };
    }
}

/// A refund's submissions, in their order. There is always one: the first stands from the request on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Submission>", into = "Vec<Submission>")]
pub struct Submissions(Vec<Submission>);

impl Submissions {
    /// Makes the submissions of a refund that was just asked for.
    pub fn of(first: Submission) -> Submissions {
        Submissions(vec![first])
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Submission> {
        self.0.iter()
    }

    /// Returns the newest submission, which may wait. It carries the lease and the due time.
    pub fn last(&self) -> &Submission {
        self.0.last().expect("a refund has a submission")
    }

    pub(super) fn last_mut(&mut self) -> &mut Submission {
        self.0.last_mut().expect("a refund has a submission")
    }

    /// Returns the newest submission that went out, or the first while none did: the one to ask about.
    pub fn current(&self) -> &Submission {
        let went_out = self.0.iter().rev().find(|submission| !submission.waits());
        went_out.unwrap_or(&self.0[0])
    }

    /// Returns the number of submissions that went out.
    pub fn count(&self) -> i64 {
        let went_out = self.0.iter().filter(|submission| !submission.waits());
        i64::try_from(went_out.count()).unwrap_or(i64::MAX)
    }

    /// Returns the number of submissions that went out without a definite answer. A refusal of one of them says
    /// nothing about the others.
    pub fn unresolved(&self) -> i64 {
        let unresolved = self
            .0
            .iter()
            .filter(|submission| submission.is_unresolved());
        i64::try_from(unresolved.count()).unwrap_or(i64::MAX)
    }

    /// Returns true where the channel has said that it has the refund.
    pub fn acknowledged(&self) -> bool {
        let has = |submission: &Submission| {
            submission.is_under_way() || submission.outcome == Some(OutcomeKind::Success)
        };
        self.0.iter().any(has)
    }

    /// Returns true where a submission other than `attempt` may still move money.
    pub(super) fn others_are_open(&self, attempt: i64) -> bool {
        let mut others = self.0.iter().filter(|other| other.attempt != attempt);
        others.any(Submission::is_open)
    }

    /// Returns the number of submissions that went out under the current number.
    pub(super) fn count_of_current_number(&self) -> usize {
        let number = &self.current().channel_no;
        let same = |other: &&Submission| !other.waits() && other.channel_no == *number;
        self.0.iter().filter(same).count()
    }

    /// Takes over the channel's word on one submission.
    pub(super) fn hear(&mut self, attempt: i64, word: OutcomeKind) {
        for submission in &mut self.0 {
            if submission.attempt == attempt {
                submission.hear(word);
            }
        }
    }

    /// Takes over the channel's word on every submission that may still move money: it was asked late enough
    /// after the last of them.
    pub(super) fn hear_of_all(&mut self, word: OutcomeKind) {
        for submission in self.0.iter_mut().filter(|submission| submission.is_open()) {
            submission.hear(word);
        }
    }

    /// Notes that the channel has the refund after all.
    pub(super) fn acknowledge(&mut self) {
        let attempt = self.current().attempt;
        for submission in &mut self.0 {
            if submission.attempt == attempt {
                submission.outcome = Some(OutcomeKind::Accepted);
            }
        }
    }

    /// Keeps the channel's answer to a submission, word for word.
    pub fn keep_answer(&mut self, attempt: i64, said: &str, at: Timestamp) {
        for submission in &mut self.0 {
            if submission.attempt == attempt {
                submission.answered_at = Some(at);
                submission.said = Some(said.to_owned());
            }
        }
    }

    /// Returns true where the last submission waits until a person approves it.
    pub fn awaits_approval(&self) -> bool {
        self.last().waits_for == Some(WaitReason::Approval)
    }

    /// Lets the submission that waits wait until a person approves it, or ends that wait at `approved_at`.
    pub(super) fn set_approval(&mut self, approved_at: Option<Timestamp>) {
        let last = self.last_mut();
        last.due_at = approved_at;
        last.waits_for = Some(match approved_at {
            Some(at) => {
                last.not_before = at;
                WaitReason::Permit
            }
            None => WaitReason::Approval,
        });
    }

    /// Lets the submission that waits, or else a further one of the same number, wait until `not_before`. One that waits
    /// for an approval goes on waiting for that.
    pub(super) fn wait(&mut self, reason: WaitReason, not_before: Timestamp) {
        if self.awaits_approval() {
            return;
        }
        if self.last().waits() {
            let last = self.last_mut();
            last.waits_for = Some(reason);
            last.not_before = not_before;
            last.due_at = Some(not_before);
        } else {
            let next = self.last().again(reason, not_before);
            self.add(next);
        }
    }

    /// Returns true where the last submission waits for the end of restored mode.
    pub fn are_kept_back(&self) -> bool {
        self.last().waits_for == Some(WaitReason::Restored)
    }

    /// Sets the moment when the refund is to be submitted or its channel to be asked.
    pub fn be_due(&mut self, due_at: Option<Timestamp>) {
        self.last_mut().due_at = due_at;
    }

    /// Ends a lease, if it is still the last one on its submission.
    pub fn end_lease(&mut self, lease: &Lease) {
        for submission in &mut self.0 {
            if (submission.attempt, submission.lease_no) == (lease.attempt, lease.lease_no) {
                submission.leased_until = Timestamp::default();
            }
        }
    }

    /// Makes the lease of whoever begins the last submission last until `until`.
    pub fn keep_lease(&mut self, until: Timestamp) {
        let last = self.last_mut();
        last.leased_until = until;
        last.lease_no = last.lease_no.max(1);
    }

    /// Adds a submission of a new number, which waits.
    pub(super) fn renumber(&mut self, number: NewNumber, now: Timestamp) {
        let next = Submission {
            attempt: self.last().attempt + 1,
            ..Submission::first(number.channel_no, number.params, now)
        };
        self.add(next);
    }

    /// Sends out the last submission, which waits.
    pub(super) fn send(&mut self, at: Timestamp) {
        let last = self.last_mut();
        last.waits_for = None;
        last.submitted_at = Some(at);
    }

    fn add(&mut self, next: Submission) {
        self.last_mut().due_at = None;
        self.0.push(next);
    }

    /// Returns the number of submissions in a row, the last ones, that the channel put off for this reason.
    pub(super) fn put_off_in_a_row(&self) -> u32 {
        let put_off =
            |submission: &&Submission| submission.outcome == Some(OutcomeKind::RetryLater);
        let row = self
            .0
            .iter()
            .rev()
            .skip_while(|last| last.waits())
            .take_while(put_off);
        u32::try_from(row.count()).unwrap_or(u32::MAX)
    }
}

/// A further number for a refund and what the channel is told under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNumber {
    pub channel_no: String,
    pub params: String,
}

impl TryFrom<Vec<Submission>> for Submissions {
    type Error = &'static str;

    /// Takes submissions in their order.
    ///
    /// # Errors
    /// Fails where there is none.
    fn try_from(all: Vec<Submission>) -> Result<Submissions, &'static str> {
        match all.is_empty() {
            true => Err("a refund without a submission"),
            false => Ok(Submissions(all)),
        }
    }
}

impl From<Submissions> for Vec<Submission> {
    fn from(submissions: Submissions) -> Vec<Submission> {
        submissions.0
    }
}
