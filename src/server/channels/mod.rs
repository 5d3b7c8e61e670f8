//! The payment channels.
//!
//! `adapter` defines the calls of a channel, `accounts` reads the channel accounts, `call` makes every call, and each
//! channel has a folder.

pub mod accounts;
pub mod adapter;
pub mod breaker;
pub mod bulkhead;
pub mod call;
pub mod sandbox;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::account::ChannelAccount;
use crate::domain::error::Refusal;
use crate::domain::order::Channel;
use crate::server::channels::accounts::Accounts;
use crate::server::channels::adapter::{
    CallbackReply, ChannelAdapter, RefundTerms, SubmissionPolicy,
};
use crate::server::channels::breaker::Breakers;
use crate::server::channels::bulkhead::Bulkheads;
use crate::server::channels::sandbox::{Sandbox, SandboxSettings};
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::Result;
use crate::server::vault::Vault;

/// The adapters of the channels that this server can reach.
pub struct Adapters {
    of_channels: HashMap<Channel, Arc<dyn ChannelAdapter>>,
    /// The adapter of all accounts in test mode.
    sandbox: Option<Arc<Sandbox>>,
}

impl Adapters {
    /// Makes the adapters that the settings allow; the sandbox only where it has settings.
    pub fn new(sandbox: Option<SandboxSettings>, db: Db, clock: Clock) -> Adapters {
        Adapters {
            of_channels: HashMap::new(),
            sandbox: sandbox.map(|settings| Arc::new(Sandbox::new(settings, db, clock))),
        }
    }

    /// Makes these adapters and no others.
    pub fn of(of_channels: HashMap<Channel, Arc<dyn ChannelAdapter>>) -> Adapters {
        Adapters {
            of_channels,
            sandbox: None,
        }
    }

    /// Returns the adapter that serves an account.
    fn of_account(&self, account: &ChannelAccount) -> Option<Arc<dyn ChannelAdapter>> {
        match account.test_mode {
            true => self.sandbox.clone().map(|sandbox| sandbox as _),
            false => self.of_channels.get(&account.channel).cloned(),
        }
    }
}

/// The limits of calls to a channel.
#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// Maximum duration of a call.
    pub time_limit: Duration,
    /// Maximum number of calls of one account under way at once.
    pub calls_at_once: usize,
}

/// The channels that this server can reach, with their accounts, breakers and bulkheads.
pub struct Channels {
    adapters: Adapters,
    pub accounts: Accounts,
    pub breakers: Breakers,
    bulkheads: Bulkheads,
    time_limit: Duration,
}

impl Channels {
    /// Makes the channels of these adapters.
    pub fn new(
        adapters: Adapters,
        limits: CallLimits,
        db: Db,
        vault: Vault,
        clock: Clock,
    ) -> Channels {
        Channels {
            adapters,
            accounts: Accounts::new(db.clone(), vault, clock.clone()),
            breakers: Breakers::new(db, clock),
            bulkheads: Bulkheads::new(limits.calls_at_once),
            time_limit: limits.time_limit,
        }
    }

    /// Returns the line to the channel of an account.
    ///
    /// # Errors
    /// [`Refusal::ChannelNotEnabled`] where this server does not reach the channel.
    pub async fn line(&self, account_id: &str) -> Result<Line<'_>> {
        let account = self.accounts.get(account_id).await?;
        let adapter = self.adapters.of_account(&account);
        let adapter = adapter.ok_or(Refusal::ChannelNotEnabled {
            channel: account.channel.as_str().into(),
        })?;
        Ok(Line {
            channels: self,
            account,
            adapter,
        })
    }

    /// Returns the reply of a channel to a callback that is not taken, whosever it is. `None`: this server does not
    /// reach the channel.
    pub fn reply_not_taken(&self, channel: Channel) -> Option<CallbackReply> {
        let Adapters {
            of_channels,
            sandbox,
        } = &self.adapters;
        let not_taken = |adapter: &dyn ChannelAdapter| adapter.reply(false);
        let own = of_channels.get(&channel).map(|own| not_taken(&**own));
        own.or_else(|| sandbox.as_deref().map(|sandbox| not_taken(sandbox)))
    }

    /// Returns the sandbox, where the settings offer it.
    pub fn sandbox(&self) -> Option<&Sandbox> {
        self.adapters.sandbox.as_deref()
    }
}

/// A line to a channel for one account. `call` has the calls that it offers.
pub struct Line<'a> {
    channels: &'a Channels,
    account: Arc<ChannelAccount>,
    // Private to this module, so that nobody can await an adapter past the limits of `call`.
    adapter: Arc<dyn ChannelAdapter>,
}

impl Line<'_> {
    /// Returns the account.
    pub fn account(&self) -> &ChannelAccount {
        &self.account
    }

    /// Returns the channel's rules for submissions.
    pub fn policy(&self) -> SubmissionPolicy {
        self.adapter.policy()
    }

    /// Writes the parameters of a refund's submissions, see [`ChannelAdapter::params`].
    pub fn params(&self, terms: RefundTerms<'_>) -> String {
        self.adapter.params(&self.account, terms)
    }

    /// Returns the reply to a callback. `taken`: the callback was accepted.
    pub fn reply(&self, taken: bool) -> CallbackReply {
        self.adapter.reply(taken)
    }
}
