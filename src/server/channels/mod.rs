//! The channels: what stands between us and the money.
//!
//! `adapter` says what a channel's adapter does, `call` makes every call of one, and each channel has a folder.

pub mod adapter;
pub mod breaker;
pub mod bulkhead;
pub mod call;
pub mod sandbox;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::error::Refusal;
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Channel;
use crate::server::channels::adapter::{
    CallbackReply, ChannelAdapter, RefundTerms, SubmissionPolicy,
};
use crate::server::channels::breaker::{Breakers, ChannelKey};
use crate::server::channels::bulkhead::Bulkheads;
use crate::server::channels::sandbox::{Sandbox, SandboxSettings};
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::Result;

/// The adapters of the channels that this server can reach.
pub struct Adapters {
    all: HashMap<Channel, Arc<dyn ChannelAdapter>>,
    sandbox: Option<Arc<Sandbox>>,
}

impl Adapters {
    /// Makes the adapters that the settings allow; the sandbox where it has settings.
    pub fn new(sandbox: Option<SandboxSettings>, db: Db, clock: Clock) -> Adapters {
        let sandbox = sandbox.map(|settings| Arc::new(Sandbox::new(settings, db, clock)));
        let adapter = |sandbox: &Arc<Sandbox>| (Channel::Sandbox, sandbox.clone() as _);
        Adapters {
            all: sandbox.iter().map(adapter).collect(),
            sandbox,
        }
    }

    /// Makes these adapters and no other.
    pub fn of(all: HashMap<Channel, Arc<dyn ChannelAdapter>>) -> Adapters {
        Adapters { all, sandbox: None }
    }
}

/// The limits of calls to a channel.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// The longest time that a call may take.
    pub time_limit: Duration,
    /// The most calls of one channel of one app that are under way at once.
    pub calls_at_once: usize,
}

/// The channels that this server can reach, and what it knows of how they are.
pub struct Channels {
    adapters: Adapters,
    pub breakers: Breakers,
    bulkheads: Bulkheads,
    time_limit: Duration,
}

impl Channels {
    /// Makes the channels of these adapters.
    pub fn new(adapters: Adapters, limits: CallLimits, db: Db, clock: Clock) -> Channels {
        Channels {
            adapters,
            breakers: Breakers::new(db, clock),
            bulkheads: Bulkheads::new(limits.calls_at_once),
            time_limit: limits.time_limit,
        }
    }

    /// Returns when and how a channel takes submissions.
    ///
    /// # Errors
    /// [`Refusal::ChannelNotEnabled`] where this server does not reach it.
    pub fn policy(&self, channel: Channel) -> Result<SubmissionPolicy, Refusal> {
        Ok(self.adapter(channel)?.policy())
    }

    /// Writes what a refund's channel is to be told of it, see [`ChannelAdapter::params`].
    ///
    /// # Errors
    /// [`Refusal::ChannelNotEnabled`] where this server does not reach it.
    pub fn params(&self, app: &MerchantApp, terms: RefundTerms<'_>) -> Result<String, Refusal> {
        Ok(self.adapter(terms.order.channel)?.params(app, terms))
    }

    /// Returns what to answer a channel's callback, taken or not.
    ///
    /// # Errors
    /// [`Refusal::ChannelNotEnabled`] where this server does not reach the channel.
    pub fn reply(&self, channel: Channel, taken: bool) -> Result<CallbackReply, Refusal> {
        Ok(self.adapter(channel)?.reply(taken))
    }

    // Known in this room alone: nobody else can await an adapter, past the limits of `call`.
    fn adapter(&self, channel: Channel) -> Result<&dyn ChannelAdapter, Refusal> {
        let adapter = self.adapters.all.get(&channel).map(Arc::as_ref);
        adapter.ok_or(Refusal::ChannelNotEnabled {
            channel: channel.as_str().into(),
        })
    }

    /// Returns the sandbox, where it is offered.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.adapters.sandbox.as_deref()
    }
}

/// Names a channel of an app.
fn of_app(app_id: &str, channel: Channel) -> ChannelKey {
    (app_id.to_owned(), channel)
}
