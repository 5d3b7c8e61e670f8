//! Stories of the demonstration's refunds. The domain's own transitions and the sandbox's own rules make every event, so
//! that both agree with the result.

use std::ops::Add;

use crate::domain::event::{Actor, Event, EventKind, Subject};
use crate::domain::money::Fen;
use crate::domain::movement::{Amounts, Movement, MovementEvidence};
use crate::domain::order::Order;
use crate::domain::refund::{
    Booking, Evidence, Outcome, OutcomeKind, Refund, RefundStatus, ReviewReason, Source, Statement,
};
use crate::domain::time::Timestamp;
use crate::server::channels::adapter::Reply;
use crate::server::channels::sandbox::ledger;
use crate::server::channels::sandbox::ledger::{CallbackBody, Delivery, Params};
use crate::server::store::sandbox::LedgerRow;

/// Time that the channel takes to answer.
const ANSWER_MS: i64 = 240;

/// A refund, its timeline and its row in the sandbox's book, so far.
#[derive(Clone, Debug)]
pub struct Story {
    pub refund: Refund,
    pub events: Vec<Event>,
    pub movements: Vec<Movement>,
    pub book: Option<LedgerRow>,
    now: Timestamp,
    delay_ms: i64,
}

impl Story {
    /// Requests the refund: the order holds its amount.
    pub fn begin(order: &mut Order, refund: Refund, actor: Actor, delay_ms: i64) -> Story {
        let now = refund.created_at;
        let mut story = Story {
            refund,
            events: Vec::new(),
            movements: Vec::new(),
            book: None,
            now,
            delay_ms,
        };
        let change = Amounts {
            held: story.refund.amount,
            ..Amounts::default()
        };
        story.move_money(order, change, EventKind::Requested);
        story.note(EventKind::Requested, actor, story.refund.status);
        story
    }

    /// Lets time pass.
    pub fn wait(&mut self, ms: i64) -> &mut Self {
        self.now = self.now.plus_ms(ms);
        self
    }

    /// Submits the refund, and settles it by the channel's answer.
    pub fn submit(&mut self, order: &mut Order) -> &mut Self {
        let row = self.enter(order);
        let unknown = |why: &str| Reply {
            outcome: Outcome::Unknown {
                why: why.to_owned(),
            }
            .into(),
            raw: why.to_owned(),
        };
        let answer = match ledger::heard(&row, self.now) {
            Delivery::Answer(answer) => answer,
            Delivery::Broken(why) | Delivery::Nothing(why) => unknown(why),
        };
        self.wait(ANSWER_MS);
        self.settle(order, Source::Answer, answer, Actor::Channel)
    }

    /// Submits the refund: the channel takes it, but its answer says that it refused.
    pub fn submit_misheard(&mut self, order: &mut Order) -> &mut Self {
        self.enter(order);
        self.wait(ANSWER_MS);
        self.settle(order, Source::Answer, refusal(), Actor::Channel)
    }

    /// Applies the channel's callback.
    pub fn call_back(&mut self, order: &mut Order) -> &mut Self {
        let body = self.book.as_ref().map(CallbackBody::of);
        let said = body.as_ref().map(CallbackBody::to_json).unwrap_or_default();
        match body.map(|body| body.outcome()) {
            Some(Ok(outcome)) => {
                let outcome = outcome.into();
                let answer = Reply { outcome, raw: said };
                self.settle(order, Source::Callback, answer, Actor::Channel)
            }
            _ => self,
        }
    }

    /// Applies a callback that names another amount.
    pub fn call_back_with_another_amount(&mut self) -> &mut Self {
        let before = self.refund.status;
        let said = self.book.as_ref().map(|row| {
            let amount = Fen(row.amount.0 * 10);
            let wrong = LedgerRow {
                amount,
                ..row.clone()
            };
            CallbackBody::of(&wrong).to_json()
        });
        self.next(self.refund.flagged(ReviewReason::AmountDiffers).refund);
        self.note(EventKind::Callback, Actor::Channel, before);
        if let Some(event) = self.events.last_mut() {
            event.outcome = Some(OutcomeKind::Success);
            event.said = said;
        }
        self
    }

    /// Asks the channel, and submits the refund again where the channel does not know it.
    pub fn sync(&mut self, order: &mut Order, actor: Actor) -> &mut Self {
        let channel_no = self.refund.channel_no();
        let answer = ledger::answer_when_asked(self.book.as_ref(), channel_no, self.now);
        let not_found = answer.outcome.outcome == Outcome::NotFound;
        self.settle(order, Source::Sync, answer, actor);
        if not_found && self.refund.holds() && !self.refund.submissions.acknowledged() {
            self.wait(ANSWER_MS);
            self.next(self.refund.submitted(self.now).refund);
            self.note(EventKind::Resubmitted, Actor::System, self.refund.status);
            self.submit(order);
        }
        self
    }

    /// Asks the channel, which denies the refund although it was paid out.
    pub fn sync_misheard(&mut self, order: &mut Order, actor: Actor) -> &mut Self {
        self.settle(order, Source::Sync, refusal(), actor)
    }

    /// Retries the failed refund.
    pub fn retry(&mut self, order: &mut Order, actor: Actor) -> &mut Self {
        let before = self.refund.status;
        let retried = self.refund.retried(self.now, None);
        let change = retried.change();
        self.next(retried.refund.submitted(self.now).refund);
        self.move_money(order, change, EventKind::Retried);
        self.note(EventKind::Retried, actor, before);
        self.submit(order)
    }

    /// Closes the failed refund by hand.
    pub fn close(&mut self, actor: Actor) -> &mut Self {
        let before = self.refund.status;
        self.next(self.refund.closed_after_failure().refund);
        self.note(EventKind::Closed, actor, before);
        self
    }

    /// Books what became of the refund's money.
    pub fn book(&mut self, order: &mut Order, remark: &str, actor: Actor) -> &mut Self {
        let changes = self.movements.iter().map(|movement| movement.change);
        let booked = changes.fold(Amounts::default(), Amounts::add);
        let settlement = match self.refund.bookable() {
            Some(Booking::Overpaid) => {
                (self.refund).booked_as_overpaid(order.refundable(), self.now, 0)
            }
            Some(Booking::Returned) => self.refund.booked_as_returned(booked, self.now),
            None => return self,
        };
        let (before, change) = (self.refund.status, settlement.change());
        self.next(settlement.refund);
        self.move_money(order, change, EventKind::Booked);
        self.note(EventKind::Booked, actor, before);
        if let Some(event) = self.events.last_mut() {
            event.said = Some(remark.to_owned());
        }
        self
    }

    /// Ends the story at the present: flags a refund that has been open for too long, and makes one that is to be asked
    /// for due from here on.
    pub fn arrive(&mut self, now: Timestamp, overdue_after_ms: i64, recheck_after_ms: i64) {
        let raised_at = self.refund.opened_at.plus_ms(overdue_after_ms);
        if self.refund.holds() && self.refund.review_reason.is_none() && raised_at < now {
            self.now = self.now.max(raised_at);
            self.next(self.refund.flagged(ReviewReason::Overdue).refund);
            self.note(EventKind::Flagged, Actor::System, self.refund.status);
        }
        let recheck = self
            .refund
            .settled_at
            .map(|at| at.plus_ms(recheck_after_ms));
        let due_at = match self.refund.status {
            RefundStatus::Progress => Some(self.refund.next_poll_at(now)),
            RefundStatus::Success => recheck.filter(|at| *at > now),
            RefundStatus::Fail | RefundStatus::Close => None,
        };
        self.refund.submissions.be_due(due_at);
    }

    fn enter(&mut self, order: &Order) -> LedgerRow {
        let params = Params {
            refund_no: self.refund.channel_no().to_owned(),
            out_order_no: order.out_order_no.clone().unwrap_or_default(),
            amount: self.refund.amount.0,
        };
        let known = self.book.take();
        let row = ledger::enter(known, &order.app_id, &params, self.now, self.delay_ms);
        self.book = Some(row.clone());
        row
    }

    fn settle(
        &mut self,
        order: &mut Order,
        source: Source,
        answer: Reply<Statement>,
        actor: Actor,
    ) -> &mut Self {
        let evidence = Evidence {
            source,
            attempt: self.refund.submissions.current().attempt,
            outcome: answer.outcome.outcome,
            amount: answer.outcome.amount,
            at: self.now,
        };
        let before = self.refund.status;
        let mut settlement = self.refund.settle(order.refundable(), &evidence);
        let change = settlement.change();
        if source == Source::Answer {
            let submissions = &mut settlement.refund.submissions;
            submissions.keep_answer(evidence.attempt, &answer.raw, self.now);
        }
        self.next(settlement.refund);
        let kind = match source {
            Source::Answer => EventKind::Answered,
            Source::Callback => EventKind::Callback,
            Source::Sync => EventKind::Sync,
        };
        self.move_money(order, change, kind);
        self.note(kind, actor, before);
        if let Some(event) = self.events.last_mut() {
            event.outcome = Some(evidence.outcome.kind());
            event.said = Some(answer.raw);
        }
        self
    }

    /// Moves the order's balance by a transition that made the refund's version.
    fn move_money(&mut self, order: &mut Order, change: Amounts, event: EventKind) {
        order.held = order.held + change.held;
        order.refunded = order.refunded + change.refunded;
        order.overpaid = order.overpaid + change.overpaid;
        let evidence = MovementEvidence::of(event);
        let movement = Movement::of(&self.refund, change, evidence, self.now);
        self.movements.extend(movement);
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
            outcome: None,
            said: None,
            before: Some(before.as_str().to_owned()),
            after: Some(self.refund.status.as_str().to_owned()),
        });
    }
}

/// Makes an untrue refusal.
fn refusal() -> Reply<Statement> {
    Reply {
        outcome: Outcome::Fail {
            code: "SYSTEM_ERROR".to_owned(),
            msg: "通道系统异常".to_owned(),
        }
        .into(),
        raw: r#"{"code":"SYSTEM_ERROR","message":"通道系统异常"}"#.to_owned(),
    }
}
