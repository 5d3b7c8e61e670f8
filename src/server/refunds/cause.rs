//! The cause of a refund's transition, and what the timeline and the audit say of it.

use serde_json::{Value, json};

use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::event::{Event, EventKind, Subject};
use crate::domain::limits;
use crate::domain::refund::{Evidence, OutcomeKind, Refund, Source};
use crate::domain::text::sanitized;
use crate::domain::time::Timestamp;

/// The cause of a transition: what the timeline says of it.
#[derive(Clone, Debug)]
pub struct Cause {
    pub kind: EventKind,
    pub actor: Origin,
    pub at: Timestamp,
    /// The channel's statement, where it is the cause.
    pub outcome: Option<OutcomeKind>,
    /// Words of the channel or of an operator, unchanged.
    pub said: Option<String>,
}

impl Cause {
    /// Makes a cause that nobody said anything about.
    pub fn new(kind: EventKind, actor: impl Into<Origin>, at: Timestamp) -> Cause {
        Cause {
            kind,
            actor: actor.into(),
            at,
            outcome: None,
            said: None,
        }
    }

    /// Makes the cause that evidence is, with the channel's words.
    pub fn of_evidence(
        evidence: &Evidence,
        actor: impl Into<Origin>,
        at: Timestamp,
        said: &str,
    ) -> Cause {
        let kind = match evidence.source {
            Source::Answer => EventKind::Answered,
            Source::Callback => EventKind::Callback,
            Source::Sync => EventKind::Sync,
        };
        Cause {
            outcome: Some(evidence.outcome.kind()),
            said: Some(sanitized(said, limits::SAID_BYTES)),
            ..Cause::new(kind, actor, at)
        }
    }

    /// Returns the event that made this version of a refund out of `before`; `None` for a new refund.
    pub fn event(&self, before: Option<&Refund>, refund: &Refund) -> Event {
        let before = before.unwrap_or(refund).status;
        Event {
            app_id: refund.app_id.clone(),
            subject: Subject::Refund,
            number: refund.refund_no.clone(),
            seq: refund.version,
            at: self.at,
            kind: self.kind,
            actor: self.actor.actor.clone(),
            outcome: self.outcome,
            said: self.said.clone(),
            before: Some(before.as_str().to_owned()),
            after: Some(refund.status.as_str().to_owned()),
        }
    }

    /// Returns the entry of the audit that tells of the transition; `None` for one that nobody decided: what channels
    /// and the system bring about is told by the event and the movement alone.
    pub fn act(&self, before: Option<&Refund>, refund: &Refund) -> Option<Act> {
        if !self.actor.decides() {
            return None;
        }
        let action = match self.kind {
            EventKind::Requested => Action::RefundRequested,
            EventKind::Repeated => Action::RefundRepeated,
            EventKind::Sync => Action::RefundSynced,
            EventKind::Submitted | EventKind::Resubmitted => Action::RefundSubmitted,
            EventKind::Retried => Action::RefundRetried,
            EventKind::Closed => Action::RefundClosed,
            EventKind::Booked => Action::RefundBooked,
            EventKind::Reviewed => Action::RefundReviewed,
            EventKind::Recorded
            | EventKind::Answered
            | EventKind::Callback
            | EventKind::PutOff
            | EventKind::Flagged => return None,
        };
        let subject = (SubjectKind::Refund, refund.refund_no.as_str());
        let act = Act::new(self.at, &self.actor, action, subject).of_app(&refund.app_id);
        let Some(before) = before else {
            return Some(act.to(json!({
                "amount": refund.amount.plain(),
                "orderNo": refund.order_no,
                "bizRefundNo": refund.biz_refund_no,
            })));
        };
        let mut after = json!({"status": refund.status.as_str()});
        match action {
            Action::RefundRepeated => after["changed"] = repeated_fields(before, refund),
            Action::RefundReviewed | Action::RefundBooked => after["remark"] = json!(self.said),
            Action::RefundSynced => after["outcome"] = json!(self.outcome),
            _ => after["amount"] = json!(refund.amount.plain()),
        }
        let before = json!({"status": before.status.as_str()});
        Some(act.from(before).to(after))
    }
}

/// Returns the names of the fields that a repeated request changed.
fn repeated_fields(before: &Refund, after: &Refund) -> Value {
    let fields = [
        ("attach", before.attach != after.attach),
        ("notifyUrl", before.notify_url != after.notify_url),
        ("clientIp", before.client_ip != after.client_ip),
    ];
    let changed = fields.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| name).collect()
}
