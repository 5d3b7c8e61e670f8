//! The command `refundry app`.

use std::sync::Arc;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use refundry::domain::account::ChannelAccount;
use refundry::domain::error::{Reason, Refusal};
use refundry::domain::merchant::{AppChannel, Edition, MerchantApp, SealedApp, SignType};
use refundry::domain::order::Channel;
use refundry::domain::secret::Secret;
use refundry::domain::time::{DAY_MS, SECOND_MS};
use refundry::server::config::{Offline, duration};
use refundry::server::ctx::Ctx;
use refundry::server::error::Error;
use refundry::server::merchants;
use refundry::wire::field::local_text;

use super::account::test_account;
use super::secret::{NewSecret, line_of_input};
use super::{Failure, one_of, open, origin, say};

#[derive(Subcommand)]
pub enum AppCommand {
    /// Add an app; its secret is made and shown once
    Add(Box<NewApp>),
    /// List the apps
    List(Offline),
    /// Show an app's settings
    Show(KnownApp),
    /// Change an app's settings; running servers use them within seconds
    Set(Box<SetApp>),
    /// Take requests of an app again
    Enable(KnownApp),
    /// Refuse the requests of an app; its refunds that have begun are brought to their end
    Disable(KnownApp),
    /// Replace an app's secret; the new one is made and shown once
    ///
    /// While the old secret is valid, requests signed by either are taken, and each answer is signed like its request.
    /// Notices are signed by the old and the new secret in turn, from one attempt to the next, so that a receiver with
    /// either gets each of them.
    NewSecret(NewAppSecret),
    /// End the validity of an app's old secret
    DropOldSecret(KnownApp),
}

#[derive(Args)]
pub struct KnownApp {
    /// The app's id
    app_id: String,
    #[command(flatten)]
    offline: Offline,
}

#[derive(Args)]
pub struct NewAppSecret {
    /// The app's id
    app_id: String,
    /// Time for which the old secret stays valid: up to 720h; 0s ends it at once
    #[arg(long = "keep-old", value_name = "DURATION", default_value = "24h", value_parser = duration(0..=30 * DAY_MS))]
    keep_old_ms: i64,
    /// Read the secret from the standard input instead of making one
    #[arg(long)]
    secret_stdin: bool,
    #[command(flatten)]
    offline: Offline,
}

#[derive(Args)]
pub struct SetApp {
    /// The app's id
    app_id: String,
    #[command(flatten)]
    changes: AppChanges,
    /// Confirm --unsigned on
    #[arg(long)]
    yes_anybody_may_refund: bool,
    #[command(flatten)]
    offline: Offline,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct AppChanges {
    /// Name for people
    #[arg(long)]
    name: Option<String>,
    /// Merchant number, which requests must match if they name one; empty for none
    #[arg(long)]
    mch_no: Option<String>,
    /// Signature of requests and answers
    #[arg(long, value_parser = one_of(SignType::ALL, SignType::as_str))]
    sign_type: Option<SignType>,
    /// Take requests without a signature: of an app whose channels are all in test mode
    #[arg(
        long,
        value_name = "on|off",
        value_parser = on_off(),
        requires_if("on", "yes_anybody_may_refund")
    )]
    unsigned: Option<bool>,
    /// Serve clients 2.x too, whose amounts are whole fen
    #[arg(long, value_name = "on|off", value_parser = on_off())]
    single_edition: Option<bool>,
    /// Edition of notices for refunds made in the console
    #[arg(long, value_parser = one_of(Edition::ALL, Edition::as_str))]
    edition: Option<Edition>,
    /// A channel account to use for its channel, and the number of days after payment in which it refunds (WX01 or
    /// WX01=180; 365 by default); orders keep the account by which they were paid
    #[arg(long = "account", value_name = "ACCOUNT[=DAYS]", value_parser = with_days)]
    accounts: Vec<WithDays>,
    /// A channel in test mode to use, for which an account is made (wechat_pay or wechat_pay=180)
    #[arg(long = "test-channel", value_name = "CHANNEL[=DAYS]", value_parser = test_channel)]
    test_channels: Vec<(Channel, i64)>,
    /// Number of days after payment in which a channel of the app refunds (wechat_pay=180)
    #[arg(long = "days", value_name = "CHANNEL=DAYS", value_parser = test_channel)]
    days: Vec<(Channel, i64)>,
    /// A channel of the app that refunds again
    #[arg(long = "enable-channel", value_name = "CHANNEL", value_parser = one_of(Channel::ALL, Channel::as_str))]
    enabled_channels: Vec<Channel>,
    /// A channel of the app that takes no new refunds
    #[arg(long = "disable-channel", value_name = "CHANNEL", value_parser = one_of(Channel::ALL, Channel::as_str))]
    disabled_channels: Vec<Channel>,
    /// Address of notices where a refund names none; empty for none
    #[arg(long, value_name = "URL")]
    notify_url: Option<String>,
    /// Hosts that a request's notifyUrl may name, as shop.example,.pay.example; one that begins with a dot is an ending;
    /// empty for any host
    #[arg(long, value_name = "HOST,...", value_parser = notify_hosts)]
    notify_hosts: Option<Hosts>,
    /// Greatest distance of reqTime from our clock, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(i64).range(1..=86_400))]
    req_time_leeway: Option<i64>,
    /// Answer requests that name no app, in place of the app that does so now
    #[arg(long, value_name = "on|off", value_parser = on_off())]
    default: Option<bool>,
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
    #[arg(long, requires = "yes_anybody_may_refund")]
    unsigned: bool,
    /// Confirm --unsigned
    #[arg(long)]
    yes_anybody_may_refund: bool,
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
    /// Hosts that a request's notifyUrl may name, as shop.example,.pay.example; one that begins with a dot is an ending
    /// [default: any host]
    #[arg(long, value_name = "HOST,...", value_parser = notify_hosts)]
    notify_hosts: Option<Hosts>,
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

/// A list of hosts.
type Hosts = Vec<String>;

/// Reads `shop.example,.pay.example`.
fn notify_hosts(text: &str) -> Result<Hosts, String> {
    let hosts = text
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty());
    let read = hosts.map(|host| {
        let refused =
            |_| format!("{host:?} is no host name, nor an ending of one that begins with a dot");
        merchants::notify_host(host).map_err(refused)
    });
    read.collect()
}

/// Makes a parser of `on` and `off`.
fn on_off() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|word| word == "on")
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
            let secret = read_secret(new.secret_stdin)?;
            let test_accounts = test_accounts(&new.app_id, &new.test_channels);
            let test_channels = (&new.test_channels[..], &test_accounts[..]);
            let channels = channels(&ctx, &new.accounts, test_channels).await?;
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
                    state(merchant),
                    merchant.sign_type.as_str(),
                    editions(merchant),
                    &channels.join(" "),
                ]);
            }
            ctx.db.close().await;
        }
        AppCommand::Show(known) => {
            let ctx = open(&known.offline).await?;
            show(&ctx, &*find(&ctx, &known.app_id).await?);
            ctx.db.close().await;
        }
        AppCommand::Set(command) => set(*command).await?,
        AppCommand::Enable(known) => {
            let ctx = open(&known.offline).await?;
            merchants::set_enabled(&ctx, &known.app_id, true, origin()).await?;
            say(format_args!("{} may make requests", known.app_id));
            ctx.db.close().await;
        }
        AppCommand::Disable(known) => {
            let ctx = open(&known.offline).await?;
            merchants::set_enabled(&ctx, &known.app_id, false, origin()).await?;
            say(format_args!("requests of {} are refused", known.app_id));
            ctx.db.close().await;
        }
        AppCommand::NewSecret(new) => {
            let ctx = open(&new.offline).await?;
            let secret = read_secret(new.secret_stdin)?;
            let (app_id, keep_old_ms) = (&new.app_id, new.keep_old_ms);
            merchants::new_secret(&ctx, app_id, &secret.secret, keep_old_ms, origin()).await?;
            say(match old_secret(&ctx, &*find(&ctx, app_id).await?) {
                Some(until) => {
                    format!("{app_id} has a new secret; the old one is valid until {until}")
                }
                None => format!("{app_id} has a new secret; the old one is no longer valid"),
            });
            secret.show();
            ctx.db.close().await;
        }
        AppCommand::DropOldSecret(known) => {
            let ctx = open(&known.offline).await?;
            merchants::drop_old_secret(&ctx, &known.app_id, origin()).await?;
            say(format_args!(
                "the old secret of {} is no longer valid",
                known.app_id
            ));
            ctx.db.close().await;
        }
    }
    Ok(())
}

/// Changes an app's settings.
async fn set(command: SetApp) -> Result<(), Failure> {
    let SetApp {
        app_id, changes, ..
    } = command;
    let ctx = open(&command.offline).await?;
    let test_accounts = test_accounts(&app_id, &changes.test_channels);
    let test_channels = (&changes.test_channels[..], &test_accounts[..]);
    let channels = channels(&ctx, &changes.accounts, test_channels).await?;
    let edit = move |app: &mut SealedApp| changes.make(app, &channels);
    merchants::change(&ctx, &app_id, test_accounts, origin(), edit).await?;
    show(&ctx, &*find(&ctx, &app_id).await?);
    ctx.db.close().await;
    Ok(())
}

/// Returns an app, enabled or not.
///
/// # Errors
/// Refuses one that does not exist.
async fn find(ctx: &Ctx, app_id: &str) -> Result<Arc<MerchantApp>, Failure> {
    let found = ctx.merchants.known(app_id).await;
    Ok(found.map_err(|error| match error {
        Error::Refused(_) => Refusal::field("app", Reason::Unknown).into(),
        error => error,
    })?)
}

/// Prints an app's settings.
fn show(ctx: &Ctx, app: &MerchantApp) {
    let line = |name: &str, value: &str| say(format_args!("{name:<16} {value}"));
    line("app", &app.app_id);
    line("name", &app.name);
    line("state", state(app));
    line("merchant number", app.mch_no.as_deref().unwrap_or("none"));
    line("signed by", app.sign_type.as_str());
    let signed = match app.needs_signature() {
        true => "required",
        false => "not required: anybody may refund",
    };
    line("signature", signed);
    let old = old_secret(ctx, app);
    let old = old.map_or("none".to_owned(), |until| format!("valid until {until}"));
    line("old secret", &old);
    line("editions", editions(app));
    line("console refunds", &format!("{} edition", app.edition));
    let leeway = format!(
        "at most {} s from our clock",
        app.req_time_leeway_ms / SECOND_MS
    );
    line("reqTime", &leeway);
    line("notify URL", app.notify_url.as_deref().unwrap_or("none"));
    let hosts = match app.notify_hosts.is_empty() {
        true => "any".to_owned(),
        false => app.notify_hosts.join(","),
    };
    line("notify hosts", &hosts);
    for settings in &app.channels {
        let enabled = if settings.enabled {
            "enabled"
        } else {
            "disabled"
        };
        let test = if settings.test_mode {
            ", test mode"
        } else {
            ""
        };
        let (account, days) = (&settings.account_id, settings.refund_window_days);
        let about = format!("{account}, {days} days, {enabled}{test}");
        line(settings.channel.as_str(), &about);
    }
}

fn state(app: &MerchantApp) -> &'static str {
    match (app.enabled, app.is_default) {
        (false, true) => "disabled, default",
        (false, false) => "disabled",
        (true, true) => "enabled, default",
        (true, false) => "enabled",
    }
}

fn editions(app: &MerchantApp) -> &'static str {
    match app.single_edition {
        true => "open, single",
        false => "open",
    }
}

/// Returns the time at which the old secret of an app ends, where it has one that is valid.
fn old_secret(ctx: &Ctx, app: &MerchantApp) -> Option<String> {
    app.valid_old_secret(ctx.clock.now())?;
    let (until, zone) = (app.old_secret.as_ref()?.until, &ctx.config.time_zone);
    let name = zone.iana_name().unwrap_or("UTC");
    Some(format!("{} ({name})", local_text(until, zone)))
}

/// Reads a secret from the standard input, or makes one.
fn read_secret(from_input: bool) -> Result<NewSecret, Failure> {
    match from_input {
        true => line_of_input().map(NewSecret::entered),
        false => Ok(NewSecret::made("secret", 32)),
    }
}

/// Makes the accounts of channels in test mode, each named by the app and the channel.
fn test_accounts(app_id: &str, channels: &[(Channel, i64)]) -> Vec<ChannelAccount> {
    let made =
        |(channel, _): &(Channel, i64)| test_account(&format!("{app_id}-{channel}"), *channel);
    channels.iter().map(made).collect()
}

/// Returns an app's settings for the channels of accounts, and for channels in test mode with the accounts made for them.
///
/// # Errors
/// Refuses an account that does not exist.
async fn channels(
    ctx: &Ctx,
    accounts: &[WithDays],
    (test_channels, test_accounts): (&[(Channel, i64)], &[ChannelAccount]),
) -> Result<Vec<AppChannel>, Failure> {
    let mut channels = Vec::new();
    for (account_id, days) in accounts {
        let found = ctx.channels.accounts.find(account_id).await?;
        let unknown = || Error::from(Refusal::field("account", Reason::Unknown));
        channels.push(AppChannel::by(&*found.ok_or_else(unknown)?, *days));
    }
    for (account, (_, days)) in test_accounts.iter().zip(test_channels) {
        channels.push(AppChannel::by(account, *days));
    }
    Ok(channels)
}

impl AppChanges {
    /// Makes the changes. `channels` take the places of the app's settings for the same channels.
    fn make(&self, app: &mut SealedApp, channels: &[AppChannel]) -> Result<(), Refusal> {
        fn put<T: Clone>(place: &mut T, given: &Option<T>) {
            if let Some(given) = given {
                place.clone_from(given);
            }
        }
        fn put_or_clear(place: &mut Option<String>, given: &Option<String>) {
            if let Some(given) = given {
                *place = Some(given.clone()).filter(|given| !given.is_empty());
            }
        }
        put(&mut app.name, &self.name);
        put_or_clear(&mut app.mch_no, &self.mch_no);
        put(&mut app.sign_type, &self.sign_type);
        put(
            &mut app.sign_required,
            &self.unsigned.map(|unsigned| !unsigned),
        );
        put(&mut app.single_edition, &self.single_edition);
        put(&mut app.edition, &self.edition);
        put_or_clear(&mut app.notify_url, &self.notify_url);
        put(&mut app.notify_hosts, &self.notify_hosts);
        let leeway_ms = self.req_time_leeway.map(|seconds| seconds * SECOND_MS);
        put(&mut app.req_time_leeway_ms, &leeway_ms);
        put(&mut app.is_default, &self.default);
        for channel in channels {
            app.channels
                .retain(|known| known.channel != channel.channel);
        }
        app.channels.extend_from_slice(channels);
        for (channel, days) in &self.days {
            own_channel(app, *channel)?.refund_window_days = *days;
        }
        for channel in &self.enabled_channels {
            own_channel(app, *channel)?.enabled = true;
        }
        for channel in &self.disabled_channels {
            own_channel(app, *channel)?.enabled = false;
        }
        Ok(())
    }
}

/// Returns an app's settings for a channel.
///
/// # Errors
/// Refuses a channel that the app does not have.
fn own_channel(app: &mut SealedApp, channel: Channel) -> Result<&mut AppChannel, Refusal> {
    let mut channels = app.channels.iter_mut();
    let own = channels.find(|settings| settings.channel == channel);
    own.ok_or_else(|| Refusal::field("channel", Reason::Unknown))
}

impl NewApp {
    fn with_secret(self, secret: Secret, channels: Vec<AppChannel>) -> MerchantApp {
        MerchantApp {
            name: self.name.unwrap_or_else(|| self.app_id.clone()),
            app_id: self.app_id,
            mch_no: self.mch_no,
            secret,
            old_secret: None,
            sign_type: self.sign_type,
            enabled: true,
            is_default: self.default,
            sign_required: !self.unsigned,
            single_edition: self.single_edition,
            edition: self.edition,
            req_time_leeway_ms: self.req_time_leeway * SECOND_MS,
            notify_url: self.notify_url,
            notify_hosts: self.notify_hosts.unwrap_or_default(),
            channels,
        }
    }
}
