//! The command `refundry account`.

use std::io::{Read, stdin};

use clap::{Args, Subcommand};
use refundry::domain::account::ChannelAccount;
use refundry::domain::order::Channel;
use refundry::server::config::Offline;
use refundry::server::merchants::accounts;

use super::secret::NewSecret;
use super::{Failure, one_of, open, origin, say};

#[derive(Subcommand)]
pub enum AccountCommand {
    /// Add a channel account
    Add(Box<NewAccount>),
    /// List the channel accounts
    List(Offline),
    /// Let an account take refunds again
    Enable(KnownAccount),
    /// Let an account take no new refunds; what was begun is brought to its end
    Disable(KnownAccount),
}

#[derive(Args)]
pub struct NewAccount {
    /// Our name for the account: letters, digits and . _ -
    account_id: String,
    /// Channel of the account
    #[arg(long, value_parser = one_of(Channel::ALL, Channel::as_str))]
    channel: Channel,
    /// Test mode: the sandbox stands in for the channel, and no money moves; cannot be changed afterwards
    #[arg(long, conflicts_with_all = ["mch_id", "settings"])]
    test: bool,
    /// Merchant number at the channel
    #[arg(long, required_unless_present = "test")]
    mch_id: Option<String>,
    /// Settings of the account, as JSON; the secrets are read from the standard input
    #[arg(long, value_name = "JSON", default_value = "{}")]
    settings: String,
    #[command(flatten)]
    offline: Offline,
}

#[derive(Args)]
pub struct KnownAccount {
    /// Our name for the account
    account_id: String,
    #[command(flatten)]
    offline: Offline,
}

/// Makes an account in test mode, with a key of its own that signs the sandbox's callbacks.
pub fn test_account(account_id: &str, channel: Channel) -> ChannelAccount {
    let key = NewSecret::made("key", 32).secret;
    ChannelAccount::in_test_mode(account_id, channel, key)
}

/// Runs the command.
pub async fn run(command: AccountCommand) -> Result<(), Failure> {
    match command {
        AccountCommand::Add(new) => {
            let ctx = open(&new.offline).await?;
            let account = new.read()?;
            let added = match account.test_mode {
                true => format!("added the account {}, in test mode", account.account_id),
                false => format!("added the account {}", account.account_id),
            };
            accounts::add(&ctx, account, origin()).await?;
            say(added);
            ctx.db.close().await;
        }
        AccountCommand::List(offline) => {
            let ctx = open(&offline).await?;
            let row = |[account_id, channel, mch_id, state]: [&str; 4]| {
                say(format_args!(
                    "{account_id:<24} {channel:<12} {mch_id:<24} {state}"
                ));
            };
            row(["ACCOUNT", "CHANNEL", "MERCHANT NUMBER", "STATE"]);
            for account in ctx.channels.accounts.all().await?.iter() {
                let state = match (account.enabled, account.test_mode) {
                    (true, true) => "enabled, test mode",
                    (true, false) => "enabled",
                    (false, true) => "disabled, test mode",
                    (false, false) => "disabled",
                };
                let channel = account.channel.as_str();
                row([&account.account_id, channel, &account.mch_id, state]);
            }
            ctx.db.close().await;
        }
        AccountCommand::Enable(known) => set_enabled(known, true).await?,
        AccountCommand::Disable(known) => set_enabled(known, false).await?,
    }
    Ok(())
}

async fn set_enabled(known: KnownAccount, enabled: bool) -> Result<(), Failure> {
    let ctx = open(&known.offline).await?;
    accounts::set_enabled(&ctx, &known.account_id, enabled, origin()).await?;
    let takes = if enabled {
        "takes refunds"
    } else {
        "takes no new refunds"
    };
    say(format_args!("{} {takes}", known.account_id));
    ctx.db.close().await;
    Ok(())
}

impl NewAccount {
    /// Makes the account. The secrets of one that moves money are the standard input as it is.
    fn read(&self) -> Result<ChannelAccount, Failure> {
        let Some(mch_id) = self.mch_id.clone().filter(|_| !self.test) else {
            return Ok(test_account(&self.account_id, self.channel));
        };
        let mut secrets = String::new();
        stdin()
            .read_to_string(&mut secrets)
            .map_err(Failure::Input)?;
        Ok(ChannelAccount {
            account_id: self.account_id.clone(),
            channel: self.channel,
            mch_id,
            settings: self.settings.clone(),
            secrets: secrets.into(),
            test_mode: false,
            enabled: true,
        })
    }
}
