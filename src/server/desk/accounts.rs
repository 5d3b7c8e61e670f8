//! Channel accounts as the desk shows them, with the mark of test mode.

use std::sync::Arc;

use crate::console::texts;
use crate::console::view::Cell;
use crate::domain::account::ChannelAccount;
use crate::domain::breaker::Breaker;
use crate::domain::order::Channel;
use crate::server::desk::caller::Caller;
use crate::server::error::Result;

/// All channel accounts.
pub struct Accounts(Arc<[Arc<ChannelAccount>]>);

impl Accounts {
    /// Reads the accounts.
    pub async fn read(caller: &Caller) -> Result<Accounts> {
        Ok(Accounts(caller.ctx.channels.accounts.all().await?))
    }

    /// Tells whether the sandbox stands in for an account's channel.
    pub fn is_test(&self, account_id: &str) -> bool {
        self.find(account_id)
            .is_some_and(|account| account.test_mode)
    }

    /// Makes the cell of a row's channel. It marks test mode only where a part of the app's accounts is in it; where
    /// all are, the bar at the top of the page says so.
    pub fn cell(&self, caller: &Caller, channel: Channel, account_id: &str) -> Cell {
        let name = texts::channel(channel).get(caller.lang);
        let marked = self.is_test(account_id) && caller.merchant.moves_money();
        Cell::Short(match marked {
            true => texts::in_test_mode(name, caller.lang),
            false => name.to_owned(),
        })
    }

    /// Returns the channel of an open breaker, if the app uses its account.
    pub fn silent_channel(&self, caller: &Caller, breaker: &Breaker) -> Option<Channel> {
        let mut channels = caller.merchant.channels.iter();
        let used = channels.any(|settings| settings.account_id == breaker.account_id);
        let account = self.find(&breaker.account_id).filter(|_| used)?;
        Some(account.channel)
    }

    fn find(&self, account_id: &str) -> Option<&ChannelAccount> {
        let mut accounts = self.0.iter().map(Arc::as_ref);
        accounts.find(|account| account.account_id == account_id)
    }
}
