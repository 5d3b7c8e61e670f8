//! The channels: what stands between us and the money.
//!
//! A channel never sees the database's transactions and never decides a refund's state: it says
//! what it found, and what was said word for word.

pub mod breaker;
pub mod bulkhead;
pub mod sandbox;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::domain::error::Refusal;
use crate::domain::merchant::MerchantApp;
use crate::domain::money::Fen;
use crate::domain::order::{Channel, NewOrder, Order, OrderKey, OrderStatus};
use crate::domain::refund::{Outcome, Refund};
use crate::server::channels::sandbox::SandboxSettings;
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::Result;

/// A channel's reply.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    pub outcome: T,
    /// The reply word for word, without secrets.
    pub raw: String,
}

/// What a channel says of a payment order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// It knows it: its state, and the details we may lack.
    Known {
        status: OrderStatus,
        details: Box<NewOrder>,
    },
    NotFound,
    /// No answer, or one that leaves the state open.
    Unknown {
        why: String,
    },
}

/// A callback whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The number under which the channel knows the refund.
    pub channel_no: String,
    pub amount: Fen,
    pub outcome: Outcome,
}

/// A callback's reply, as the channel expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackReply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// One way to the money.
pub trait ChannelAdapter: Send + Sync {
    /// Submits a refund under its `channel_no`. Submitting the same number again is one refund.
    fn refund<'a>(
        &'a self,
        app: &'a MerchantApp,
        order: &'a Order,
        refund: &'a Refund,
    ) -> BoxFuture<'a, Reply<Outcome>>;

    /// Asks for a refund's state.
    fn query_refund<'a>(
        &'a self,
        app: &'a MerchantApp,
        order: &'a Order,
        refund: &'a Refund,
    ) -> BoxFuture<'a, Reply<Outcome>>;

    /// Asks for a payment's state: of an order we know, or else of one a merchant gave a number of.
    fn query_order<'a>(
        &'a self,
        app: &'a MerchantApp,
        key: &'a OrderKey,
        known: Option<&'a Order>,
    ) -> BoxFuture<'a, Reply<OrderOutcome>>;

    /// Checks a callback's signature over its raw body and reads it.
    ///
    /// # Errors
    /// [`Refusal::BadSignature`] or [`Refusal::Unreadable`].
    fn read_callback(
        &self,
        app: &MerchantApp,
        headers: &HashMap<String, String>,
        body: &[u8],
    ) -> Result<Callback, Refusal>;

    /// What to answer a callback, taken or not.
    fn reply(&self, taken: bool) -> CallbackReply;

    /// How long after a submission "not found" may only mean "not yet visible".
    fn visibility_delay(&self) -> Duration;
}

/// The channels that this server can reach.
pub struct Channels {
    adapters: HashMap<Channel, Arc<dyn ChannelAdapter>>,
    sandbox: Option<Arc<sandbox::Sandbox>>,
}

impl Channels {
    /// Makes the channels that the settings allow; the sandbox where it has settings.
    pub fn new(sandbox: Option<SandboxSettings>, db: Db, clock: Clock) -> Channels {
        let sandbox = sandbox.map(|settings| Arc::new(sandbox::Sandbox::new(settings, db, clock)));
        let adapter = |sandbox: &Arc<sandbox::Sandbox>| (Channel::Sandbox, sandbox.clone() as _);
        Channels {
            adapters: sandbox.iter().map(adapter).collect(),
            sandbox,
        }
    }

    /// These channels and no other.
    pub fn of(adapters: HashMap<Channel, Arc<dyn ChannelAdapter>>) -> Channels {
        Channels {
            adapters,
            sandbox: None,
        }
    }

    /// The way to a channel.
    ///
    /// # Errors
    /// [`Refusal::ChannelNotEnabled`] where this server has none.
    pub fn adapter(&self, channel: Channel) -> Result<&dyn ChannelAdapter, Refusal> {
        let adapter = self.adapters.get(&channel).map(Arc::as_ref);
        adapter.ok_or(Refusal::ChannelNotEnabled {
            channel: channel.as_str().into(),
        })
    }

    /// The sandbox, where it is offered.
    pub fn sandbox(&self) -> Option<&sandbox::Sandbox> {
        self.sandbox.as_deref()
    }
}
