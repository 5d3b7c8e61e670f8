//! Calls of channels. Only this file awaits an adapter. Every call has a time limit and a permit of its account's
//! bulkhead, is counted in the metrics, and is reported to its account's breaker.

use std::collections::HashMap;
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::domain::error::Refusal;
use crate::domain::order::{Order, OrderKey, OrderStatus};
use crate::domain::refund::{Outcome, OutcomeKind, Statement, Submission};
use crate::server::channels::Line;
use crate::server::channels::adapter::{Callback, OrderOutcome, Reply};
use crate::server::counters;

/// The right to make one call of a channel. Dropping it gives it back.
pub struct Permit(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Line<'_> {
    /// Takes a permit to call the channel now. `None`: the channel does not answer, or too many calls are under way.
    pub fn permit_now(&self) -> Option<Permit> {
        let account_id = &self.account.account_id;
        match self.channels.breakers.is_open(account_id) {
            true => None,
            false => self.channels.bulkheads.try_enter(account_id).map(Permit),
        }
    }

    /// Waits for a permit to call the channel, even where its breaker is open. `None`: none became free within the time
    /// limit of a call.
    pub async fn permit(&self) -> Option<Permit> {
        let entered = self.channels.bulkheads.enter(&self.account.account_id);
        let entered = timeout(self.channels.time_limit, entered).await;
        entered.ok().map(Permit)
    }

    /// Submits a refund. A channel that does not answer leaves the outcome unknown, which is no failure.
    pub async fn submit(
        &self,
        order: &Order,
        submission: &Submission,
        permit: Permit,
    ) -> Reply<Statement> {
        let answer = self.adapter.submit(&self.account, order, submission);
        self.call("submit", answer, permit).await
    }

    /// Asks for the refund that a submission is about.
    pub async fn query(&self, order: &Order, submission: &Submission) -> Reply<Statement> {
        match self.permit().await {
            Some(permit) => {
                let answer = self.adapter.query(&self.account, order, submission);
                self.call("query", answer, permit).await
            }
            None => silence(TOO_MANY.to_owned()),
        }
    }

    /// Asks for the state of a payment.
    pub async fn query_order(&self, key: &OrderKey, known: Option<&Order>) -> Reply<OrderOutcome> {
        match self.permit().await {
            Some(permit) => {
                let answer = self.adapter.query_order(&self.account, key, known);
                self.call("query_order", answer, permit).await
            }
            None => silence(TOO_MANY.to_owned()),
        }
    }

    /// Checks and reads a callback within the time limit, as an adapter may have to fetch a key for it.
    ///
    /// # Errors
    /// [`Refusal::BadSignature`] or [`Refusal::Unreadable`].
    pub async fn read_callback(
        &self,
        headers: &HashMap<String, String>,
        body: &[u8],
    ) -> Result<Callback, Refusal> {
        let read = self.adapter.read_callback(&self.account, headers, body);
        let late = |_| Refusal::Unreadable {
            why: "the channel's key could not be fetched in time".to_owned(),
        };
        let read = timeout(self.channels.time_limit, read).await;
        read.map_err(late)?
    }

    #[tracing::instrument(name = "channel", level = "debug", skip_all, fields(account = self.account.account_id, channel = self.account.channel.as_str(), operation = operation))]
    async fn call<T: Said>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = Reply<T>>,
        permit: Permit,
    ) -> Reply<T> {
        let began = Instant::now();
        let limit = self.channels.time_limit;
        let reply = timeout(limit, answer).await;
        let reply =
            reply.unwrap_or_else(|_| silence(format!("no answer within {} ms", limit.as_millis())));
        drop(permit);
        let reply = Reply {
            outcome: reply.outcome.cleaned(),
            ..reply
        };
        let kind = reply.outcome.kind();
        counters::channel_called(&self.account, operation, kind, began.elapsed());
        let (breakers, account_id) = (&self.channels.breakers, &self.account.account_id);
        let heard = match kind {
            OutcomeKind::Unknown => breakers.failed(account_id, &reply.raw).await,
            _ => breakers.answered(account_id).await,
        };
        if let Err(error) = heard {
            // The channel's answer matters more than the breaker's state.
            tracing::error!(%error, "a breaker's state could not be stored");
        }
        reply
    }
}

const TOO_MANY: &str = "not asked: too many calls of this channel are under way";

/// Makes the reply for a channel that did not answer.
fn silence<T: Said>(why: String) -> Reply<T> {
    Reply {
        raw: why.clone(),
        outcome: T::unknown(why),
    }
}

/// A statement that a channel's reply can hold.
trait Said: Sized {
    /// Makes a statement that leaves the outcome open.
    fn unknown(why: String) -> Self;
    /// Returns the statement without its details.
    fn kind(&self) -> OutcomeKind;
    /// Shortens the texts to their stored lengths.
    fn cleaned(self) -> Self {
        self
    }
}

impl Said for Statement {
    fn unknown(why: String) -> Statement {
        Outcome::Unknown { why }.into()
    }
    fn kind(&self) -> OutcomeKind {
        self.outcome.kind()
    }
    fn cleaned(self) -> Statement {
        self.cleaned()
    }
}

impl Said for OrderOutcome {
    fn unknown(why: String) -> OrderOutcome {
        OrderOutcome::Unknown { why }
    }
    fn kind(&self) -> OutcomeKind {
        match self {
            OrderOutcome::Known {
                status: OrderStatus::Success,
                ..
            } => OutcomeKind::Success,
            OrderOutcome::Known { .. } => OutcomeKind::Accepted,
            OrderOutcome::NotFound => OutcomeKind::NotFound,
            OrderOutcome::Unknown { .. } => OutcomeKind::Unknown,
        }
    }
}
