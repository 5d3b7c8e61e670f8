//! How a refund of the demonstration came to be what it is: told by the domain's own table and the
//! sandbox's own rules, so that both agree with it.

use crate::domain::event::{Actor, Event, EventKind, Subject};
use crate::domain::order::Order;
use crate::domain::refund::{Attention, Evidence, Finding, Refund, RefundStatus, Source};
use crate::domain::time::Millis;
use crate::server::channel::Answer;
use crate::server::channel::sandbox::book::{self, CallbackBody, Heard, Submission};
use crate::server::store::sandbox::BookRow;

/// How long a channel takes to answer.
const ANSWER_MS: i64 = 240;

/// A refund, its timeline and its row in the sandbox's book, so far.
#[derive(Clone, Debug)]
pub struct Story {
    pub refund: Refund,
    pub events: Vec<Event>,
    pub book: Option<BookRow>,
    now: Millis,
    delay_ms: i64,
}

impl Story {
    /// A refund is asked for: its amount is held.
    pub fn begin(order: &mut Order, refund: Refund, actor: Actor, delay_ms: i64) -> Story {
        order.held = order.held + refund.amount;
        let now = refund.created_at;
        let mut story = Story {
            refund,
            events: Vec::new(),
            book: None,
            now,
            delay_ms,
        };
        story.note(EventKind::Requested, actor, story.refund.status);
        story
    }

    /// Time goes by.
    pub fn wait(&mut self, ms: i64) -> &mut Self {
        self.now = self.now.plus_ms(ms);
        self
    }

    /// It is submitted, and settled by what is heard of that.
    pub fn submit(&mut self, order: &mut Order) -> &mut Self {
        let row = self.enter(order);
        let unknown = |why: &str| Answer {
            finding: Finding::Unknown {
                why: why.to_owned(),
            },
            said: why.to_owned(),
        };
        let answer = match book::heard(&row, self.now) {
            Heard::Answer(answer) => answer,
            Heard::Broken(why) | Heard::Nothing(why) => unknown(why),
        };
        self.wait(ANSWER_MS);
        self.settle(order, Source::Answer, answer, Actor::Channel)
    }

    /// It is submitted and taken, yet the answer says that it was refused.
    pub fn submit_misheard(&mut self, order: &mut Order) -> &mut Self {
        self.enter(order);
        self.wait(ANSWER_MS);
        self.settle(order, Source::Answer, refusal(), Actor::Channel)
    }

    /// The channel calls back.
    pub fn call_back(&mut self, order: &mut Order) -> &mut Self {
        let body = self.book.as_ref().map(CallbackBody::of);
        let said = body.as_ref().map(CallbackBody::to_json).unwrap_or_default();
        match body.map(|body| body.finding()) {
            Some(Ok(finding)) => {
                let answer = Answer { finding, said };
                self.settle(order, Source::Callback, answer, Actor::Channel)
            }
            _ => self,
        }
    }

    /// The channel is asked, and the refund submitted again where it never saw it.
    pub fn sync(&mut self, order: &mut Order, actor: Actor) -> &mut Self {
        let channel_no = &self.refund.channel_no;
        let answer = book::answer_when_asked(self.book.as_ref(), channel_no, self.now);
        let not_found = answer.finding == Finding::NotFound;
        self.settle(order, Source::Sync, answer, actor);
        if not_found && self.refund.holds() && !self.refund.acknowledged {
            self.wait(ANSWER_MS);
            self.next(self.refund.submitted_again(self.now));
            self.note(EventKind::Resubmitted, Actor::System, self.refund.status);
            self.submit(order);
        }
        self
    }

    /// The channel is asked, and says that it refused what it had paid out.
    pub fn sync_misheard(&mut self, order: &mut Order, actor: Actor) -> &mut Self {
        self.settle(order, Source::Sync, refusal(), actor)
    }

    /// A failed refund is taken up again.
    pub fn retry(&mut self, order: &mut Order, actor: Actor) -> &mut Self {
        let before = self.refund.status;
        self.next(self.refund.retried(self.now));
        order.held = order.held + self.refund.amount;
        self.note(EventKind::Retried, actor, before);
        self.submit(order)
    }

    /// A failed refund is closed by hand.
    pub fn close(&mut self, actor: Actor) -> &mut Self {
        let before = self.refund.status;
        self.next(Refund {
            status: RefundStatus::Close,
            ..self.refund.clone()
        });
        self.note(EventKind::Closed, actor, before);
        self
    }

    /// The story has come to the present: what has been open for long was raised, and what is to be
    /// asked for is asked for from here on.
    pub fn arrive(&mut self, now: Millis, overdue_after_ms: i64, recheck_after_ms: i64) {
        let raised_at = self.refund.opened_at.plus_ms(overdue_after_ms);
        if self.refund.holds() && self.refund.attention.is_none() && raised_at < now {
            self.now = self.now.max(raised_at);
            self.next(Refund {
                attention: Some(Attention::Overdue),
                ..self.refund.clone()
            });
            self.note(EventKind::Raised, Actor::System, self.refund.status);
        }
        let recheck = self
            .refund
            .finished_at
            .map(|at| at.plus_ms(recheck_after_ms));
        self.refund.next_sync_at = match self.refund.status {
            RefundStatus::Progress => Some(self.refund.next_rung(now)),
            RefundStatus::Success => recheck.filter(|at| *at > now),
            RefundStatus::Fail | RefundStatus::Close => None,
        };
    }

    fn enter(&mut self, order: &Order) -> BookRow {
        let submission = Submission {
            app_id: order.app_id.clone(),
            out_order_no: order.out_order_no.clone().unwrap_or_default(),
            channel_no: self.refund.channel_no.clone(),
            amount: self.refund.amount,
        };
        let row = book::enter(self.book.take(), &submission, self.now, self.delay_ms);
        self.book = Some(row.clone());
        row
    }

    fn settle(
        &mut self,
        order: &mut Order,
        source: Source,
        answer: Answer<Finding>,
        actor: Actor,
    ) -> &mut Self {
        let evidence = Evidence {
            source,
            attempt: self.refund.attempt,
            finding: answer.finding,
            at: self.now,
        };
        let before = self.refund.status;
        let settlement = self.refund.settle(order.refundable(), &evidence);
        order.held = order.held + settlement.held;
        order.refunded = order.refunded + settlement.refunded;
        self.next(settlement.refund);
        let kind = match source {
            Source::Answer => EventKind::Answered,
            Source::Callback => EventKind::Callback,
            Source::Sync => EventKind::Sync,
        };
        self.note(kind, actor, before);
        if let Some(event) = self.events.last_mut() {
            event.finding = Some(evidence.finding.word());
            event.said = Some(answer.said);
        }
        self
    }

    fn next(&mut self, refund: Refund) {
        let version = self.refund.version + 1;
        self.refund = Refund { version, ..refund };
    }

    fn note(&mut self, kind: EventKind, actor: Actor, before: RefundStatus) {
        self.events.push(Event {
            app_id: self.refund.app_id.clone(),
            subject: Subject::Refund,
            number: self.refund.refund_no.clone(),
            seq: self.refund.version,
            at: self.now,
            kind,
            actor,
            finding: None,
            said: None,
            before: Some(before.word().to_owned()),
            after: Some(self.refund.status.word().to_owned()),
        });
    }
}

/// A refusal that is not true.
fn refusal() -> Answer<Finding> {
    Answer {
        finding: Finding::Fail {
            code: "SYSTEM_ERROR".to_owned(),
            msg: "通道系统异常".to_owned(),
        },
        said: r#"{"code":"SYSTEM_ERROR","message":"通道系统异常"}"#.to_owned(),
    }
}
