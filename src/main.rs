//! The command line of Refundry.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | not done; one sentence on the standard error says why |
//! | 2 | the command line or a setting is wrong; named on the standard error |
//! | 3 | an import went through, but rows of it were refused |
//! | 4 | balances are not the sums of their movements, or a backup has that or another fault of its database |

mod commands;

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};
use refundry::demo;
use refundry::domain::secret::without_password;
use refundry::server::config::{Config, Offline};
use refundry::server::run::serve;

use crate::commands::account::AccountCommand;
use crate::commands::app::AppCommand;
use crate::commands::audit::AuditCommand;
use crate::commands::backup::BackupCommand;
use crate::commands::balances::Balances;
use crate::commands::copy::Copy;
use crate::commands::import::Import;
use crate::commands::keys::KeysCommand;
use crate::commands::restored::Restored;
use crate::commands::user::User;
use crate::commands::{
    Failure, account, app, audit, backup, balances, copy, import, keys, restored, say, user,
};

/// A refund desk: a web console for operators and a signed JSON gateway for merchants.
///
/// Every setting is a flag and an environment variable; the flag wins. Secrets of apps and passwords of
/// operators are read from the standard input or made by Refundry, never taken from the command line. A
/// database's address that holds a password, and keys, are best given by their variables.
#[derive(Parser)]
#[command(name = "refundry", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a demonstration: example data, a published login, loopback addresses only
    #[command(mut_arg("sandbox", |arg| arg.hide(true)), mut_arg("secure_cookies", |arg| arg.hide(true)), mut_arg("drain_ms", |arg| arg.hide(true)))]
    Demo(Box<Config>),
    /// Serve the console and the gateway
    Serve(Box<Config>),
    /// Bring the database's schema up to date (serve does so too)
    Migrate(Offline),
    /// Import data from files
    #[command(subcommand)]
    Import(Import),
    Copy(Copy),
    Backup(BackupCommand),
    /// Manage restored mode, in which a server on a restored database submits no refund
    #[command(subcommand)]
    Restored(Restored),
    /// Check the balances of orders
    #[command(subcommand)]
    Balances(Balances),
    /// Manage the operators who log in to the console
    #[command(subcommand)]
    User(User),
    /// Manage the merchants' apps that may use the gateway
    #[command(subcommand)]
    App(AppCommand),
    /// Manage the channel accounts that apps refund by
    #[command(subcommand)]
    Account(AccountCommand),
    /// Check the audit of all acts
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Manage the keys that seal the secrets in the database
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| redacted(error).exit());
    match run(cli.command).await {
        Ok(code) => code,
        Err(failure) => {
            let _ = writeln!(stderr(), "error: {failure}");
            failure.exit_code()
        }
    }
}

/// Removes passwords from an error of the command line: clap quotes a value that it cannot parse, and that value may
/// be a database's address.
fn redacted(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) {
        let shown = without_password(value);
        error.insert(ContextKind::InvalidValue, ContextValue::String(shown));
    }
    error
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(config) => demo::demo(*config).await?,
        Command::Serve(config) => serve::serve(*config).await?,
        Command::Migrate(offline) => {
            let db = serve::open_database(&offline.config()).await?;
            db.close().await;
            say("the database is up to date");
        }
        Command::Import(command) => return import::run(command).await,
        Command::Balances(command) => return balances::run(command).await,
        Command::Backup(command) => return backup::run(command).await,
        Command::Restored(command) => restored::run(command).await?,
        Command::Copy(command) => copy::run(command).await?,
        Command::User(user) => user::run(user).await?,
        Command::App(command) => app::run(command).await?,
        Command::Account(command) => account::run(command).await?,
        Command::Audit(command) => audit::run(command).await?,
        Command::Keys(command) => keys::run(command).await?,
    }
    Ok(ExitCode::SUCCESS)
}
