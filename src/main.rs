//! The command line of Refundry.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | not done; one sentence on the standard error says why |
//! | 2 | the command line or a setting is wrong; named on the standard error |
//! | 3 | an import went through, but rows of it were refused |

use std::fmt::Display;
use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::process::ExitCode;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use rand::distr::{Alphanumeric, SampleString};
use refundry::domain::merchant::{AppChannel, Edition, MerchantApp, SignType};
use refundry::domain::operator::Role;
use refundry::domain::order::Channel;
use refundry::domain::time::Millis;
use refundry::server::app::App;
use refundry::server::config::{Config, Offline};
use refundry::server::error::Error;
use refundry::server::serve::{self, ServeError};
use refundry::server::{demo, merchants, operators};

/// A refund desk: a web console for operators and a signed JSON gateway for merchants.
///
/// Every setting is a flag and an environment variable; the flag wins. Secrets and passwords are
/// read from the standard input or made by Refundry, never taken from the command line.
#[derive(Parser)]
#[command(name = "refundry", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a demonstration: example data, a published login, loopback addresses only
    #[command(mut_arg("sandbox", |arg| arg.hide(true)), mut_arg("secure_cookies", |arg| arg.hide(true)))]
    Demo(Box<Config>),
    /// Serve the console and the gateway
    Serve(Box<Config>),
    /// Bring the database's schema up to date (serve does so too)
    Migrate(Offline),
    /// Manage the operators who log in to the console
    #[command(subcommand)]
    User(User),
    /// Manage the merchants' apps that may use the gateway
    #[command(subcommand)]
    App(AppCommand),
}

#[derive(Subcommand)]
enum User {
    /// Add an operator
    Add {
        /// Name to log in with: letters and digits of any script, and . _ - @
        name: String,
        /// What the operator may do: look, move money, everything
        #[arg(long, default_value = "operator", value_parser = one_of(Role::ALL, Role::word))]
        role: Role,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        offline: Offline,
    },
    /// List the operators
    List(Offline),
    /// Let an operator log in again
    Enable {
        name: String,
        #[command(flatten)]
        offline: Offline,
    },
    /// Let an operator no longer log in, and end the sessions there are
    Disable {
        name: String,
        #[command(flatten)]
        offline: Offline,
    },
    /// Change an operator's password, lift a lock-out, and end the sessions there are
    Password {
        name: String,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        offline: Offline,
    },
}

#[derive(Args)]
struct NewPassword {
    /// Read the password from the standard input; without this it is asked for at a terminal, and
    /// made and shown once elsewhere
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Subcommand)]
enum AppCommand {
    /// Add an app; its secret is made and shown once
    Add(Box<NewApp>),
    /// List the apps
    List(Offline),
}

#[derive(Args)]
struct NewApp {
    /// The app's id, which its requests name
    app_id: String,
    /// Name for people [default: the id]
    #[arg(long)]
    name: Option<String>,
    /// Merchant number, which its requests must match if they name one
    #[arg(long)]
    mch_no: Option<String>,
    /// How requests and answers are signed
    #[arg(long, default_value = "hmac_sha256", value_parser = one_of(SignType::ALL, SignType::word))]
    sign_type: SignType,
    /// Take requests without a signature
    #[arg(long)]
    unsigned: bool,
    /// Serve clients 2.x too, whose amounts are whole fen
    #[arg(long)]
    single_edition: bool,
    /// Edition of notices for refunds made in the console
    #[arg(long, default_value = "open", value_parser = one_of(Edition::ALL, Edition::word))]
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

/// Reads one of the fixed words of a type, and lists them in the help.
fn one_of<T>(all: &[T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + FromStr<Err: std::error::Error + Send + Sync + 'static> + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.iter().map(|value| word(*value))).try_map(|word| word.parse())
}

/// Reads `wechat_pay` or `wechat_pay=180`.
fn channel(text: &str) -> Result<AppChannel, String> {
    let (word, days) = text.split_once('=').unwrap_or((text, "365"));
    let channel: Channel = word.parse().map_err(|_| {
        let words: Vec<_> = Channel::ALL.iter().map(|channel| channel.word()).collect();
        format!("a channel is one of {}", words.join(", "))
    })?;
    let days = days.parse().ok().filter(|days| (1..=3_650).contains(days));
    Ok(AppChannel {
        channel,
        enabled: true,
        refund_window_days: days.ok_or("from 1 to 3650 days")?,
    })
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Broken(#[from] Error),
    #[error("the standard input cannot be read: {0}")]
    Input(std::io::Error),
    #[error("the two passwords differ")]
    Differ,
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Serve(ServeError::NotLoopback(_)) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(code) => code,
        Err(failure) => {
            let _ = writeln!(stderr(), "error: {failure}");
            failure.exit_code()
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(config) => demo::demo(*config).await?,
        Command::Serve(config) => serve::serve(*config).await?,
        Command::Migrate(offline) => {
            open(&offline).await?.db.close().await;
            say("the database is up to date");
        }
        Command::User(user) => run_user(user).await?,
        Command::App(command) => run_app(command).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(offline: &Offline) -> Result<App, Failure> {
    Ok(serve::open(offline.config()).await?)
}

async fn run_user(user: User) -> Result<(), Failure> {
    let offline = match &user {
        User::List(offline) => offline,
        User::Add { offline, .. }
        | User::Enable { offline, .. }
        | User::Disable { offline, .. }
        | User::Password { offline, .. } => offline,
    };
    let app = open(offline).await?;
    match user {
        User::Add {
            name,
            role,
            password,
            ..
        } => {
            let password = password.read()?;
            operators::add(&app, &name, role, &password.text).await?;
            say(format_args!("added {name}, {role}"));
            password.show();
        }
        User::List(_) => {
            let accounts = operators::list(&app).await?;
            let row = |[name, role, state, since]: [&str; 4]| {
                say(format_args!("{name:<24} {role:<10} {state:<10} {since}"));
            };
            row(["NAME", "ROLE", "STATE", "SINCE"]);
            for account in accounts {
                let state = if account.enabled {
                    "enabled"
                } else {
                    "disabled"
                };
                let since = moment(&app, account.created_at);
                row([&account.name, account.role.word(), state, &since]);
            }
        }
        User::Enable { name, .. } => {
            operators::set_enabled(&app, &name, true).await?;
            say(format_args!("{name} may log in"));
        }
        User::Disable { name, .. } => {
            operators::set_enabled(&app, &name, false).await?;
            say(format_args!(
                "{name} may no longer log in, and is logged out"
            ));
        }
        User::Password { name, password, .. } => {
            let password = password.read()?;
            operators::set_password(&app, &name, &password.text).await?;
            say(format_args!("{name} has a new password, and is logged out"));
            password.show();
        }
    }
    app.db.close().await;
    Ok(())
}

async fn run_app(command: AppCommand) -> Result<(), Failure> {
    match command {
        AppCommand::Add(new) => {
            let app = open(&new.offline).await?;
            let secret = match new.secret_stdin {
                true => Given::entered(line_of_input()?),
                false => Given::made("secret", 32),
            };
            let merchant = new.with_secret(secret.text.clone());
            let app_id = merchant.app_id.clone();
            merchants::add(&app, merchant).await?;
            say(format_args!("added the app {app_id}"));
            secret.show();
            app.db.close().await;
        }
        AppCommand::List(offline) => {
            let app = open(&offline).await?;
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
            for merchant in app.merchant_apps().await? {
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
                    merchant.sign_type.word(),
                    edition,
                    &channels.join(" "),
                ]);
            }
            app.db.close().await;
        }
    }
    Ok(())
}

impl NewApp {
    fn with_secret(self, secret: String) -> MerchantApp {
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

/// A password or a secret.
struct Given {
    text: String,
    /// What to call it where it is shown; nothing where whoever runs the command knows it.
    shown_as: Option<&'static str>,
}

impl Given {
    fn entered(text: String) -> Given {
        Given {
            text,
            shown_as: None,
        }
    }

    fn made(name: &'static str, chars: usize) -> Given {
        Given {
            text: Alphanumeric.sample_string(&mut rand::rng(), chars),
            shown_as: Some(name),
        }
    }

    fn show(&self) {
        if let Some(name) = self.shown_as {
            say(format_args!("{name}: {} (shown this once)", self.text));
        }
    }
}

impl NewPassword {
    fn read(&self) -> Result<Given, Failure> {
        if self.password_stdin {
            return line_of_input().map(Given::entered);
        }
        if !stdin().is_terminal() {
            return Ok(Given::made("password", 16));
        }
        let ask = |prompt| rpassword::prompt_password(prompt).map_err(Failure::Input);
        let password = ask("New password: ")?;
        match ask("The same again: ")? == password {
            true => Ok(Given::entered(password)),
            false => Err(Failure::Differ),
        }
    }
}

fn line_of_input() -> Result<String, Failure> {
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(Failure::Input)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn moment(app: &App, at: Millis) -> String {
    refundry::server::unipay::field::local_text(at, &app.config.time_zone)
}

/// Says something on the standard output, whether or not anybody still reads it.
fn say(text: impl Display) {
    let _ = writeln!(stdout(), "{text}");
}
