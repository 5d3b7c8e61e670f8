//! The command `refundry app`.

use clap::{Args, Subcommand};
use refundry::domain::merchant::{AppChannel, Edition, MerchantApp, SignType};
use refundry::domain::order::Channel;
use refundry::domain::secret::Secret;
use refundry::server::config::Offline;
use refundry::server::merchants;

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
    /// How requests and answers are signed
    #[arg(long, default_value = "hmac_sha256", value_parser = one_of(SignType::ALL, SignType::as_str))]
    sign_type: SignType,
    /// Take requests without a signature: of an app whose only channel is the sandbox
    #[arg(long)]
    unsigned: bool,
    /// Serve clients 2.x too, whose amounts are whole fen
    #[arg(long)]
    single_edition: bool,
    /// Edition of notices for refunds made in the console
    #[arg(long, default_value = "open", value_parser = one_of(Edition::ALL, Edition::as_str))]
    edition: Edition,
    /// A channel, and for how many days after payment it refunds (wechat_pay or wechat_pay=180; 365
    /// by default); give one for each channel
    #[arg(long = "channel", value_name = "CHANNEL[=DAYS]", required = true, value_parser = channel)]
    channels: Vec<AppChannel>,
    /// Where notices go when a refund names no address
    #[arg(long, value_name = "URL")]
    notify_url: Option<String>,
    /// How far reqTime may be from our clock, in seconds
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

/// Reads `wechat_pay` or `wechat_pay=180`.
fn channel(text: &str) -> Result<AppChannel, String> {
    let (word, days) = text.split_once('=').unwrap_or((text, "365"));
    let channel: Channel = word.parse().map_err(|_| {
        let words: Vec<_> = Channel::ALL
            .iter()
            .map(|channel| channel.as_str())
            .collect();
        format!("a channel is one of {}", words.join(", "))
    })?;
    let days = days.parse().ok().filter(|days| (1..=3_650).contains(days));
    Ok(AppChannel {
        channel,
        enabled: true,
        refund_window_days: days.ok_or("from 1 to 3650 days")?,
    })
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
            let merchant = new.with_secret(secret.secret.clone());
            let app_id = merchant.app_id.clone();
            merchants::add(&ctx, merchant, origin()).await?;
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
                    .map(|settings| format!("{}={}", settings.channel, settings.refund_window_days))
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
    fn with_secret(self, secret: Secret) -> MerchantApp {
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
            channels: self.channels,
        }
    }
}
