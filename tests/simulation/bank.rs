//! The simulated channels: truthful but for reversals and denials, and often slow, silent or down.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use refundry::domain::account::ChannelAccount;
use refundry::domain::error::Refusal;
use refundry::domain::money::Fen;
use refundry::domain::order::{Channel, Order, OrderKey};
use refundry::domain::refund::{Outcome, Statement, Submission};
use refundry::domain::time::Timestamp;
use refundry::server::channels::adapter::{
    Callback, CallbackContent, CallbackReply, ChannelAdapter, OrderOutcome, RefundTerms, Reply,
    SubmissionPolicy,
};
use serde::{Deserialize, Serialize};

use crate::world::{FaultMode, HOUR, Happening, MINUTE, SECOND, Shared, World};

/// Time limit of a call of a channel, as the nodes' settings have it, in milliseconds.
pub const TIME_LIMIT: i64 = 10 * SECOND;
/// Visibility delay of the channels, in milliseconds. Longer than a submission is on its way, than the channel takes to
/// show it, and than two nodes' clocks differ.
const VISIBILITY_DELAY: i64 = MINUTE;
const SHOWN_AFTER: i64 = 15 * SECOND;
/// Longest time for which a node is held up between receiving an answer and using it: longer than any lease, as when
/// its machine is suspended.
const HELD_UP: i64 = 12 * HOUR;

/// The state of a refund in the channel's book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Unseen,
    Working,
    Success {
        at: i64,
    },
    /// The refund succeeded, and was reversed.
    Reversed,
    Fail,
    Close,
    /// The channel accepted the refund, and lost it.
    Lost,
    /// The channel works on the refund, but answers questions as if it had never received it.
    Denied,
}

impl State {
    /// Returns true where the money is with the payer, or may still go there.
    pub fn may_pay(self) -> bool {
        matches!(self, State::Working | State::Denied | State::Success { .. })
    }
}

/// A refund number in the channel's book.
#[derive(Clone, Debug)]
pub struct Entry {
    pub channel: Channel,
    pub order_no: String,
    pub amount: i64,
    pub state: State,
    /// State that questions see until `shown_at`.
    before: State,
    shown_at: i64,
    /// Number of submissions that are still on their way.
    pub under_way: u32,
    pub moved: u32,
    /// True once a node has received and stored an answer that the channel has the refund.
    acknowledged: bool,
    /// True once the channel has denied the refund.
    pub denied: bool,
}

/// The body of a callback.
#[derive(Serialize, Deserialize)]
struct Word {
    no: String,
    amount: i64,
    status: String,
    msg: String,
}

impl World {
    fn is_down(&self, channel: Channel) -> bool {
        self.down
            .get(&channel)
            .is_some_and(|until| self.now < *until)
    }

    /// Handles a node's submission of a refund.
    fn submission(
        &mut self,
        channel: Channel,
        order: &Order,
        submission: &Submission,
    ) -> FaultMode<Reply<Statement>> {
        self.counts.calls += 1;
        let no = submission.channel_no.clone();
        let amount: i64 = submission.params.parse().expect("the amount");
        let entry = self.book.entry(no.clone()).or_insert_with(|| Entry {
            channel,
            order_no: order.order_no.clone(),
            amount,
            state: State::Unseen,
            before: State::Unseen,
            shown_at: 0,
            under_way: 0,
            moved: 0,
            acknowledged: false,
            denied: false,
        });
        assert_eq!(
            (entry.amount, &entry.order_no),
            (amount, &order.order_no),
            "{no} is submitted with other parameters"
        );
        let down = self.is_down(channel);
        let arrives = if down {
            self.chance(20.0)
        } else {
            !self.ill(5.0)
        };
        let late = arrives && self.ill(5.0);
        if late {
            let after = self.between(1, TIME_LIMIT);
            self.plan(after, Happening::Arrive { no: no.clone() });
            self.book
                .entry(no.clone())
                .and_modify(|entry| entry.under_way += 1);
        } else if arrives {
            self.arrive(&no);
        }
        let how = match (arrives, late) {
            (_, true) => "arrives late",
            (true, _) => "arrives",
            _ => "does not arrive",
        };
        self.note(format!(
            "  {no}, attempt {}, {how}: {:?}",
            submission.attempt, self.book[&no].state
        ));
        if self.ill(3.0) {
            return FaultMode::Die;
        }
        if down || !arrives || late || self.ill(5.0) {
            return self.silence();
        }
        let state = self.book[&no].state;
        self.reply(&no, state)
    }

    /// Handles a node's question about a refund.
    fn question(
        &mut self,
        channel: Channel,
        submission: &Submission,
    ) -> FaultMode<Reply<Statement>> {
        self.counts.calls += 1;
        let no = submission.channel_no.clone();
        let shown = self.book.get(&no).map_or(State::Unseen, |entry| {
            if self.now < entry.shown_at {
                entry.before
            } else {
                entry.state
            }
        });
        self.note(format!("  {no} is asked for: {shown:?}"));
        if self.ill(3.0) {
            return FaultMode::Die;
        }
        if self.is_down(channel) || self.ill(5.0) {
            return self.silence();
        }
        self.reply(&no, shown)
    }

    /// Returns no answer: the connection breaks at once, or the time limit is reached.
    fn silence(&mut self) -> FaultMode<Reply<Statement>> {
        self.counts.unresolved_submissions += 1;
        let why = "nothing was heard".to_owned();
        let unknown = Reply {
            raw: why.clone(),
            outcome: Outcome::Unknown { why }.into(),
        };
        match self.chance(50.0) {
            true => FaultMode::Now(unknown),
            false => FaultMode::At(self.now + TIME_LIMIT, unknown),
        }
    }

    /// Returns an answer. It may be long on its way, or wait on a node that is held up, and is outdated then.
    fn reply(&mut self, no: &str, state: State) -> FaultMode<Reply<Statement>> {
        let answer = self.answer(no, state);
        let refused = state == State::Fail;
        if self.ill(if refused { 30.0 } else { 4.0 }) {
            self.counts.held_up += 1;
            let until = self.now + self.between(2 * MINUTE, HELD_UP);
            if refused {
                self.refusals_held_up.insert(no.to_owned(), until);
            }
            return FaultMode::At(until, answer);
        }
        if self.scheduled {
            self.scheduled_answer_at = self.now;
        }
        if self.ill(12.0) {
            return FaultMode::At(self.now + self.between(1, TIME_LIMIT - 1), answer);
        }
        if let Some(entry) = self.book.get_mut(no)
            && state == State::Working
        {
            entry.acknowledged = true;
        }
        FaultMode::Now(answer)
    }

    /// Handles the arrival of a submission. Money that has moved does not move again: only a refund that failed, or is
    /// not in the book, starts over.
    pub fn arrive(&mut self, no: &str) {
        let known = self.book[no].state;
        if known == State::Denied {
            // A refund that the channel has denied is new to it: the money will move twice.
            let (no, state) = (no.to_owned(), State::Success { at: self.now });
            self.plan(SECOND, Happening::End { no, state });
            return;
        }
        if !matches!(known, State::Unseen | State::Fail | State::Lost) {
            return;
        }
        let now = self.now;
        let (state, end) = match self.between(0, 99) {
            0..42 => (State::Success { at: now }, None),
            42..54 => (State::Fail, None),
            54..57 => (State::Close, None),
            57..80 => (State::Working, Some(State::Success { at: now })),
            80..90 => (State::Working, Some(State::Fail)),
            90..92 => (State::Working, Some(State::Close)),
            92..96 => (State::Working, Some(State::Denied)),
            _ => (State::Working, Some(State::Lost)),
        };
        let shown_after = if self.ill(20.0) {
            self.between(0, SHOWN_AFTER)
        } else {
            0
        };
        let entry = self.book.get_mut(no).expect("it was looked at above");
        (entry.before, entry.shown_at) = (known, now + shown_after);
        entry.acknowledged = false;
        match end {
            None => self.reach(no, state),
            Some(end) => {
                entry.state = state;
                let after = self.span(SECOND, 20 * HOUR);
                let no = no.to_owned();
                self.plan(after, Happening::End { no, state: end });
            }
        }
    }

    /// Brings a refund to its end in the book. The channel may call back.
    pub fn reach(&mut self, no: &str, state: State) {
        let now = self.now;
        let reversed = self.ill(8.0);
        let entry = self.book.get_mut(no).expect("it is in the book");
        let state = match state {
            // Only a refund that a node knows to be accepted is denied: any other would have to be submitted again.
            State::Denied if entry.acknowledged => State::Denied,
            State::Denied | State::Success { .. } => State::Success { at: now },
            other => other,
        };
        entry.state = state;
        match state {
            State::Success { .. } => entry.moved += 1,
            State::Reversed => self.counts.reversals += 1,
            State::Lost => self.counts.lost += 1,
            State::Denied => {
                entry.denied = true;
                self.counts.denied += 1;
                let (after, no) = (self.between(2 * HOUR, 20 * HOUR), no.to_owned());
                let state = State::Success { at: now };
                self.plan(after, Happening::End { no, state });
            }
            _ => {}
        }
        self.note(format!("  {no} is {state:?} at the channel"));
        if matches!(state, State::Success { .. }) && reversed {
            let (after, no) = (self.between(HOUR, 20 * HOUR), no.to_owned());
            let state = State::Reversed;
            self.plan(after, Happening::End { no, state });
        }
        self.call_back(no, state);
    }

    fn call_back(&mut self, no: &str, state: State) {
        let status = match state {
            State::Success { .. } => "success",
            State::Fail | State::Reversed => "fail",
            State::Close => "close",
            State::Unseen | State::Working | State::Lost | State::Denied => return,
        };
        let msg = self.message();
        let Entry {
            channel,
            amount,
            denied,
            ..
        } = self.book[no];
        let (no, status) = (no.to_owned(), status.to_owned());
        let word = Word {
            no,
            amount,
            status,
            msg,
        };
        let body = serde_json::to_string(&word).expect("plain text is JSON");
        // The channel always reports money of a refund that it has denied.
        for _ in 0..self.between(i64::from(denied), 3) {
            let after = self.span(1, 3 * HOUR);
            let body = body.clone();
            self.plan(
                after,
                Happening::CallBack {
                    channel,
                    body,
                    tries: 1,
                },
            );
        }
    }

    /// Makes a message that no other answer has, so that notices can be told apart by it.
    fn message(&mut self) -> String {
        format!("word {}", self.serial())
    }

    fn answer(&mut self, no: &str, state: State) -> Reply<Statement> {
        let out_refund_no = Some(format!("OUT-{no}"));
        let outcome = match state {
            State::Unseen | State::Lost | State::Denied => Outcome::NotFound,
            State::Working => Outcome::Accepted { out_refund_no },
            State::Success { at } => Outcome::Success {
                out_refund_no,
                at: Some(Timestamp(at)),
            },
            State::Fail | State::Reversed => failed(self.message()),
            State::Close => Outcome::Close {
                msg: self.message(),
            },
        };
        Reply {
            raw: format!("{state:?}"),
            outcome: outcome.into(),
        }
    }

    /// Removes whatever is planned that could cause more failures.
    pub fn calm_down(&mut self) {
        self.calm = true;
        self.down.clear();
        self.receiver_down = 0;
        self.agenda.retain(|_, happening| {
            matches!(
                happening,
                Happening::Arrive { .. }
                    | Happening::End { .. }
                    | Happening::CallBack { .. }
                    | Happening::Deliver(_)
                    | Happening::Boot { .. }
            )
        });
    }
}

fn failed(msg: String) -> Outcome {
    Outcome::Fail {
        code: "NO".to_owned(),
        msg,
    }
}

/// A node's connection to a channel.
pub struct Teller {
    pub world: Shared,
    pub node: usize,
    pub channel: Channel,
}

#[async_trait]
impl ChannelAdapter for Teller {
    fn params(&self, _: &ChannelAccount, terms: RefundTerms<'_>) -> String {
        terms.amount.0.to_string()
    }

    async fn submit(
        &self,
        _: &ChannelAccount,
        order: &Order,
        submission: &Submission,
    ) -> Reply<Statement> {
        let fate = self
            .world
            .lock()
            .submission(self.channel, order, submission);
        self.world.meet(self.node, fate).await
    }

    async fn query(
        &self,
        _: &ChannelAccount,
        _: &Order,
        submission: &Submission,
    ) -> Reply<Statement> {
        let fate = self.world.lock().question(self.channel, submission);
        self.world.meet(self.node, fate).await
    }

    async fn query_order(
        &self,
        _: &ChannelAccount,
        _: &OrderKey,
        _: Option<&Order>,
    ) -> Reply<OrderOutcome> {
        let (outcome, raw) = (OrderOutcome::NotFound, String::new());
        Reply { outcome, raw }
    }

    async fn read_callback(
        &self,
        _: &ChannelAccount,
        _: &HashMap<String, String>,
        body: &[u8],
    ) -> Result<Callback, Refusal> {
        let word: Word = serde_json::from_slice(body).map_err(|_| Refusal::BadSignature)?;
        let out_refund_no = Some(format!("OUT-{}", word.no));
        let outcome = match word.status.as_str() {
            "success" => Outcome::Success {
                out_refund_no,
                at: None,
            },
            "fail" => failed(word.msg),
            _ => Outcome::Close { msg: word.msg },
        };
        Ok(Callback {
            channel_no: word.no,
            content: CallbackContent::Statement(Statement {
                outcome,
                amount: Some(Fen(word.amount)),
            }),
        })
    }

    fn reply(&self, taken: bool) -> CallbackReply {
        CallbackReply {
            status: if taken { 200 } else { 400 },
            content_type: "text/plain",
            body: String::new(),
        }
    }

    fn policy(&self) -> SubmissionPolicy {
        SubmissionPolicy {
            visibility_delay: Duration::from_millis(VISIBILITY_DELAY as u64),
            repeats_unknown: true,
            new_number_after_failure: false,
            spacing: Duration::ZERO,
        }
    }
}
