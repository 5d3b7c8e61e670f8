//! The command `refundry app`.

use clap::{Args, Subcommand};
use refundry::domain::account::ChannelAccount;
use refundry::domain::error::{Reason, Refusal};
use refundry::domain::merchant::{AppChannel, Edition, MerchantApp, SignType};
use refundry::domain::order::Channel;
use refundry::domain::secret::Secret;
use refundry::server::config::Offline;
use refundry::server::ctx::Ctx;
use refundry::server::error::Error;
use refundry::server::merchants;

use super::account::test_account;
use super::secret::{NewSecret, line_of_input};
use super::{Failure, one_of, open, origin, say};

#[derive(Subcommand)]
pub enum AppCommand {
    /// Add an app; its secret is made and shown once
    Add(Box<NewApp>),
    /// List the apps
    List(Offline),
}

#[derive(Args)]
pub struct NewApp {
    /// The app's id, which its requests name
    app_id: String,
    /// Name for people [default: the id]
    #[arg(long)]
    name: Option<String>,
    /// Merchant number, which its requests must match if they name one
    #[arg(long)]
    mch_no: Option<String>,
    /// Signature of requests and answers
    #[arg(long, default_value = "hmac_sha256", value_parser = one_of(SignType::ALL, SignType::as_str))]
    sign_type: SignType,
    /// Take requests without a signature: of an app whose channels are all in test mode
    #[arg(long)]
    unsigned: bool,
    /// Serve clients 2.x too, whose amounts are whole fen
    #[arg(long)]
    single_edition: bool,
    /// Edition of notices for refunds made in the console
    #[arg(long, default_value = "open", value_parser = one_of(Edition::ALL, Edition::as_str))]
    edition: Edition,
    /// A channel account that the app uses, and the number of days after payment in which it refunds
    /// (WX01 or WX01=180; 365 by default); give one for each channel
    #[arg(long = "account", value_name = "ACCOUNT[=DAYS]", value_parser = with_days)]
    accounts: Vec<WithDays>,
    /// A channel in test mode, for which an account is made: the sandbox stands in for it, and no money moves
    /// (wechat_pay or wechat_pay=180); give one for each channel
    #[arg(long = "test-channel", value_name = "CHANNEL[=DAYS]", required_unless_present = "accounts", value_parser = test_channel)]
    test_channels: Vec<(Channel, i64)>,
    /// Address of notices where a refund names none
    #[arg(long, value_name = "URL")]
    notify_url: Option<String>,
    /// Greatest distance of reqTime from our clock, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(i64).range(1..=86_400))]
    req_time_leeway: i64,
    /// Answer requests that name no app; at most one app does
    #[arg(long)]
    default: bool,
    /// Read the secret from the standard input instead of making one
    #[arg(long)]
    secret_stdin: bool,
    #[command(flatten)]
    offline: Offline,
}

/// A name, and a number of days.
type WithDays = (String, i64);

/// Reads `WX01` or `WX01=180`.
fn with_days(text: &str) -> Result<WithDays, String> {
    let (name, days) = text.split_once('=').unwrap_or((text, "365"));
    let days = days.parse().ok().filter(|days| (1..=3_650).contains(days));
    Ok((name.to_owned(), days.ok_or("from 1 to 3650 days")?))
}

/// Reads `wechat_pay` or `wechat_pay=180`.
fn test_channel(text: &str) -> Result<(Channel, i64), String> {
    let (word, days) = with_days(text)?;
    let channel = word.parse().map_err(|_| {
        let words: Vec<_> = Channel::ALL
            .iter()
            .map(|channel| channel.as_str())
            .collect();
        format!("a channel is one of {}", words.join(", "))
    })?;
    Ok((channel, days))
}

/// Runs the command.
pub async fn run(command: AppCommand) -> Result<(), Failure> {
    match command {
        AppCommand::Add(new) => {
            let ctx = open(&new.offline).await?;
            let secret = match new.secret_stdin {
                true => NewSecret::entered(line_of_input()?),
                false => NewSecret::made("secret", 32),
            };
            let test_accounts = new.test_accounts();
            let channels = new.channels(&ctx, &test_accounts).await?;
            let merchant = new.with_secret(secret.secret.clone(), channels);
            let app_id = merchant.app_id.clone();
            merchants::add(&ctx, merchant, test_accounts, origin()).await?;
            say(format_args!("added the app {app_id}"));
            secret.show();
            ctx.db.close().await;
        }
        AppCommand::List(offline) => {
            let ctx = open(&offline).await?;
            let row = |[app_id, name, state, sign_type, edition, channels]: [&str; 6]| {
                say(format_args!(
                    "{app_id:<16} {state:<17} {sign_type:<12} {edition:<13} {channels:<32} {name}"
                ));
            };
            row([
                "APP",
                "NAME",
                "STATE",
                "SIGNED BY",
                "EDITIONS",
                "CHANNELS AND DAYS",
            ]);
            for merchant in ctx.merchants.all().await?.iter() {
                let state = match (merchant.enabled, merchant.is_default) {
                    (false, _) => "disabled",
                    (true, true) => "enabled, default",
                    (true, false) => "enabled",
                };
                let edition = if merchant.single_edition {
                    "open, single"
                } else {
                    "open"
                };
                let channels: Vec<_> = merchant
                    .channels
                    .iter()
                    .map(|settings| {
                        let test = if settings.test_mode { " (test)" } else { "" };
                        let (channel, days) = (settings.channel, settings.refund_window_days);
                        format!("{channel}={days}{test}")
                    })
                    .collect();
                row([
                    &merchant.app_id,
                    &merchant.name,
                    state,
                    merchant.sign_type.as_str(),
                    edition,
                    &channels.join(" "),
                ]);
            }
            ctx.db.close().await;
        }
    }
    Ok(())
}

impl NewApp {
    /// Makes the accounts in test mode, each named by the app and the channel.
    fn test_accounts(&self) -> Vec<ChannelAccount> {
        let made = |(channel, _): &(Channel, i64)| {
            test_account(&format!("{}-{channel}", self.app_id), *channel)
        };
        self.test_channels.iter().map(made).collect()
    }

    /// Returns the app's channels.
    ///
    /// # Errors
    /// Refuses an account that does not exist.
    async fn channels(
        &self,
        ctx: &Ctx,
        test_accounts: &[ChannelAccount],
    ) -> Result<Vec<AppChannel>, Failure> {
        let mut channels = Vec::new();
        for (account_id, days) in &self.accounts {
            let found = ctx.channels.accounts.find(account_id).await?;
            let unknown = || Error::from(Refusal::field("account", Reason::Unknown));
            channels.push(AppChannel::by(&*found.ok_or_else(unknown)?, *days));
        }
        for (account, (_, days)) in test_accounts.iter().zip(&self.test_channels) {
            channels.push(AppChannel::by(account, *days));
        }
        Ok(channels)
    }

    fn with_secret(self, secret: Secret, channels: Vec<AppChannel>) -> MerchantApp {
        MerchantApp {
            name: self.name.unwrap_or_else(|| self.app_id.clone()),
            app_id: self.app_id,
            mch_no: self.mch_no,
            secret,
            sign_type: self.sign_type,
            enabled: true,
            is_default: self.default,
            sign_required: !self.unsigned,
            single_edition: self.single_edition,
            edition: self.edition,
            req_time_leeway_ms: self.req_time_leeway * 1_000,
            notify_url: self.notify_url,
            channels,
        }
    }
}
