//! The table of `Refund::settle` under random histories.
//!
//! A model of an order, its refunds and a channel: submissions are lost or arrive late, answers are lost, callbacks
//! come late, twice and out of order, syncs are overtaken by other evidence. With a channel that is slow and forgetful
//! but truthful, no more money may move than was paid, whatever happens. With a channel that lies, our own books must
//! still add up.

use crate::support::new_refund;
use proptest::prelude::*;
use refundry::domain::money::Fen;
use refundry::domain::movement::Amounts;
use refundry::domain::order::{Channel, Order, OrderStatus};
use refundry::domain::refund::{
    Booking, Delay, Effect, Evidence, NewNumber, Outcome, OutcomeKind, Refund, RefundStatus,
    RepeatedFields, ReviewReason, Settlement, Source, WaitReason,
};
use refundry::domain::time::Timestamp;

const PAID: Fen = Fen(100);
const REFUNDS: usize = 3;

/// The state of one number in the channel's book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Book {
    Unseen,
    Processing,
    Success,
    Fail,
    Close,
}

/// A submission under way: its number's index, its attempt, and whether we still wait for its answer.
#[derive(Clone, Debug)]
struct Flight {
    refund: usize,
    attempt: i64,
    waiting: bool,
}

struct World {
    refunds: Vec<Refund>,
    refunded: Fen,
    held: Fen,
    overpaid: Fen,
    /// Share of each refund in the order's balance.
    booked: Vec<Amounts>,
    book: Vec<Book>,
    moved: Vec<u32>,
    flights: Vec<Flight>,
    /// Answers of the channel on their way to us.
    answers: Vec<(usize, Evidence)>,
    callbacks: Vec<(usize, Book)>,
    /// Syncs whose answer was read but not yet applied.
    syncs: Vec<(usize, Evidence)>,
    now: i64,
    lying: bool,
}

#[derive(Clone, Debug)]
enum Step {
    /// A request for a refund. With `queued`, it is recorded now and submitted later; with `approval`, once approved.
    Ask {
        amount: i64,
        queued: bool,
        approval: bool,
    },
    Approve(usize),
    /// A change by a person or the system without evidence.
    Flag(usize),
    Review(usize),
    /// A person books overpaid or returned money.
    Book(usize),
    Repeat(usize),
    /// A person closes a refund that the channel, queried now, does not know.
    CloseUnknown(usize),
    /// A retry. With `lease_over`, an earlier sync or answer has hung until its lease ended.
    Retry {
        refund: usize,
        lease_over: bool,
        approval: bool,
    },
    CloseByHand(usize),
    /// In restored mode, a refund that would be submitted, or is retried, is kept back.
    KeepBack {
        refund: usize,
        retry: bool,
    },
    /// A refund that was kept back is submitted: restored mode is over.
    Release(usize),
    /// A flight reaches the channel, with this result; its answer may get lost.
    Arrive {
        flight: usize,
        becomes: Book,
        answer_lost: bool,
    },
    Lose {
        flight: usize,
    },
    /// We stop waiting for a flight; it may still arrive.
    GiveUpWaiting {
        flight: usize,
    },
    Answer(usize),
    /// The channel decides about a refund that it is processing.
    Decide {
        refund: usize,
        becomes: Book,
    },
    Callback {
        callback: usize,
        keep: bool,
    },
    BeginSync {
        refund: usize,
        lease_over: bool,
    },
    EndSync {
        sync: usize,
        lie: Option<Book>,
    },
    ResubmitIfUnseen(usize),
}

fn book() -> impl Strategy<Value = Book> {
    prop_oneof![
        Just(Book::Processing),
        Just(Book::Success),
        Just(Book::Fail),
        Just(Book::Close)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0usize..8;
    prop_oneof![
        3 => (1i64..=60, any::<bool>(), proptest::bool::weighted(0.2))
            .prop_map(|(amount, queued, approval)| Step::Ask { amount, queued, approval }),
        2 => which.clone().prop_map(Step::Approve),
        1 => which.clone().prop_map(Step::Flag),
        1 => which.clone().prop_map(Step::Review),
        2 => which.clone().prop_map(Step::Book),
        1 => which.clone().prop_map(Step::Repeat),
        1 => which.clone().prop_map(Step::CloseUnknown),
        2 => (which.clone(), any::<bool>(), proptest::bool::weighted(0.2))
            .prop_map(|(refund, lease_over, approval)| Step::Retry { refund, lease_over, approval }),
        1 => which.clone().prop_map(Step::CloseByHand),
        2 => (which.clone(), any::<bool>()).prop_map(|(refund, retry)| Step::KeepBack { refund, retry }),
        2 => which.clone().prop_map(Step::Release),
        4 => (which.clone(), book(), any::<bool>())
            .prop_map(|(flight, becomes, answer_lost)| Step::Arrive { flight, becomes, answer_lost }),
        1 => which.clone().prop_map(|flight| Step::Lose { flight }),
        1 => which.clone().prop_map(|flight| Step::GiveUpWaiting { flight }),
        4 => which.clone().prop_map(Step::Answer),
        2 => (which.clone(), book()).prop_map(|(refund, becomes)| Step::Decide { refund, becomes }),
        3 => (which.clone(), any::<bool>()).prop_map(|(callback, keep)| Step::Callback { callback, keep }),
        3 => (which.clone(), any::<bool>()).prop_map(|(refund, lease_over)| Step::BeginSync { refund, lease_over }),
        4 => (which.clone(), proptest::option::of(prop_oneof![book(), Just(Book::Unseen)]))
            .prop_map(|(sync, lie)| Step::EndSync { sync, lie }),
        2 => which.prop_map(Step::ResubmitIfUnseen),
    ]
}

/// Makes a refund as recorded, not yet submitted.
fn requested(index: usize, amount: i64, now: i64) -> Refund {
    let number = format!("R{index}");
    let order = Order {
        app_id: "A".to_owned(),
        order_no: "P".to_owned(),
        biz_order_no: "B".to_owned(),
        out_order_no: None,
        channel: Channel::Sandbox,
        account_id: "A-sandbox".to_owned(),
        method: None,
        title: "tea".to_owned(),
        amount: PAID,
        refunded: Fen::ZERO,
        held: Fen::ZERO,
        overpaid: Fen::ZERO,
        status: OrderStatus::Success,
        pay_time: None,
        attach: None,
        created_at: Timestamp(0),
        recorded_at: Timestamp(0),
        version: 1,
    };
    let new = new_refund(&order, &number, Fen(amount));
    Refund::requested(new, &order, number, String::new(), Timestamp(now))
}

fn refund(index: usize, amount: i64, now: i64) -> Refund {
    requested(index, amount, now)
        .submitted(Timestamp(now))
        .refund
}

/// Returns the index of one of the things, if there are any.
fn pick<T>(things: &[T], which: usize) -> Option<usize> {
    which.checked_rem(things.len())
}

fn lost() -> Outcome {
    Outcome::Unknown {
        why: "no answer".to_owned(),
    }
}

fn outcome(book: Book) -> Outcome {
    match book {
        Book::Unseen => Outcome::NotFound,
        Book::Processing => Outcome::Accepted {
            out_refund_no: None,
        },
        Book::Success => Outcome::Success {
            out_refund_no: None,
            at: None,
        },
        Book::Fail => Outcome::Fail {
            code: "NO".to_owned(),
            msg: "no".to_owned(),
        },
        Book::Close => Outcome::Close {
            msg: "closed".to_owned(),
        },
    }
}

impl World {
    fn new(lying: bool) -> World {
        World {
            refunds: Vec::new(),
            refunded: Fen::ZERO,
            held: Fen::ZERO,
            overpaid: Fen::ZERO,
            booked: Vec::new(),
            book: Vec::new(),
            moved: Vec::new(),
            flights: Vec::new(),
            answers: Vec::new(),
            callbacks: Vec::new(),
            syncs: Vec::new(),
            now: 0,
            lying,
        }
    }

    fn refundable(&self) -> Fen {
        (PAID - self.refunded - self.held - self.overpaid).max(Fen::ZERO)
    }

    fn settle(&mut self, index: usize, evidence: &Evidence) {
        let before = self.refunds[index].clone();
        let settlement = before.settle(self.refundable(), evidence);
        if settlement.effect != Effect::Changed {
            assert_eq!(settlement.change(), Amounts::default());
            assert_eq!(settlement.refund.status, before.status);
        }
        self.apply(index, settlement);
    }

    /// Applies a transition as `refunds/apply.rs` does.
    fn apply(&mut self, index: usize, settlement: Settlement) {
        let before = &self.refunds[index];
        if settlement.effect != Effect::Changed {
            assert_eq!(settlement.refund.status, before.status);
            assert_eq!(settlement.change(), Amounts::default());
        }
        self.booked[index] = self.booked[index] + settlement.change();
        self.held = self.held + settlement.held;
        self.refunded = self.refunded + settlement.refunded;
        self.overpaid = self.overpaid + settlement.overpaid;
        self.refunds[index] = settlement.refund;
    }

    /// Begins a submission of a refund. Does nothing where the refund awaits an approval.
    fn begin_submission(&mut self, index: usize) {
        let (awaits, known) = {
            let refund = &self.refunds[index];
            (refund.awaits_approval(), refund.submissions.count())
        };
        self.apply(index, self.refunds[index].submitted(Timestamp(self.now)));
        match awaits {
            true => assert_eq!(self.refunds[index].submissions.count(), known),
            false => self.submit(index),
        }
    }

    fn submit(&mut self, index: usize) {
        self.flights.push(Flight {
            refund: index,
            attempt: self.refunds[index].submissions.current().attempt,
            waiting: true,
        });
    }

    /// Tells whether a submission or a sync is under way, whose lease keeps others from starting.
    fn busy(&self, index: usize, lease_over: bool) -> bool {
        self.flights
            .iter()
            .any(|flight| flight.refund == index && flight.waiting)
            || !lease_over && self.answers.iter().any(|(refund, _)| *refund == index)
            || !lease_over && self.syncs.iter().any(|(refund, _)| *refund == index)
    }

    /// Returns the index of one of the refunds, if it is not busy.
    fn pick_idle(&self, which: usize, lease_over: bool) -> Option<usize> {
        pick(&self.refunds, which).filter(|i| !self.busy(*i, lease_over))
    }

    /// Tells whether a submission of the refund may still reach the channel.
    fn on_its_way(&self, index: usize) -> bool {
        self.flights.iter().any(|flight| flight.refund == index)
    }

    /// Removes one of the flights, if there are any.
    fn take_flight(&mut self, which: usize) -> Option<Flight> {
        let i = pick(&self.flights, which)?;
        Some(self.flights.remove(i))
    }

    /// Sends an answer to a flight, if we still wait for it.
    fn answer(&mut self, flight: &Flight, outcome: Outcome) {
        if flight.waiting {
            let evidence = Evidence {
                attempt: flight.attempt,
                ..self.evidence(Source::Answer, flight.refund, outcome)
            };
            self.answers.push((flight.refund, evidence));
        }
    }

    /// Makes evidence of now about the refund's current submission.
    fn evidence(&self, source: Source, index: usize, outcome: Outcome) -> Evidence {
        Evidence {
            source,
            attempt: self.refunds[index].submissions.current().attempt,
            outcome,
            amount: None,
            at: Timestamp(self.now),
        }
    }

    fn enter(&mut self, index: usize, becomes: Book) {
        self.book[index] = becomes;
        match becomes {
            Book::Success => self.moved[index] += 1,
            Book::Unseen | Book::Processing | Book::Fail | Book::Close => {}
        }
        if becomes != Book::Processing {
            self.callbacks.push((index, becomes));
        }
    }

    fn step(&mut self, step: &Step) {
        self.now += 1;
        let at = Timestamp(self.now);
        match *step {
            Step::Ask {
                amount,
                queued,
                approval,
            } if self.refunds.len() < REFUNDS && Fen(amount) <= self.refundable() => {
                let index = self.refunds.len();
                self.refunds.push(requested(index, amount, self.now));
                self.book.push(Book::Unseen);
                self.moved.push(0);
                self.held = self.held + Fen(amount);
                self.booked.push(Amounts {
                    held: Fen(amount),
                    ..Amounts::default()
                });
                if approval {
                    let held = self.refunds[index].held_for_approval();
                    self.apply(index, held.expect("it waits"));
                }
                if !queued {
                    self.begin_submission(index);
                }
            }
            Step::Approve(refund) => {
                let Some(i) = self.pick_idle(refund, false) else {
                    return;
                };
                if let Some(approved) = self.refunds[i].approved(at) {
                    self.apply(i, approved);
                    assert_eq!(self.refunds[i].approved(at), None, "it is approved once");
                    if self.refunds[i].waits_to_be_submitted() {
                        self.begin_submission(i);
                    }
                }
            }
            Step::Flag(refund) => {
                // Only open refunds become overdue, and in this model only a lying channel leaves them open so long.
                let Some(i) = pick(&self.refunds, refund).filter(|_| self.lying) else {
                    return;
                };
                if self.refunds[i].holds() && self.refunds[i].review_reason.is_none() {
                    self.apply(i, self.refunds[i].flagged(ReviewReason::Overdue));
                }
            }
            Step::Review(refund) => {
                let Some(i) = pick(&self.refunds, refund) else {
                    return;
                };
                if self.refunds[i].review_reason.is_some() && !self.refunds[i].holds() {
                    self.apply(i, self.refunds[i].reviewed());
                }
            }
            Step::Book(refund) => {
                let Some(i) = self.pick_idle(refund, false) else {
                    return;
                };
                let refund = &self.refunds[i];
                match refund.bookable() {
                    Some(Booking::Overpaid) => {
                        let booked = refund.booked_as_overpaid(self.refundable(), at, 0);
                        self.apply(i, booked);
                    }
                    Some(Booking::Returned) => {
                        let booked = refund.booked_as_returned(self.booked[i], at);
                        self.apply(i, booked);
                    }
                    None => return,
                }
                assert_eq!(self.refunds[i].bookable(), None, "it is booked once");
            }
            Step::Repeat(refund) => {
                let Some(i) = pick(&self.refunds, refund) else {
                    return;
                };
                let fields = RepeatedFields {
                    attach: Some(format!("{}", self.now)),
                    ..RepeatedFields::default()
                };
                if let Some(merged) = self.refunds[i].merged(&fields) {
                    self.apply(i, merged);
                }
                assert_eq!(self.refunds[i].merged(&fields), None);
            }
            Step::CloseUnknown(refund) => {
                let Some(i) = self.pick_idle(refund, false) else {
                    return;
                };
                let unseen = self.book[i] == Book::Unseen && !self.on_its_way(i);
                if self.refunds[i].holds() && unseen {
                    self.apply(i, self.refunds[i].closed_as_unknown(at, 0));
                }
            }
            Step::Retry {
                refund,
                lease_over,
                approval,
            } => {
                let Some(i) = self.pick_idle(refund, lease_over) else {
                    return;
                };
                let failed = &self.refunds[i];
                if failed.status == RefundStatus::Fail && failed.amount <= self.refundable() {
                    let mut retried = failed.retried(at, None);
                    if approval {
                        let held = retried.refund.held_for_approval().expect("it waits");
                        retried.refund = held.refund;
                    }
                    self.apply(i, retried);
                    self.begin_submission(i);
                }
            }
            Step::CloseByHand(refund) => {
                let Some(i) = self.pick_idle(refund, false) else {
                    return;
                };
                if self.refunds[i].status == RefundStatus::Fail {
                    self.apply(i, self.refunds[i].closed_after_failure());
                }
            }
            Step::KeepBack { refund, retry } => {
                let Some(i) = self.pick_idle(refund, false) else {
                    return;
                };
                let refund = &self.refunds[i];
                let failed = refund.status == RefundStatus::Fail;
                if retry && failed && refund.amount <= self.refundable() {
                    self.apply(i, refund.retried(at, None));
                }
                if let Some(kept_back) = self.refunds[i].kept_back(at) {
                    self.apply(i, kept_back);
                    assert!(self.refunds[i].submissions.are_kept_back());
                    assert_eq!(self.refunds[i].kept_back(at), None, "it is noted once");
                    assert!(self.refunds[i].due_at() > Some(at), "it is not due at once");
                }
            }
            Step::Release(refund) => {
                let Some(i) = self.pick_idle(refund, false) else {
                    return;
                };
                let refund = &self.refunds[i];
                if refund.submissions.are_kept_back() && refund.waits_to_be_submitted() {
                    self.begin_submission(i);
                }
            }
            Step::Arrive {
                flight,
                becomes,
                answer_lost,
            } => {
                let Some(flight) = self.take_flight(flight) else {
                    return;
                };
                if matches!(self.book[flight.refund], Book::Unseen | Book::Fail) {
                    self.enter(flight.refund, becomes);
                }
                let outcome = if answer_lost {
                    lost()
                } else {
                    outcome(self.book[flight.refund])
                };
                self.answer(&flight, outcome);
            }
            Step::Lose { flight } => {
                let Some(flight) = self.take_flight(flight) else {
                    return;
                };
                self.answer(&flight, lost());
            }
            Step::GiveUpWaiting { flight } => {
                let Some(i) = pick(&self.flights, flight).filter(|i| self.flights[*i].waiting)
                else {
                    return;
                };
                let given_up = self.flights[i].clone();
                self.flights[i].waiting = false;
                self.answer(&given_up, lost());
            }
            Step::Answer(answer) => {
                let Some(i) = pick(&self.answers, answer) else {
                    return;
                };
                let (refund, evidence) = self.answers.remove(i);
                self.settle(refund, &evidence);
            }
            Step::Decide { refund, becomes } => {
                let Some(i) = pick(&self.refunds, refund) else {
                    return;
                };
                if self.book[i] == Book::Processing && becomes != Book::Processing {
                    self.enter(i, becomes);
                }
            }
            Step::Callback { callback, keep } => {
                let Some(i) = pick(&self.callbacks, callback) else {
                    return;
                };
                let (refund, says) = self.callbacks[i];
                if !keep {
                    self.callbacks.remove(i);
                }
                let evidence = self.evidence(Source::Callback, refund, outcome(says));
                self.settle(refund, &evidence);
            }
            Step::BeginSync { refund, lease_over } => {
                let Some(i) = self.pick_idle(refund, lease_over) else {
                    return;
                };
                let outcome = match outcome(self.book[i]) {
                    // While a submission may still arrive, only a success counts.
                    Outcome::NotFound | Outcome::Fail { .. } | Outcome::Close { .. }
                        if self.on_its_way(i) =>
                    {
                        lost()
                    }
                    outcome => outcome,
                };
                let evidence = self.evidence(Source::Sync, i, outcome);
                self.syncs.push((i, evidence));
            }
            Step::EndSync { sync, lie } => {
                let Some(i) = pick(&self.syncs, sync) else {
                    return;
                };
                let (refund, mut evidence) = self.syncs.remove(i);
                if let (true, Some(lie)) = (self.lying, lie) {
                    evidence.outcome = outcome(lie);
                }
                self.settle(refund, &evidence);
            }
            Step::ResubmitIfUnseen(refund) => {
                let Some(i) = self.pick_idle(refund, false) else {
                    return;
                };
                let refund = &self.refunds[i];
                let unseen = self.book[i] == Book::Unseen && !self.on_its_way(i);
                if refund.holds() && !refund.submissions.acknowledged() && unseen {
                    let evidence = self.evidence(Source::Sync, i, Outcome::NotFound);
                    self.settle(i, &evidence);
                    self.begin_submission(i);
                }
            }
            Step::Ask { .. } => {}
        }
    }

    /// Checks that `refunded + held <= paid`, that nothing is negative, and that each refund has its share.
    fn check_books(&self) {
        assert!(self.refunded >= Fen::ZERO && self.held >= Fen::ZERO);
        assert!(self.overpaid >= Fen::ZERO && self.refunded + self.held <= PAID);
        for (refund, booked) in self.refunds.iter().zip(&self.booked) {
            let (held, paid_out) = match refund.status {
                RefundStatus::Progress => (refund.amount, Fen::ZERO),
                RefundStatus::Success => (Fen::ZERO, refund.amount),
                RefundStatus::Fail | RefundStatus::Close => (Fen::ZERO, Fen::ZERO),
            };
            assert_eq!(
                (booked.held, booked.refunded + booked.overpaid),
                (held, paid_out)
            );
            assert!(booked.refunded >= Fen::ZERO && booked.overpaid >= Fen::ZERO);
        }
        let sum = |status: RefundStatus| {
            Fen(self
                .refunds
                .iter()
                .filter(|refund| refund.status == status)
                .map(|refund| refund.amount.0)
                .sum())
        };
        assert_eq!(self.held, sum(RefundStatus::Progress));
        assert_eq!(self.refunded + self.overpaid, sum(RefundStatus::Success));
        assert!(
            self.refunds
                .iter()
                .all(|refund| refund.submissions.unresolved() <= refund.submissions.count())
        );
    }

    /// Checks, for a truthful channel, that no money moved twice or beyond what was paid, and that all that moved is
    /// booked or still held.
    fn check_money(&self) {
        let mut moved = 0;
        for (refund, times) in self.refunds.iter().zip(&self.moved) {
            assert!(*times <= 1, "{} moved {times} times", refund.refund_no);
            if *times == 1 {
                moved += refund.amount.0;
                assert!(
                    matches!(
                        refund.status,
                        RefundStatus::Success | RefundStatus::Progress
                    ),
                    "{} moved and is {}",
                    refund.refund_no,
                    refund.status
                );
            }
        }
        assert!(Fen(moved) <= PAID, "{moved} of {} moved", PAID.0);
    }

    /// Approves what awaits it, lets everything on its way arrive, and queries until no refund is open.
    fn quiesce(&mut self) {
        self.lying = false;
        for _ in 0..4 {
            while !self.flights.is_empty() {
                self.step(&Step::Arrive {
                    flight: 0,
                    becomes: Book::Success,
                    answer_lost: false,
                });
            }
            while !self.answers.is_empty() {
                self.step(&Step::Answer(0));
            }
            while !self.syncs.is_empty() {
                self.step(&Step::EndSync { sync: 0, lie: None });
            }
            for i in 0..self.refunds.len() {
                self.step(&Step::Decide {
                    refund: i,
                    becomes: Book::Success,
                });
                self.step(&Step::BeginSync {
                    refund: i,
                    lease_over: false,
                });
                self.step(&Step::EndSync { sync: 0, lie: None });
                self.step(&Step::Approve(i));
                self.step(&Step::Release(i));
                self.step(&Step::ResubmitIfUnseen(i));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, max_shrink_iters: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_truthful_channel_never_pays_more_than_was_paid(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = World::new(false);
        for step in &steps {
            world.step(step);
            world.check_books();
            world.check_money();
        }
        world.quiesce();
        world.check_books();
        world.check_money();
        for (refund, book) in world.refunds.iter().zip(&world.book) {
            prop_assert!(refund.status != RefundStatus::Progress, "{} is still open, book {:?}", refund.refund_no, book);
            prop_assert_eq!(refund.status == RefundStatus::Success, *book == Book::Success);
            prop_assert_eq!(refund.review_reason, None, "a truthful channel needs nobody");
        }
    }

    #[test]
    fn a_lying_channel_never_unbalances_our_books(steps in proptest::collection::vec(step(), 1..80)) {
        let mut world = World::new(true);
        for step in &steps {
            world.step(step);
            world.check_books();
        }
        world.quiesce();
        world.check_books();
        for (refund, moved) in world.refunds.iter().zip(&world.moved) {
            prop_assert!(*moved <= 1);
            let told = refund.review_reason.is_some() || refund.status == RefundStatus::Success;
            prop_assert!(*moved == 0 || told, "{} moved money and nobody is told", refund.refund_no);
        }
    }
}

fn evidence(source: Source, says: Book, at: i64) -> Evidence {
    Evidence {
        source,
        attempt: 1,
        outcome: outcome(says),
        amount: None,
        at: Timestamp(at),
    }
}

/// Makes the evidence of a submission whose answer was lost.
fn lost_answer() -> Evidence {
    Evidence {
        outcome: lost(),
        ..evidence(Source::Answer, Book::Fail, 3)
    }
}

/// Makes the evidence of a channel that cannot bring the money to the payer.
fn abnormal() -> Evidence {
    Evidence {
        outcome: Outcome::Abnormal {
            msg: "card closed".to_owned(),
        },
        ..evidence(Source::Sync, Book::Fail, 5)
    }
}

#[test]
fn late_and_contradictory_evidence_has_a_defined_result() {
    let open = refund(0, 40, 0);
    let success = open
        .settle(Fen::ZERO, &evidence(Source::Callback, Book::Success, 5))
        .refund;
    let closed = open
        .settle(Fen::ZERO, &evidence(Source::Callback, Book::Close, 5))
        .refund;
    let failed = open
        .settle(Fen::ZERO, &evidence(Source::Answer, Book::Fail, 5))
        .refund;
    assert_eq!(
        (success.status, closed.status, failed.status),
        (
            RefundStatus::Success,
            RefundStatus::Close,
            RefundStatus::Fail
        )
    );

    // A repeat changes nothing.
    for (known, says) in [
        (&success, Book::Success),
        (&closed, Book::Close),
        (&failed, Book::Fail),
    ] {
        let again = known.settle(Fen(60), &evidence(Source::Callback, says, 9));
        assert_eq!(
            (again.effect, again.held, again.refunded),
            (Effect::Noted, Fen::ZERO, Fen::ZERO)
        );
        assert_eq!(again.refund, *known);
    }

    // Success after close: the money moved, so it is taken off the balance, and the refund is flagged.
    let late = closed.settle(Fen(60), &evidence(Source::Sync, Book::Success, 9));
    assert_eq!(
        (late.effect, late.held, late.refunded),
        (Effect::Changed, Fen::ZERO, Fen(40))
    );
    assert_eq!(late.refund.status, RefundStatus::Success);
    assert_eq!(late.refund.review_reason, Some(ReviewReason::LateSuccess));

    // The same after the balance was used up: there is nothing to take it from, and the refund is flagged.
    let overpaid = closed.settle(Fen(39), &evidence(Source::Sync, Book::Success, 9));
    assert_eq!(
        (overpaid.effect, overpaid.held, overpaid.refunded),
        (Effect::Flagged, Fen::ZERO, Fen::ZERO)
    );
    assert_eq!(overpaid.refund.status, RefundStatus::Close);
    assert_eq!(overpaid.refund.review_reason, Some(ReviewReason::Overpaid));

    // Close after success releases nothing.
    let contradicted = success.settle(Fen(60), &evidence(Source::Sync, Book::Close, 9));
    assert_eq!(
        (
            contradicted.effect,
            contradicted.held,
            contradicted.refunded
        ),
        (Effect::Flagged, Fen::ZERO, Fen::ZERO)
    );
    assert_eq!(contradicted.refund.status, RefundStatus::Success);
    assert_eq!(
        contradicted.refund.review_reason,
        Some(ReviewReason::Contradicted)
    );

    // An answer from before the success was seen is outdated, not contradictory.
    let older = success.settle(Fen(60), &evidence(Source::Sync, Book::Unseen, 4));
    assert_eq!(
        (older.effect, older.refund.review_reason),
        (Effect::Noted, None)
    );

    // A time-out is not a failure, and a refusal does not settle an earlier unknown submission.
    let unknown = open.settle(Fen::ZERO, &lost_answer()).refund;
    assert_eq!(unknown.status, RefundStatus::Progress);
    let again = unknown.submitted(Timestamp(6)).refund;
    let refused = again.settle(
        Fen::ZERO,
        &Evidence {
            attempt: 2,
            ..evidence(Source::Answer, Book::Fail, 7)
        },
    );
    assert_eq!(
        (refused.refund.status, refused.held),
        (RefundStatus::Progress, Fen::ZERO)
    );

    // The channel accepted the refund and later does not know it: a person has to decide.
    let accepted = open
        .settle(Fen::ZERO, &evidence(Source::Answer, Book::Processing, 3))
        .refund;
    let absent = accepted.settle(Fen::ZERO, &evidence(Source::Sync, Book::Unseen, 9));
    assert_eq!(
        (absent.refund.status, absent.held),
        (RefundStatus::Progress, Fen::ZERO)
    );
    assert_eq!(absent.refund.review_reason, Some(ReviewReason::Absent));
}

/// Makes evidence about the submission `attempt`.
fn of_attempt(attempt: i64, evidence: Evidence) -> Evidence {
    Evidence {
        attempt,
        ..evidence
    }
}

#[test]
fn a_repeats_refusal_settles_nothing_while_the_channel_works_on_an_earlier_submission() {
    let repeated = refund(0, 40, 0).settle(Fen::ZERO, &lost_answer()).refund;
    let repeated = repeated.submitted(Timestamp(6)).refund;
    // The first submission's answer comes late: the channel has the refund.
    let accepted = repeated
        .settle(Fen::ZERO, &evidence(Source::Answer, Book::Processing, 7))
        .refund;
    assert!(accepted.submissions.acknowledged());
    let refusal = of_attempt(2, evidence(Source::Answer, Book::Fail, 8));
    let refused = accepted.settle(Fen::ZERO, &refusal);
    assert_eq!(
        (refused.refund.status, refused.held),
        (RefundStatus::Progress, Fen::ZERO)
    );
    // The answer to a query is about both submissions.
    let asked = of_attempt(2, evidence(Source::Sync, Book::Fail, 9));
    assert_eq!(
        refused.refund.settle(Fen::ZERO, &asked).refund.status,
        RefundStatus::Fail
    );
}

#[test]
fn another_amount_settles_nothing_whoever_names_it() {
    for source in [Source::Answer, Source::Callback, Source::Sync] {
        for says in [Book::Success, Book::Fail, Book::Processing] {
            let evidence = Evidence {
                amount: Some(Fen(41)),
                ..evidence(source, says, 5)
            };
            let flagged = refund(0, 40, 0).settle(Fen::ZERO, &evidence);
            assert_eq!(
                (flagged.effect, flagged.held, flagged.refunded),
                (Effect::Flagged, Fen::ZERO, Fen::ZERO)
            );
            assert_eq!(flagged.refund.status, RefundStatus::Progress);
            let reason = flagged.refund.review_reason;
            assert_eq!(reason, Some(ReviewReason::AmountDiffers));
            assert_eq!(flagged.refund.submissions.unresolved(), 1);
        }
    }
}

#[test]
fn what_the_channel_puts_off_waits_with_its_number_and_its_amount_held() {
    let put_off = Evidence {
        outcome: Outcome::RetryLater {
            delay: Delay::Funds,
            msg: "not enough".to_owned(),
        },
        ..evidence(Source::Answer, Book::Fail, 1_000)
    };
    let waits = refund(0, 40, 0).settle(Fen::ZERO, &put_off);
    assert_eq!((waits.effect, waits.held), (Effect::Noted, Fen::ZERO));
    let waits = waits.refund;
    assert!(waits.waits_to_be_submitted());
    let (first, next) = (waits.submissions.current(), waits.submissions.last());
    assert_eq!(next.waits_for, Some(WaitReason::Funds));
    assert_eq!(next.not_before, Timestamp(601_000));
    assert_eq!(
        (&next.channel_no, &next.params),
        (&first.channel_no, &first.params)
    );
    assert_eq!((next.attempt, next.repeat), (2, 1));
    // It is submitted with the parameters recorded first, and its answer settles the refund.
    let again = waits.submitted(Timestamp(601_000)).refund;
    assert_eq!(again.submissions.count(), 2);
    let refused = again.settle(
        Fen::ZERO,
        &of_attempt(2, evidence(Source::Answer, Book::Fail, 601_001)),
    );
    assert_eq!(refused.refund.status, RefundStatus::Fail);

    // While an earlier submission may still move money, the channel is queried before the next submission.
    let open = refund(0, 40, 0).settle(Fen::ZERO, &lost_answer()).refund;
    let open = open.submitted(Timestamp(6)).refund;
    let open = open.settle(Fen::ZERO, &of_attempt(2, put_off)).refund;
    assert!(open.submissions.last().waits() && !open.waits_to_be_submitted());
}

#[test]
fn an_abnormal_refund_holds_its_amount_and_needs_a_person() {
    let flagged = refund(0, 40, 0).settle(Fen::ZERO, &abnormal());
    assert_eq!((flagged.effect, flagged.held), (Effect::Flagged, Fen::ZERO));
    let flagged = flagged.refund;
    assert_eq!(flagged.review_reason, Some(ReviewReason::Abnormal));
    let paid = flagged
        .settle(Fen::ZERO, &evidence(Source::Sync, Book::Success, 9))
        .refund;
    assert_eq!(
        (paid.status, paid.review_reason),
        (RefundStatus::Success, None)
    );
}

#[test]
fn a_retry_may_take_a_new_number_and_words_about_the_old_one_settle_nothing() {
    let failed = refund(0, 40, 0)
        .settle(Fen::ZERO, &evidence(Source::Answer, Book::Fail, 5))
        .refund;
    let number = NewNumber {
        channel_no: "R0-2".to_owned(),
        params: "again".to_owned(),
    };
    let retried = failed.retried(Timestamp(9), Some(number));
    assert_eq!((retried.effect, retried.held), (Effect::Changed, Fen(40)));
    let retried = retried.refund.submitted(Timestamp(9)).refund;
    assert_eq!(retried.channel_no(), "R0-2");
    let current = retried.submissions.current();
    assert_eq!(
        (current.attempt, current.repeat, current.params.as_str()),
        (2, 0, "again")
    );
    let old = retried.settle(Fen(0), &evidence(Source::Callback, Book::Fail, 12));
    assert_eq!(
        (old.refund.status, old.held),
        (RefundStatus::Progress, Fen::ZERO)
    );
    let refusal = of_attempt(2, evidence(Source::Callback, Book::Fail, 13));
    assert_eq!(
        old.refund.settle(Fen(0), &refusal).refund.status,
        RefundStatus::Fail
    );
}

#[test]
fn what_was_overpaid_is_booked_apart_and_what_came_back_is_refundable_again() {
    let open = refund(0, 40, 0);
    let failed = open
        .settle(Fen::ZERO, &evidence(Source::Answer, Book::Fail, 5))
        .refund;
    let overpaid = failed
        .settle(Fen(15), &evidence(Source::Sync, Book::Success, 9))
        .refund;
    assert_eq!((open.bookable(), failed.bookable()), (None, None));
    assert_eq!(overpaid.bookable(), Some(Booking::Overpaid));

    // The part that the order had left is refunded; the rest is overpaid.
    let booked = overpaid.booked_as_overpaid(Fen(15), Timestamp(20), 1_000);
    let change = |held, refunded, overpaid| Amounts {
        held: Fen(held),
        refunded: Fen(refunded),
        overpaid: Fen(overpaid),
    };
    assert_eq!(booked.effect, Effect::Changed);
    assert_eq!(booked.change(), change(0, 15, 25));
    let success = booked.refund;
    assert_eq!(
        (success.status, success.review_reason, success.due_at()),
        (RefundStatus::Success, None, Some(Timestamp(1_020)))
    );
    assert_eq!(
        (success.bookable(), success.error_code.clone()),
        (None, None)
    );

    // The channel took it back: exactly the booked amounts are taken off the balance, and the number is not used
    // again.
    let contradicted = success
        .settle(Fen::ZERO, &evidence(Source::Sync, Book::Fail, 30))
        .refund;
    assert_eq!(contradicted.bookable(), Some(Booking::Returned));
    let returned = contradicted.booked_as_returned(change(0, 15, 25), Timestamp(40));
    assert_eq!(returned.effect, Effect::Changed);
    assert_eq!(returned.change(), change(0, -15, -25));
    let closed = returned.refund;
    assert_eq!(
        (closed.status, closed.review_reason, closed.due_at()),
        (RefundStatus::Close, None, None)
    );
    assert_eq!(closed.error_code.as_deref(), Some("RETURNED"));
    assert_eq!(closed.bookable(), None);
    let again = closed.settle(Fen(100), &evidence(Source::Sync, Book::Fail, 50));
    assert_eq!(
        (again.effect, again.change()),
        (Effect::Noted, change(0, 0, 0))
    );

    // Only what the channel has stated last can be booked.
    for (outcome, overpaid, returned) in [
        (Some(OutcomeKind::Success), true, false),
        (Some(OutcomeKind::Fail), false, true),
        (Some(OutcomeKind::Close), false, true),
        (Some(OutcomeKind::NotFound), false, true),
        (Some(OutcomeKind::Accepted), false, false),
        (None, false, false),
    ] {
        assert_eq!(Booking::Overpaid.agrees_with(outcome), overpaid);
        assert_eq!(Booking::Returned.agrees_with(outcome), returned);
    }

    // A differing amount is for a person to examine; nothing can be booked for it.
    for refund in [open, success] {
        let flagged = refund.flagged(ReviewReason::AmountDiffers).refund;
        assert_eq!(flagged.bookable(), None);
    }
}

#[test]
fn what_a_channel_said_before_a_submission_says_nothing_of_it() {
    let known = refund(0, 40, 0).settle(Fen::ZERO, &lost_answer()).refund;
    // Queried at 5; the node that holds the answer is delayed, while another one submits at 6.
    let asked = evidence(Source::Sync, Book::Unseen, 5);
    let again = known
        .settle(Fen::ZERO, &asked)
        .refund
        .submitted(Timestamp(6))
        .refund;
    let accepted = again.settle(
        Fen::ZERO,
        &of_attempt(2, evidence(Source::Answer, Book::Processing, 7)),
    );
    for stale in [Book::Unseen, Book::Fail, Book::Close] {
        for attempt in [1, 2] {
            let held_up = of_attempt(attempt, evidence(Source::Sync, stale, 5));
            let after = accepted.refund.settle(Fen::ZERO, &held_up);
            assert_eq!((after.effect, after.held), (Effect::Noted, Fen::ZERO));
            assert_eq!(after.refund.submissions, accepted.refund.submissions);
        }
    }

    // The same where the query came before the first submission.
    let waiting = requested(0, 40, 0);
    let sent = waiting.submitted(Timestamp(6)).refund;
    let after = sent
        .settle(Fen::ZERO, &evidence(Source::Sync, Book::Unseen, 5))
        .refund;
    assert_eq!(after.submissions.unresolved(), 1, "nobody submits it again");
}

#[test]
fn what_the_channel_holds_as_abnormal_is_not_submitted_again_and_no_repeats_refusal_ends_it() {
    let held = refund(0, 40, 0).settle(Fen::ZERO, &abnormal()).refund;
    assert!(held.submissions.acknowledged());
    let absent = held.settle(Fen::ZERO, &evidence(Source::Sync, Book::Unseen, 9));
    assert!(absent.refund.submissions.acknowledged());
    let repeated = held.submitted(Timestamp(10)).refund;
    let refusal = of_attempt(2, evidence(Source::Answer, Book::Fail, 11));
    let refused = repeated.settle(Fen::ZERO, &refusal);
    assert_eq!(
        (refused.refund.status, refused.held),
        (RefundStatus::Progress, Fen::ZERO)
    );
}

#[test]
fn a_question_that_is_put_off_says_nothing_of_the_submission() {
    let put_off = Evidence {
        outcome: Outcome::RetryLater {
            delay: Delay::RateLimit,
            msg: "too many".to_owned(),
        },
        ..evidence(Source::Sync, Book::Fail, 5)
    };
    let open = refund(0, 40, 0);
    let after = open.settle(Fen::ZERO, &put_off).refund;
    assert_eq!(after.submissions, open.submissions);
}
