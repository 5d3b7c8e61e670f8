//! The one door: what evidence is, and what each piece of it does to a refund.

use super::{Attention, Refund, RefundStatus};
use crate::domain::money::Fen;
use crate::domain::time::Millis;
use crate::domain::words;

words! {
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
pub enum Finding {
    /// It has it and is not done.
    Accepted { out_refund_no: Option<String> },
    /// The money moved.
    Success {
        out_refund_no: Option<String>,
        at: Option<Millis>,
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

words! {
    /// The bare word of a [`Finding`], for the timeline.
    FindingWord {
        Accepted = "accepted",
        Success = "success",
        Fail = "fail",
        Close = "close",
        NotFound = "not_found",
        Unknown = "unknown",
    }
}

impl Finding {
    /// The finding without its details.
    pub fn word(&self) -> FindingWord {
        match self {
            Finding::Accepted { .. } => FindingWord::Accepted,
            Finding::Success { .. } => FindingWord::Success,
            Finding::Fail { .. } => FindingWord::Fail,
            Finding::Close { .. } => FindingWord::Close,
            Finding::NotFound => FindingWord::NotFound,
            Finding::Unknown { .. } => FindingWord::Unknown,
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
    pub finding: Finding,
    /// When the channel was asked, or when its callback arrived.
    pub at: Millis,
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
    pub fn settle(&self, room: Fen, evidence: &Evidence) -> Settlement {
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
                settlement.after_giving_back(room, evidence)
            }
        }
        settlement
    }

    /// Takes a failed refund up again under its own number. The caller has found room for it.
    pub fn retried(&self, at: Millis) -> Refund {
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
    pub fn submitted_again(&self, at: Millis) -> Refund {
        let submitted = Refund {
            attempt: self.attempt + 1,
            unanswered: self.unanswered + 1,
            submitted_at: at,
            ..self.clone()
        };
        Refund {
            next_sync_at: Some(submitted.next_rung(at)),
            ..submitted
        }
    }

    /// Gives up a refund in progress that the channel, asked late enough, does not know. The caller
    /// gives the amount back to the order.
    pub fn closed_as_unknown(&self, at: Millis, recheck_ms: i64) -> Refund {
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
            evidence.finding,
            Finding::Fail { .. } | Finding::Close { .. } | Finding::NotFound
        );
        match (evidence.source, &evidence.finding) {
            (Source::Answer, Finding::Unknown { .. }) => {}
            (Source::Answer, _) => self.unanswered = (self.unanswered - 1).max(0),
            (Source::Sync, _) if says_no && evidence.attempt == self.attempt => self.unanswered = 0,
            _ => {}
        }
    }

    /// Whether a refusal may give the amount back. It may not while another submission of the same
    /// number could still succeed.
    fn refusal_is_conclusive(&self, evidence: &Evidence) -> bool {
        evidence.attempt == self.attempt
            && match evidence.source {
                Source::Answer => self.unanswered == 0,
                Source::Callback => self.attempt == 1,
                Source::Sync => true,
            }
    }

    fn learn_out_refund_no(&mut self, out_refund_no: &Option<String>) {
        if self.out_refund_no.is_none() {
            self.out_refund_no.clone_from(out_refund_no);
        }
    }

    fn succeed(&mut self, out_refund_no: &Option<String>, at: Millis) {
        self.status = RefundStatus::Success;
        self.learn_out_refund_no(out_refund_no);
        self.acknowledged = true;
        self.attention = None;
        self.error_code = None;
        self.error_msg = None;
        self.finished_at = Some(at);
    }

    fn give_up(&mut self, status: RefundStatus, code: Option<String>, msg: String, at: Millis) {
        self.status = status;
        self.attention = None;
        self.error_code = code;
        self.error_msg = Some(msg);
        self.finished_at = Some(at);
    }
}

impl Settlement {
    fn raise(&mut self, attention: Attention) {
        if self.refund.attention != Some(attention) {
            self.refund.reviewed = false;
        }
        self.refund.attention = Some(attention);
        self.effect = Effect::Raised;
    }

    fn in_progress(&mut self, evidence: &Evidence) {
        let amount = self.refund.amount;
        let conclusive = self.refund.refusal_is_conclusive(evidence);
        match &evidence.finding {
            Finding::Accepted { out_refund_no } => {
                self.refund.acknowledged = true;
                self.refund.learn_out_refund_no(out_refund_no);
            }
            Finding::Success { out_refund_no, at } => {
                self.refund
                    .succeed(out_refund_no, at.unwrap_or(evidence.at));
                self.effect = Effect::Changed;
                self.held = Fen::ZERO - amount;
                self.refunded = amount;
            }
            Finding::Fail { code, msg } if conclusive => {
                self.refund.give_up(
                    RefundStatus::Fail,
                    Some(code.clone()),
                    msg.clone(),
                    evidence.at,
                );
                self.effect = Effect::Changed;
                self.held = Fen::ZERO - amount;
            }
            Finding::Close { msg } if conclusive => {
                self.refund
                    .give_up(RefundStatus::Close, None, msg.clone(), evidence.at);
                self.effect = Effect::Changed;
                self.held = Fen::ZERO - amount;
            }
            Finding::NotFound if self.refund.acknowledged => self.raise(Attention::Absent),
            Finding::Fail { .. }
            | Finding::Close { .. }
            | Finding::NotFound
            | Finding::Unknown { .. } => {}
        }
    }

    fn after_success(&mut self, evidence: &Evidence) {
        // An answer belongs to a submission that was overtaken; what was asked before the success
        // was seen is older than it; and a callback that says no may be of an earlier submission.
        let older = evidence.source == Source::Answer
            || self.refund.finished_at.is_some_and(|at| evidence.at <= at)
            || !self.refund.refusal_is_conclusive(evidence);
        match &evidence.finding {
            Finding::Success { out_refund_no, .. } => {
                self.refund.learn_out_refund_no(out_refund_no)
            }
            Finding::Fail { .. } | Finding::Close { .. } | Finding::NotFound if !older => {
                self.raise(Attention::Contradicted);
            }
            _ => {}
        }
    }

    fn after_giving_back(&mut self, room: Fen, evidence: &Evidence) {
        let amount = self.refund.amount;
        let older = self.refund.finished_at.is_some_and(|at| evidence.at <= at);
        match &evidence.finding {
            Finding::Success { out_refund_no, at } if room >= amount => {
                self.refund
                    .succeed(out_refund_no, at.unwrap_or(evidence.at));
                self.refund.attention = Some(Attention::LateSuccess);
                self.refund.reviewed = false;
                self.effect = Effect::Changed;
                self.refunded = amount;
            }
            Finding::Success { out_refund_no, .. } => {
                self.refund.learn_out_refund_no(out_refund_no);
                self.raise(Attention::Overpaid);
            }
            // The channel is at it again: hold the amount before somebody else takes it.
            Finding::Accepted { out_refund_no } if evidence.source == Source::Sync && !older => {
                self.refund.learn_out_refund_no(out_refund_no);
                self.refund.acknowledged = true;
                if room >= amount {
                    self.refund.status = RefundStatus::Progress;
                    self.refund.opened_at = evidence.at;
                    self.refund.finished_at = None;
                    self.effect = Effect::Changed;
                    self.held = amount;
                } else {
                    self.raise(Attention::Contradicted);
                }
            }
            _ => {}
        }
    }
}
