//! Everything that can happen to a refund. Each transition is a function of [`Refund`] that returns a
//! [`Settlement`]: the refund as it is from then on, and what the order's balance changes by. Nothing here
//! writes anything: `server::refunds::apply` is the one function that does.

use crate::domain::money::Fen;
use crate::domain::movement::Amounts;
use crate::domain::refund::schedule;
use crate::domain::refund::{
    Delay, Evidence, NewNumber, Outcome, OutcomeKind, Refund, RefundStatus, ReviewReason,
    SignedRequest, Source, WaitReason,
};
use crate::domain::string_enum;
use crate::domain::time::{MINUTE_MS, Timestamp};

/// The furthest that a channel's statement of time may lie ahead of our clock. A statement further ahead is
/// wrong (a local time that was read as UTC, mostly) and is not kept.
const CHANNEL_TIME_AHEAD_MS: i64 = 5 * MINUTE_MS;

/// The kind of effect that a transition has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The refund's state stays.
    Noted,
    /// The refund's state changes.
    Changed,
    /// The refund's state stays, and a person has to look at it.
    Flagged,
}

/// The result of a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The refund after the transition. Its version is not yet counted up.
    pub refund: Refund,
    pub effect: Effect,
    /// The change of the order's held amount.
    pub held: Fen,
    /// The change of the order's refunded amount.
    pub refunded: Fen,
    /// The change of the order's overpaid amount.
    pub overpaid: Fen,
}

/// The fields of a refund that a repeat of its request may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepeatedFields {
    pub attach: Option<String>,
    pub notify_url: Option<String>,
    pub client_ip: Option<String>,
    /// The request that gives them; `None` for one that is not a merchant's.
    pub request: Option<SignedRequest>,
}

impl Refund {
    /// Returns true while this refund holds its amount.
    pub fn holds(&self) -> bool {
        self.status == RefundStatus::Progress
    }

    /// Applies evidence. `refundable` is what the order could still refund; it matters only to a refund
    /// whose amount was given back.
    ///
    /// | state | success | fail, close | accepted | not found | abnormal | retry later | unknown |
    /// |---|---|---|---|---|---|---|---|
    /// | `progress` | `success` | `fail`, `close` where conclusive | acknowledged | flagged if acknowledged | flagged | waits to be submitted again | stays |
    /// | `success` | same again | flagged unless older | noted | flagged unless older | flagged unless older | noted | noted |
    /// | `fail`, `close` | `success` and flagged, if the order has enough left; else only flagged | noted | held again if a sync says so and the order has enough left | noted | flagged unless older | noted | noted |
    ///
    /// Evidence about another amount than the refund's settles nothing, whatever it says: it is flagged.
    pub fn settle(&self, refundable: Fen, evidence: &Evidence) -> Settlement {
        if evidence.is_about_another_amount(self) {
            return self.flagged(ReviewReason::AmountDiffers);
        }
        let mut settlement = self.noted();
        settlement.refund.hear(evidence);
        match self.status {
            RefundStatus::Progress => settlement.in_progress(evidence),
            RefundStatus::Success => settlement.after_success(evidence),
            RefundStatus::Fail | RefundStatus::Close => {
                settlement.after_giving_back(refundable, evidence)
            }
        }
        settlement
    }

    /// Begins a submission of a refund in progress: the one that waits, or another under the same number. Begins none
    /// while the refund awaits an approval.
    pub fn submitted(&self, at: Timestamp) -> Settlement {
        let mut settlement = self.noted();
        if !self.awaits_approval() {
            settlement.refund.begin_submission(at);
        }
        settlement
    }

    /// Returns true while the refund goes out to no channel before a person approves it.
    pub fn awaits_approval(&self) -> bool {
        self.holds() && self.submissions.awaits_approval()
    }

    /// Lets the submission that waits wait for a person's approval. `None` where none waits.
    pub fn held_for_approval(&self) -> Option<Settlement> {
        let waits = self.holds() && self.submissions.last().waits();
        waits.then(|| {
            let mut settlement = self.noted();
            settlement.refund.submissions.set_approval(None);
            settlement
        })
    }

    /// Approves a refund: its submission is due at once. `None` where no approval is awaited.
    pub fn approved(&self, at: Timestamp) -> Option<Settlement> {
        self.awaits_approval().then(|| {
            let mut settlement = self.noted();
            settlement.refund.submissions.set_approval(Some(at));
            settlement
        })
    }

    /// Opens a failed refund again, with a submission that waits: under its own number, or under a new one where
    /// the channel wants that after a failure. Holds its amount anew: the order has to have that much left, which
    /// its balance refuses otherwise.
    pub fn retried(&self, at: Timestamp, number: Option<NewNumber>) -> Settlement {
        let mut settlement = self.noted();
        settlement.reopen(at);
        let submissions = &mut settlement.refund.submissions;
        match number {
            Some(number) => submissions.renumber(number, at),
            None => submissions.wait(WaitReason::Permit, at),
        }
        settlement
    }

    /// Puts the submission that waits off until `not_before`.
    pub fn put_off(&self, reason: WaitReason, not_before: Timestamp) -> Settlement {
        let mut settlement = self.noted();
        settlement.refund.submissions.wait(reason, not_before);
        settlement
    }

    /// Lets the submission that waits, or else a further one of the same number, wait for the end of restored mode. Until
    /// then the channel is asked by the usual schedule. `None` where nothing is to be submitted, or where it waits for
    /// that or for an approval already.
    pub fn kept_back(&self, now: Timestamp) -> Option<Settlement> {
        if !self.nothing_is_open() || self.awaits_approval() || self.submissions.are_kept_back() {
            return None;
        }
        let mut settlement = self.put_off(WaitReason::Restored, now);
        let due = settlement.refund.next_poll_at(now);
        settlement.refund.submissions.be_due(Some(due));
        Some(settlement)
    }

    /// Returns true where a submission waits and no earlier one may still move money: where one may, the channel
    /// is asked for it first.
    pub fn waits_to_be_submitted(&self) -> bool {
        self.submissions.last().waits() && !self.awaits_approval() && self.nothing_is_open()
    }

    /// Returns true for a refund in progress none of whose submissions may still move money.
    fn nothing_is_open(&self) -> bool {
        let submissions = &self.submissions;
        self.holds() && submissions.unresolved() == 0 && !submissions.acknowledged()
    }

    /// Returns true where there is neither anything to submit nor anything to ask the channel for: the refund awaits an
    /// approval, and no earlier submission of it may still move money.
    pub fn rests(&self) -> bool {
        self.awaits_approval() && self.nothing_is_open()
    }

    /// Closes a refund in progress that the channel, asked late enough, does not know. Gives its amount back.
    /// `recheck_ms` is the time after which the channel is asked once more; 0: never.
    pub fn closed_as_unknown(&self, at: Timestamp, recheck_ms: i64) -> Settlement {
        let mut settlement = self.noted();
        settlement.give_back(RefundStatus::Close, None, None, at);
        let recheck = (recheck_ms > 0).then(|| at.plus_ms(recheck_ms));
        settlement.refund.submissions.be_due(recheck);
        settlement
    }

    /// Closes a failed refund, so that no repeat submits it again. Its amount was given back before.
    pub fn closed_after_failure(&self) -> Settlement {
        let mut settlement = self.noted();
        settlement.refund.status = RefundStatus::Close;
        settlement.effect = Effect::Changed;
        settlement
    }

    /// Flags a refund for a person to look at.
    pub fn flagged(&self, reason: ReviewReason) -> Settlement {
        let mut settlement = self.noted();
        settlement.flag(reason);
        settlement
    }

    /// Notes that a person has looked at what the refund was flagged for.
    pub fn reviewed(&self) -> Settlement {
        let mut settlement = self.noted();
        settlement.refund.reviewed = true;
        settlement
    }

    /// Takes over what a repeat of the request may change. `None` where nothing differs, or where the repeat is a copy of
    /// an earlier request: see [`NewestRequests`](crate::domain::refund::NewestRequests).
    pub fn merged(&self, fields: &RepeatedFields) -> Option<Settlement> {
        let request = fields.request.as_ref();
        if request.is_some_and(|request| !self.requests.are_before(request)) {
            return None;
        }
        let is_new = |own: &Option<String>, given: &str| match (own, request) {
            (Some(own), Some(request)) => request.covers_difference(own, given),
            _ => own.as_deref() != Some(given),
        };
        let mut settlement = self.noted();
        let refund = &mut settlement.refund;
        for (own, given) in [
            (&mut refund.attach, &fields.attach),
            (&mut refund.notify_url, &fields.notify_url),
            (&mut refund.client_ip, &fields.client_ip),
        ] {
            if given.as_deref().is_some_and(|given| is_new(own, given)) {
                own.clone_from(given);
            }
        }
        if settlement.refund == *self {
            return None;
        }
        if let Some(request) = request {
            settlement.refund.requests.add(request);
        }
        Some(settlement)
    }

    fn noted(&self) -> Settlement {
        Settlement {
            refund: self.clone(),
            effect: Effect::Noted,
            held: Fen::ZERO,
            refunded: Fen::ZERO,
            overpaid: Fen::ZERO,
        }
    }

    fn begin_submission(&mut self, at: Timestamp) {
        if !self.submissions.last().waits() {
            self.submissions.wait(WaitReason::Permit, at);
        }
        self.submissions.send(at);
        self.submissions.last_mut().due_at = Some(self.next_poll_at(at));
    }

    /// Takes over what evidence says of the submissions. An answer is about its own submission. A refusal or "not found"
    /// to a question that was asked late enough is about all of them. A refusal by callback
    /// may be of any submission of its number.
    fn hear(&mut self, evidence: &Evidence) {
        let word = evidence.outcome.kind();
        let says_no = matches!(
            evidence.outcome,
            Outcome::Fail { .. } | Outcome::Close { .. } | Outcome::NotFound
        );
        match evidence.source {
            Source::Sync if says_no => {
                if self.was_asked_since_last_submission(evidence) {
                    self.submissions.hear_of_all(word);
                }
            }
            Source::Callback if says_no => {
                if self.refusal_is_conclusive(evidence) {
                    self.submissions.hear(evidence.attempt, word);
                }
            }
            // A question that is put off says nothing of the submission.
            Source::Sync | Source::Callback if word == OutcomeKind::RetryLater => {}
            Source::Answer | Source::Sync | Source::Callback => {
                self.submissions.hear(evidence.attempt, word);
            }
        }
    }

    /// Returns true where the channel was asked after the last submission had gone out. What it said before says
    /// nothing of that one, however late it reaches us.
    fn was_asked_since_last_submission(&self, evidence: &Evidence) -> bool {
        evidence.attempt == self.submissions.current().attempt && evidence.at >= self.submitted_at()
    }

    /// Returns true where a refusal may give the amount back. It may not while another submission could still
    /// succeed.
    fn refusal_is_conclusive(&self, evidence: &Evidence) -> bool {
        let submissions = &self.submissions;
        let is_current = evidence.attempt == submissions.current().attempt;
        let only_one_open = is_current && !submissions.others_are_open(evidence.attempt);
        match evidence.source {
            Source::Answer => only_one_open,
            Source::Callback => only_one_open && submissions.count_of_current_number() == 1,
            Source::Sync => {
                self.was_asked_since_last_submission(evidence) && !self.retry_is_kept_back()
            }
        }
    }

    /// Returns true where a retry of a refused refund waits for the end of restored mode. The channel is asked meanwhile,
    /// and its refusal of the submission before says nothing of the retry.
    fn retry_is_kept_back(&self) -> bool {
        let refused = self.submissions.current().outcome;
        self.submissions.are_kept_back()
            && matches!(refused, Some(OutcomeKind::Fail | OutcomeKind::Close))
    }

    /// Forgets a review reason that a definite state has answered. No state answers another amount.
    fn forget_settled_reason(&mut self) {
        if self.review_reason != Some(ReviewReason::AmountDiffers) {
            self.review_reason = None;
        }
    }

    fn learn_out_refund_no(&mut self, out_refund_no: &Option<String>) {
        if self.out_refund_no.is_none() {
            self.out_refund_no.clone_from(out_refund_no);
        }
    }

    /// Returns what a person can book of this refund. The amount that a callback named ([`ReviewReason::AmountDiffers`])
    /// is not bookable: merchants are told of one amount a refund, and a callback alone is no proof of what was paid.
    pub fn bookable(&self) -> Option<Booking> {
        match (self.status, self.review_reason) {
            (RefundStatus::Fail | RefundStatus::Close, Some(ReviewReason::Overpaid)) => {
                Some(Booking::Overpaid)
            }
            (RefundStatus::Success, Some(ReviewReason::Contradicted)) => Some(Booking::Returned),
            _ => None,
        }
    }

    /// Books that the channel paid out this refund, whose amount had been given back. As much of it as the order
    /// has `refundable` counts as refunded, the rest as overpaid. `recheck_ms` is the time after which the channel
    /// is asked once more; 0: never.
    pub fn booked_as_overpaid(
        &self,
        refundable: Fen,
        at: Timestamp,
        recheck_ms: i64,
    ) -> Settlement {
        let mut settlement = self.noted();
        settlement.succeed(&None, None, at);
        settlement.refunded = self.amount.min(refundable);
        settlement.overpaid = self.amount - settlement.refunded;
        let recheck = (recheck_ms > 0).then(|| at.plus_ms(recheck_ms));
        settlement.refund.submissions.be_due(recheck);
        settlement
    }

    /// Books that the payer did not keep the money of this refund, which had succeeded. Takes `booked`, the part
    /// that the refund has of its order's balance, off it. The refund is closed and not failed: the channel has paid
    /// its number once, so that submitting it again could be answered with the old success.
    pub fn booked_as_returned(&self, booked: Amounts, at: Timestamp) -> Settlement {
        let (code, msg) = (RETURNED.to_owned(), RETURNED_MSG.to_owned());
        let mut settlement = self.noted();
        settlement.give_back(RefundStatus::Close, Some(code), Some(msg), at);
        settlement.held = -booked.held;
        settlement.refunded = -booked.refunded;
        settlement.overpaid = -booked.overpaid;
        settlement.refund.submissions.be_due(None);
        settlement
    }
}

/// Error code of a refund whose money came back, and the message for its merchant.
const RETURNED: &str = "RETURNED";
const RETURNED_MSG: &str = "退款成功后款项被退回，付款人未收到款项";

string_enum! {
    /// Something that a person can book of a refund.
    Booking {
        /// The channel paid it out, and the order had too little left.
        Overpaid = "overpaid",
        /// It had succeeded, and the money came back.
        Returned = "returned",
    }
}

impl Booking {
    /// Returns true where the channel's last word agrees with the booking. Where it says something else by now, money
    /// would be freed, or counted as paid, against its word.
    pub fn agrees_with(self, last_word: Option<OutcomeKind>) -> bool {
        match (self, last_word) {
            (Booking::Overpaid, Some(OutcomeKind::Success)) => true,
            (Booking::Returned, Some(said)) => matches!(
                said,
                OutcomeKind::Fail | OutcomeKind::Close | OutcomeKind::NotFound
            ),
            _ => false,
        }
    }
}

impl Settlement {
    /// Returns what the transition changes of the order's balance.
    pub fn change(&self) -> Amounts {
        Amounts {
            held: self.held,
            refunded: self.refunded,
            overpaid: self.overpaid,
        }
    }

    fn flag(&mut self, reason: ReviewReason) {
        if self.refund.review_reason != Some(reason) {
            self.refund.reviewed = false;
        }
        self.refund.review_reason = Some(reason);
        self.effect = Effect::Flagged;
    }

    fn in_progress(&mut self, evidence: &Evidence) {
        let conclusive = self.refund.refusal_is_conclusive(evidence);
        let acknowledged = self.refund.submissions.acknowledged();
        match &evidence.outcome {
            Outcome::Accepted { out_refund_no } => self.refund.learn_out_refund_no(out_refund_no),
            Outcome::Success { out_refund_no, at } => {
                self.held = -self.refund.amount;
                self.succeed(out_refund_no, *at, evidence.at);
            }
            Outcome::Fail { code, msg } if conclusive => {
                let (code, msg) = (Some(code.clone()), Some(msg.clone()));
                self.give_back(RefundStatus::Fail, code, msg, evidence.at);
            }
            Outcome::Close { msg } if conclusive => {
                let msg = Some(msg.clone());
                self.give_back(RefundStatus::Close, None, msg, evidence.at);
            }
            Outcome::NotFound if conclusive && acknowledged => self.flag(ReviewReason::Absent),
            Outcome::Abnormal { .. } => self.flag(ReviewReason::Abnormal),
            Outcome::RetryLater { delay, .. } if evidence.source == Source::Answer => {
                self.wait_for(*delay, evidence.at);
            }
            Outcome::Fail { .. }
            | Outcome::Close { .. }
            | Outcome::NotFound
            | Outcome::RetryLater { .. }
            | Outcome::Unknown { .. } => {}
        }
    }

    /// Lets the refund wait to be submitted again, ever longer. Where an earlier submission may still move money,
    /// the channel is asked for it first.
    fn wait_for(&mut self, delay: Delay, at: Timestamp) {
        let submissions = &mut self.refund.submissions;
        let wait_ms = schedule::delay_ms(delay, submissions.put_off_in_a_row());
        submissions.wait(delay.into(), at.plus_ms(wait_ms));
    }

    fn after_success(&mut self, evidence: &Evidence) {
        // An answer belongs to a submission that was overtaken; what was asked before the success
        // was seen is older than it; and a callback that says no may be of an earlier submission.
        let older = evidence.source == Source::Answer
            || self.is_older(evidence)
            || !self.refund.refusal_is_conclusive(evidence);
        match &evidence.outcome {
            Outcome::Success { out_refund_no, .. } => {
                self.refund.learn_out_refund_no(out_refund_no)
            }
            Outcome::Fail { .. } | Outcome::Close { .. } | Outcome::NotFound if !older => {
                self.flag(ReviewReason::Contradicted);
            }
            Outcome::Abnormal { .. } if !older => self.flag(ReviewReason::Abnormal),
            _ => {}
        }
    }

    fn after_giving_back(&mut self, refundable: Fen, evidence: &Evidence) {
        let enough_left = refundable >= self.refund.amount;
        match &evidence.outcome {
            Outcome::Success { out_refund_no, at } if enough_left => {
                self.succeed(out_refund_no, *at, evidence.at);
                self.refund.review_reason = Some(ReviewReason::LateSuccess);
                self.refund.reviewed = false;
            }
            Outcome::Success { out_refund_no, .. } => {
                self.refund.learn_out_refund_no(out_refund_no);
                self.flag(ReviewReason::Overpaid);
            }
            // The channel is at it again: the amount is held before somebody else takes it.
            Outcome::Accepted { out_refund_no }
                if evidence.source == Source::Sync && !self.is_older(evidence) =>
            {
                self.refund.learn_out_refund_no(out_refund_no);
                self.refund.submissions.acknowledge();
                if enough_left {
                    self.reopen(evidence.at);
                } else {
                    self.flag(ReviewReason::Contradicted);
                }
            }
            Outcome::Abnormal { .. } if !self.is_older(evidence) => {
                self.flag(ReviewReason::Abnormal);
            }
            _ => {}
        }
    }

    /// Returns true for evidence from before the refund was settled. Both moments are of our clock: a
    /// channel's own clock may be hours off.
    fn is_older(&self, evidence: &Evidence) -> bool {
        self.refund.settled_at.is_some_and(|at| evidence.at <= at)
    }

    fn succeed(
        &mut self,
        out_refund_no: &Option<String>,
        channel_time: Option<Timestamp>,
        at: Timestamp,
    ) {
        let latest = at.plus_ms(CHANNEL_TIME_AHEAD_MS);
        let refund = &mut self.refund;
        refund.status = RefundStatus::Success;
        refund.learn_out_refund_no(out_refund_no);
        refund.forget_settled_reason();
        refund.error_code = None;
        refund.error_msg = None;
        refund.settled_at = Some(at);
        refund.channel_time = channel_time.filter(|stated| *stated <= latest);
        self.effect = Effect::Changed;
        self.refunded = self.refund.amount;
    }

    fn give_back(
        &mut self,
        status: RefundStatus,
        error_code: Option<String>,
        error_msg: Option<String>,
        at: Timestamp,
    ) {
        let refund = &mut self.refund;
        refund.status = status;
        refund.forget_settled_reason();
        refund.error_code = error_code;
        refund.error_msg = error_msg;
        refund.settled_at = Some(at);
        refund.channel_time = None;
        self.effect = Effect::Changed;
        self.held = -self.refund.amount;
    }

    fn reopen(&mut self, at: Timestamp) {
        let refund = &mut self.refund;
        refund.status = RefundStatus::Progress;
        refund.error_code = None;
        refund.error_msg = None;
        refund.opened_at = at;
        refund.settled_at = None;
        refund.channel_time = None;
        self.effect = Effect::Changed;
        self.held = self.refund.amount;
    }
}
