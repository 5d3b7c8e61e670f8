//! The one door: what evidence is, and what each piece of it does to a refund.

use crate::domain::money::Fen;
use crate::domain::refund::{Refund, RefundStatus, ReviewReason};
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

string_enum! {
    /// Who brings evidence.
    Source {
        /// The channel's answer to a submission.
        Answer = "answer",
        /// A callback of the channel.
        Callback = "callback",
        /// The channel's answer when asked for the refund's state.
        Sync = "sync",
    }
}

/// What a channel says of a refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has it and is not done.
    Accepted { out_refund_no: Option<String> },
    /// The money moved.
    Success {
        out_refund_no: Option<String>,
        at: Option<Timestamp>,
    },
    /// Refused, for good.
    Fail { code: String, msg: String },
    /// Closed by the channel.
    Close { msg: String },
    /// It does not know it. Only ever evidence once the channel's visibility delay has passed.
    NotFound,
    /// No answer, or one that leaves the outcome open.
    Unknown { why: String },
}

string_enum! {
    /// The bare word of a [`Outcome`], for the timeline.
    OutcomeKind {
        Accepted = "accepted",
        Success = "success",
        Fail = "fail",
        Close = "close",
        NotFound = "not_found",
        Unknown = "unknown",
    }
}

impl Outcome {
    /// The finding without its details.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Outcome::Accepted { .. } => OutcomeKind::Accepted,
            Outcome::Success { .. } => OutcomeKind::Success,
            Outcome::Fail { .. } => OutcomeKind::Fail,
            Outcome::Close { .. } => OutcomeKind::Close,
            Outcome::NotFound => OutcomeKind::NotFound,
            Outcome::Unknown { .. } => OutcomeKind::Unknown,
        }
    }
}

/// A finding, who brought it, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub source: Source,
    /// The submission it answers (`Answer`), or the last one when the channel was asked (`Sync`).
    /// A callback does not tell: the last one we know of.
    pub attempt: i64,
    pub outcome: Outcome,
    /// When the channel was asked, or when its callback arrived.
    pub at: Timestamp,
}

/// What a piece of evidence does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing but an entry in the timeline.
    Noted,
    /// The state changes.
    Changed,
    /// The state stays, and a person has to look.
    Raised,
}

/// The outcome of [`Refund::settle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The refund as it is from now on (its version not yet counted up).
    pub refund: Refund,
    pub effect: Effect,
    /// What the order's held amount changes by.
    pub held: Fen,
    /// What the order's refunded amount changes by.
    pub refunded: Fen,
}

impl Refund {
    /// Whether the amount is held by this refund.
    pub fn holds(&self) -> bool {
        self.status == RefundStatus::Progress
    }

    /// Applies evidence. `room` is what the order could still refund; it matters only to a refund
    /// whose amount was given back.
    ///
    /// | state | success | fail, close | accepted | not found | unknown |
    /// |---|---|---|---|---|---|
    /// | `progress` | `success` | `fail`, `close` where conclusive | acknowledged | raised if acknowledged | stays |
    /// | `success` | same again | raised unless older | noted | raised unless older | noted |
    /// | `fail`, `close` | `success` and raised, if there is room; else only raised | noted | held again if a sync says so and there is room | noted | noted |
    pub fn settle(&self, refundable: Fen, evidence: &Evidence) -> Settlement {
        let mut settlement = Settlement {
            refund: self.clone(),
            effect: Effect::Noted,
            held: Fen::ZERO,
            refunded: Fen::ZERO,
        };
        settlement.refund.count_answer(evidence);
        match self.status {
            RefundStatus::Progress => settlement.in_progress(evidence),
            RefundStatus::Success => settlement.after_success(evidence),
            RefundStatus::Fail | RefundStatus::Close => {
                settlement.after_giving_back(refundable, evidence)
            }
        }
        settlement
    }

    /// Takes a failed refund up again under its own number. The caller has found room for it.
    pub fn retried(&self, at: Timestamp) -> Refund {
        let reopened = Refund {
            status: RefundStatus::Progress,
            error_code: None,
            error_msg: None,
            opened_at: at,
            finished_at: None,
            ..self.clone()
        };
        reopened.submitted_again(at)
    }

    /// Counts one more submission under the same number.
    pub fn submitted_again(&self, at: Timestamp) -> Refund {
        let submitted = Refund {
            attempt: self.attempt + 1,
            unresolved_submissions: self.unresolved_submissions + 1,
            submitted_at: at,
            ..self.clone()
        };
        Refund {
            next_sync_at: Some(submitted.next_poll_at(at)),
            ..submitted
        }
    }

    /// Gives up a refund in progress that the channel, asked late enough, does not know. The caller
    /// gives the amount back to the order.
    pub fn closed_as_unknown(&self, at: Timestamp, recheck_ms: i64) -> Refund {
        let mut closed = self.clone();
        closed.give_up(RefundStatus::Close, None, String::new(), at);
        closed.error_msg = None;
        closed.next_sync_at = (recheck_ms > 0).then(|| at.plus_ms(recheck_ms));
        closed
    }

    /// A definite answer ends the doubt about its own submission. A channel that was asked late
    /// enough and says no, or does not know the refund, ends the doubt about all of them.
    fn count_answer(&mut self, evidence: &Evidence) {
        let says_no = matches!(
            evidence.outcome,
            Outcome::Fail { .. } | Outcome::Close { .. } | Outcome::NotFound
        );
        match (evidence.source, &evidence.outcome) {
            (Source::Answer, Outcome::Unknown { .. }) => {}
            (Source::Answer, _) => {
                self.unresolved_submissions = (self.unresolved_submissions - 1).max(0)
            }
            (Source::Sync, _) if says_no && evidence.attempt == self.attempt => {
                self.unresolved_submissions = 0
            }
            _ => {}
        }
    }

    /// Whether a refusal may give the amount back. It may not while another submission of the same
    /// number could still succeed.
    fn refusal_is_conclusive(&self, evidence: &Evidence) -> bool {
        evidence.attempt == self.attempt
            && match evidence.source {
                Source::Answer => self.unresolved_submissions == 0,
                Source::Callback => self.attempt == 1,
                Source::Sync => true,
            }
    }

    fn learn_out_refund_no(&mut self, out_refund_no: &Option<String>) {
        if self.out_refund_no.is_none() {
            self.out_refund_no.clone_from(out_refund_no);
        }
    }

    fn succeed(&mut self, out_refund_no: &Option<String>, at: Timestamp) {
        self.status = RefundStatus::Success;
        self.learn_out_refund_no(out_refund_no);
        self.acknowledged = true;
        self.review_reason = None;
        self.error_code = None;
        self.error_msg = None;
        self.finished_at = Some(at);
    }

    fn give_up(&mut self, status: RefundStatus, code: Option<String>, msg: String, at: Timestamp) {
        self.status = status;
        self.review_reason = None;
        self.error_code = code;
        self.error_msg = Some(msg);
        self.finished_at = Some(at);
    }
}

impl Settlement {
    fn flag_for_review(&mut self, review_reason: ReviewReason) {
        if self.refund.review_reason != Some(review_reason) {
            self.refund.reviewed = false;
        }
        self.refund.review_reason = Some(review_reason);
        self.effect = Effect::Raised;
    }

    fn in_progress(&mut self, evidence: &Evidence) {
        let amount = self.refund.amount;
        let conclusive = self.refund.refusal_is_conclusive(evidence);
        match &evidence.outcome {
            Outcome::Accepted { out_refund_no } => {
                self.refund.acknowledged = true;
                self.refund.learn_out_refund_no(out_refund_no);
            }
            Outcome::Success { out_refund_no, at } => {
                self.refund
                    .succeed(out_refund_no, at.unwrap_or(evidence.at));
                self.effect = Effect::Changed;
                self.held = Fen::ZERO - amount;
                self.refunded = amount;
            }
            Outcome::Fail { code, msg } if conclusive => {
                self.refund.give_up(
                    RefundStatus::Fail,
                    Some(code.clone()),
                    msg.clone(),
                    evidence.at,
                );
                self.effect = Effect::Changed;
                self.held = Fen::ZERO - amount;
            }
            Outcome::Close { msg } if conclusive => {
                self.refund
                    .give_up(RefundStatus::Close, None, msg.clone(), evidence.at);
                self.effect = Effect::Changed;
                self.held = Fen::ZERO - amount;
            }
            Outcome::NotFound if self.refund.acknowledged => {
                self.flag_for_review(ReviewReason::Absent)
            }
            Outcome::Fail { .. }
            | Outcome::Close { .. }
            | Outcome::NotFound
            | Outcome::Unknown { .. } => {}
        }
    }

    fn after_success(&mut self, evidence: &Evidence) {
        // An answer belongs to a submission that was overtaken; what was asked before the success
        // was seen is older than it; and a callback that says no may be of an earlier submission.
        let older = evidence.source == Source::Answer
            || self.refund.finished_at.is_some_and(|at| evidence.at <= at)
            || !self.refund.refusal_is_conclusive(evidence);
        match &evidence.outcome {
            Outcome::Success { out_refund_no, .. } => {
                self.refund.learn_out_refund_no(out_refund_no)
            }
            Outcome::Fail { .. } | Outcome::Close { .. } | Outcome::NotFound if !older => {
                self.flag_for_review(ReviewReason::Contradicted);
            }
            _ => {}
        }
    }

    fn after_giving_back(&mut self, refundable: Fen, evidence: &Evidence) {
        let amount = self.refund.amount;
        let older = self.refund.finished_at.is_some_and(|at| evidence.at <= at);
        match &evidence.outcome {
            Outcome::Success { out_refund_no, at } if refundable >= amount => {
                self.refund
                    .succeed(out_refund_no, at.unwrap_or(evidence.at));
                self.refund.review_reason = Some(ReviewReason::LateSuccess);
                self.refund.reviewed = false;
                self.effect = Effect::Changed;
                self.refunded = amount;
            }
            Outcome::Success { out_refund_no, .. } => {
                self.refund.learn_out_refund_no(out_refund_no);
                self.flag_for_review(ReviewReason::Overpaid);
            }
            // The channel is at it again: hold the amount before somebody else takes it.
            Outcome::Accepted { out_refund_no } if evidence.source == Source::Sync && !older => {
                self.refund.learn_out_refund_no(out_refund_no);
                self.refund.acknowledged = true;
                if refundable >= amount {
                    self.refund.status = RefundStatus::Progress;
                    self.refund.opened_at = evidence.at;
                    self.refund.finished_at = None;
                    self.effect = Effect::Changed;
                    self.held = amount;
                } else {
                    self.flag_for_review(ReviewReason::Contradicted);
                }
            }
            _ => {}
        }
    }
}
