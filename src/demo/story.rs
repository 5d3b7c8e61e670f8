//! Stories of the demonstration's refunds. The domain's own transitions and the sandbox's own rules make every event, so
//! that both agree with the result.

use std::mem;
use std::ops::Add;

use crate::domain::audit::{Act, Origin};
use crate::domain::event::{Actor, Event, EventKind};
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
use crate::server::refunds::Cause;
use crate::server::store::sandbox::LedgerRow;

/// Time that the channel takes to answer.
const ANSWER_MS: i64 = 240;

/// A refund, its timeline, its entries in the audit and its row in the sandbox's book, so far.
#[derive(Clone, Debug)]
pub struct Story {
    pub refund: Refund,
    pub events: Vec<Event>,
    pub acts: Vec<Act>,
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
            acts: Vec::new(),
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
        story.tell(&story.cause(EventKind::Requested, actor), None);
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
        let said = self.book.as_ref().map(|row| {
            let amount = Fen(row.amount.0 * 10);
            let wrong = LedgerRow {
                amount,
                ..row.clone()
            };
            CallbackBody::of(&wrong).to_json()
        });
        let cause = Cause {
            outcome: Some(OutcomeKind::Success),
            said,
            ..self.cause(EventKind::Callback, Actor::Channel)
        };
        let before = self.next(self.refund.flagged(ReviewReason::AmountDiffers).refund);
        self.tell(&cause, Some(&before));
        self
    }

    /// Asks the channel, and submits the refund again where the channel does not know it.
    pub fn sync(&mut self, order: &mut Order, actor: Actor) -> &mut Self {
        let channel_no = self.refund.channel_no();
        let answer = ledger::answer_when_asked(self.book.as_ref(), channel_no, self.now);
        let not_found = answer.outcome.outcome == Outcome::NotFound;
        self.settle(order, Source::Sync, answer, actor.clone());
        if not_found && self.refund.holds() && !self.refund.submissions.acknowledged() {
            self.wait(ANSWER_MS);
            let before = self.next(self.refund.submitted(self.now).refund);
            self.tell(&self.cause(EventKind::Resubmitted, actor), Some(&before));
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
        let retried = self.refund.retried(self.now, None);
        let change = retried.change();
        let before = self.next(retried.refund.submitted(self.now).refund);
        self.move_money(order, change, EventKind::Retried);
        self.tell(&self.cause(EventKind::Retried, actor), Some(&before));
        self.submit(order)
    }

    /// Closes the failed refund by hand.
    pub fn close(&mut self, actor: Actor) -> &mut Self {
        let before = self.next(self.refund.closed_after_failure().refund);
        self.tell(&self.cause(EventKind::Closed, actor), Some(&before));
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
        let change = settlement.change();
        let before = self.next(settlement.refund);
        self.move_money(order, change, EventKind::Booked);
        let cause = Cause {
            said: Some(remark.to_owned()),
            ..self.cause(EventKind::Booked, actor)
        };
        self.tell(&cause, Some(&before));
        self
    }

    /// Ends the story at the present: flags a refund that has been open for too long, and makes one that is to be asked
    /// for due from here on.
    pub fn arrive(&mut self, now: Timestamp, overdue_after_ms: i64, recheck_after_ms: i64) {
        let raised_at = self.refund.opened_at.plus_ms(overdue_after_ms);
        if self.refund.holds() && self.refund.review_reason.is_none() && raised_at < now {
            self.now = self.now.max(raised_at);
            let before = self.next(self.refund.flagged(ReviewReason::Overdue).refund);
            let cause = self.cause(EventKind::Flagged, Actor::System);
            self.tell(&cause, Some(&before));
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
        let mut settlement = self.refund.settle(order.refundable(), &evidence);
        let change = settlement.change();
        if source == Source::Answer {
            let submissions = &mut settlement.refund.submissions;
            submissions.keep_answer(evidence.attempt, &answer.raw, self.now);
        }
        let before = self.next(settlement.refund);
        let cause = Cause::of_evidence(&evidence, origin(actor), self.now, &answer.raw);
        self.move_money(order, change, cause.kind);
        self.tell(&cause, Some(&before));
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

    /// Makes the refund's next version, and returns the one before.
    fn next(&mut self, refund: Refund) -> Refund {
        let version = self.refund.version + 1;
        mem::replace(&mut self.refund, Refund { version, ..refund })
    }

    fn cause(&self, kind: EventKind, actor: Actor) -> Cause {
        Cause::new(kind, origin(actor), self.now)
    }

    /// Notes what made the refund's version, as the server does.
    fn tell(&mut self, cause: &Cause, before: Option<&Refund>) {
        self.events.push(cause.event(before, &self.refund));
        self.acts.extend(cause.act(before, &self.refund));
    }
}

/// Returns the origin of an act by an actor: merchants and operators have an address of the documentation's networks.
pub fn origin(actor: Actor) -> Origin {
    let address = match &actor {
        Actor::Merchant => Some([198, 51, 100, 20].into()),
        Actor::Operator(_) => Some([198, 51, 100, 7].into()),
        _ => None,
    };
    Origin { actor, address }
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
