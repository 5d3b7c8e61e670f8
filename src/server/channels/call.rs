//! Calls of channels: the one place that awaits an adapter. Every call has a time limit, a permit of its
//! channel's bulkhead, a place in the figures, and is heard by its channel's breaker.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use crate::domain::error::Refusal;
use crate::domain::merchant::MerchantApp;
use crate::domain::order::{Channel, Order, OrderKey};
use crate::domain::refund::{Outcome, OutcomeKind, Refund, Statement, Submission};
use crate::server::channels::adapter::{Callback, OrderOutcome, Reply};
use crate::server::channels::breaker::ChannelKey;
use crate::server::channels::{Channels, of_app};
use crate::server::counters;
use crate::server::error::Result;

/// The right to make one call of a channel, given back when it is dropped.
pub struct Permit(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Channels {
    /// Takes a permit to call a channel now. `None` where the channel does not answer, or has too many calls
    /// under way.
    pub fn permit_now(&self, key: &ChannelKey) -> Option<Permit> {
        match self.breakers.is_open(key) {
            true => None,
            false => self.bulkheads.try_enter(key).map(Permit),
        }
    }

    /// Waits for a permit to call a channel, whether or not its breaker is open, for as long as a call may take.
    pub async fn permit(&self, key: &ChannelKey) -> Option<Permit> {
        let entered = timeout(self.time_limit, self.bulkheads.enter(key)).await;
        entered.ok().map(Permit)
    }

    /// Submits a refund. Silence is an unknown outcome, not a failure.
    pub async fn submit(
        &self,
        app: &MerchantApp,
        order: &Order,
        refund: &Refund,
        submission: &Submission,
        permit: Permit,
    ) -> Result<Reply<Statement>, Refusal> {
        let adapter = self.adapter(refund.channel)?;
        let answer = adapter.submit(app, order, submission);
        let key = of_app(&refund.app_id, refund.channel);
        Ok(self.call(&key, "submit", answer, permit).await)
    }

    /// Asks for the refund of a submission.
    pub async fn query(
        &self,
        app: &MerchantApp,
        order: &Order,
        refund: &Refund,
        submission: &Submission,
    ) -> Result<Reply<Statement>, Refusal> {
        let adapter = self.adapter(refund.channel)?;
        let key = of_app(&refund.app_id, refund.channel);
        Ok(match self.permit(&key).await {
            Some(permit) => {
                let answer = adapter.query(app, order, submission);
                self.call(&key, "query", answer, permit).await
            }
            None => silence(TOO_MANY.to_owned()),
        })
    }

    /// Asks for a payment's state.
    pub async fn query_order(
        &self,
        app: &MerchantApp,
        channel: Channel,
        order: &OrderKey,
        known: Option<&Order>,
    ) -> Result<Reply<OrderOutcome>, Refusal> {
        let adapter = self.adapter(channel)?;
        let key = of_app(&app.app_id, channel);
        Ok(match self.permit(&key).await {
            Some(permit) => {
                let answer = adapter.query_order(app, order, known);
                self.call(&key, "query_order", answer, permit).await
            }
            None => silence(TOO_MANY.to_owned()),
        })
    }

    /// Checks and reads a callback, within the time limit: an adapter may have to fetch a key for it.
    ///
    /// # Errors
    /// [`Refusal::ChannelNotEnabled`], [`Refusal::BadSignature`] or [`Refusal::Unreadable`].
    pub async fn read_callback(
        &self,
        app: &MerchantApp,
        channel: Channel,
        headers: &HashMap<String, String>,
        body: &[u8],
    ) -> Result<Callback, Refusal> {
        let read = self.adapter(channel)?.read_callback(app, headers, body);
        let late = |_| Refusal::Unreadable {
            why: "the channel's key could not be fetched in time".to_owned(),
        };
        timeout(self.time_limit, read).await.map_err(late)?
    }

    #[tracing::instrument(name = "channel", level = "debug", skip_all, fields(app = key.0, channel = key.1.as_str(), operation = operation))]
    async fn call<T: Said>(
        &self,
        key: &ChannelKey,
        operation: &'static str,
        answer: impl Future<Output = Reply<T>>,
        permit: Permit,
    ) -> Reply<T> {
        let began = Instant::now();
        let reply = timeout(self.time_limit, answer).await.unwrap_or_else(|_| {
            silence(format!(
                "no answer within {} ms",
                self.time_limit.as_millis()
            ))
        });
        drop(permit);
        let reply = Reply {
            outcome: reply.outcome.cleaned(),
            ..reply
        };
        let kind = reply.outcome.kind();
        counters::channel_called(&key.0, key.1, operation, kind, began.elapsed());
        let heard = match kind {
            OutcomeKind::Unknown => self.breakers.failed(key, &reply.raw).await,
            _ => self.breakers.answered(key).await,
        };
        if let Err(error) = heard {
            // The evidence is worth more than the breaker's state.
            tracing::error!(%error, "a breaker's state could not be stored");
        }
        reply
    }

    /// Returns the longest time that a call may take.
    pub fn time_limit(&self) -> Duration {
        self.time_limit
    }
}

const TOO_MANY: &str = "not asked: too many calls of this channel are under way";

/// Makes the reply of a channel that said nothing.
fn silence<T: Said>(why: String) -> Reply<T> {
    Reply {
        raw: why.clone(),
        outcome: T::unknown(why),
    }
}

/// A channel's statement when it is called.
trait Said: Sized {
    /// Makes a statement that leaves everything open.
    fn unknown(why: String) -> Self;
    fn kind(&self) -> OutcomeKind;
    /// Cuts its texts to what is kept of them.
    fn cleaned(self) -> Self;
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
        self.kind()
    }
    fn cleaned(self) -> OrderOutcome {
        self
    }
}
