//! The channel accounts, kept in memory for a moment: every call of a channel needs one, and they seldom change.

use std::sync::Arc;

use futures::FutureExt;

use crate::domain::account::{ChannelAccount, SealedAccount};
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::recent::Recent;
use crate::server::store;
use crate::server::store::sealed::ACCOUNT_SECRETS;
use crate::server::vault::Vault;

/// The channel accounts. Reads them when they are needed and keeps them for a moment.
pub struct Accounts(Recent<Read>);

/// The result of one reading.
#[derive(Clone)]
struct Read {
    accounts: Arc<[Arc<ChannelAccount>]>,
    /// Accounts whose secrets could not be opened, each with its error. All other accounts are served.
    unopened: Arc<[(String, Error)]>,
}

impl Accounts {
    /// Makes the accounts, with nothing read yet.
    pub fn new(db: Db, vault: Vault, clock: Clock) -> Accounts {
        Accounts(Recent::new(clock, move || {
            read(db.clone(), vault.clone()).boxed()
        }))
    }

    /// Returns an account, enabled or not. Finds an account that was added a moment ago, too.
    ///
    /// # Errors
    /// Fails where there is no such account, or its secrets do not open.
    pub async fn get(&self, account_id: &str) -> Result<Arc<ChannelAccount>> {
        if let Some(known) = self.find(account_id).await? {
            return Ok(known);
        }
        self.0.forget();
        let found = self.find(account_id).await?;
        found.ok_or_else(|| Error::internal(format!("there is no channel account {account_id}")))
    }

    /// Returns an account that a request from outside names, enabled or not. `None`: there was none a moment ago.
    ///
    /// # Errors
    /// Fails where its secrets do not open.
    pub async fn find(&self, account_id: &str) -> Result<Option<Arc<ChannelAccount>>> {
        let read = self.0.get().await?;
        if let Some((_, why)) = read.unopened.iter().find(|(id, _)| id == account_id) {
            return Err(why.clone());
        }
        let mut accounts = read.accounts.iter();
        let found = accounts.find(|account| account.account_id == account_id);
        Ok(found.cloned())
    }

    /// Returns all accounts whose secrets can be opened, by id.
    pub async fn all(&self) -> Result<Arc<[Arc<ChannelAccount>]>> {
        Ok(self.0.get().await?.accounts)
    }
}

async fn read(db: Db, vault: Vault) -> Result<Read> {
    let stored = store::account::all(&mut *db.read().await?).await?;
    let (mut accounts, mut unopened) = (Vec::new(), Vec::new());
    for account in stored {
        let account_id = account.account_id.clone();
        match opened(&vault, account) {
            Ok(account) => accounts.push(Arc::new(account)),
            Err(why) => {
                tracing::error!(account_id, error = %why, "a channel account cannot be used");
                unopened.push((account_id, why));
            }
        }
    }
    Ok(Read {
        accounts: accounts.into(),
        unopened: unopened.into(),
    })
}

fn opened(vault: &Vault, account: SealedAccount) -> Result<ChannelAccount> {
    let secrets = vault.open(&ACCOUNT_SECRETS, &[&account.account_id], &account.secrets)?;
    Ok(account.with_secrets(secrets))
}
