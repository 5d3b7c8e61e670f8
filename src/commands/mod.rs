//! The commands, one file each, and the code they share.

pub mod account;
pub mod app;
pub mod audit;
pub mod backup;
pub mod balances;
pub mod copy;
pub mod import;
pub mod keys;
mod progress;
pub mod restored;
mod secret;
pub mod user;

use std::fmt::Display;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use refundry::domain::audit::Origin;
use refundry::domain::event::Actor;
use refundry::domain::limits;
use refundry::server::backup::BackupError;
use refundry::server::config::Offline;
use refundry::server::ctx::Ctx;
use refundry::server::error::Error;
use refundry::server::run::copy::CopyError;
use refundry::server::run::serve;
use refundry::server::run::serve::ServeError;
use refundry::server::vault::KeysError;

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Broken(#[from] Error),
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("the database is not in restored mode")]
    NotRestored,
    #[error("{} cannot be read: {cause}", file.display())]
    File {
        file: PathBuf,
        cause: std::io::Error,
    },
    #[error("the standard input cannot be read: {0}")]
    Input(std::io::Error),
    #[error("the two passwords differ")]
    Differ,
    #[error("the audit is broken: {0}")]
    BrokenChain(String),
}

impl Failure {
    /// Returns the exit code.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Serve(ServeError::NotLoopback(_)) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Opens the database of a command that runs without a server.
pub async fn open(offline: &Offline) -> Result<Ctx, Failure> {
    Ok(serve::open(offline.config()).await?)
}

/// Returns the origin of what a command does: the user of this machine who runs it.
pub fn origin() -> Origin {
    let user = whoami::username().unwrap_or_else(|_| "?".to_owned());
    let user: String = user.chars().filter(|c| !c.is_control()).collect();
    Origin::from(Actor::CommandLine(
        user.chars().take(limits::OPERATOR_NAME_CHARS).collect(),
    ))
}

/// Makes a parser of a type's fixed words, which the help lists.
pub fn one_of<T>(all: &[T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: Copy + FromStr<Err: std::error::Error + Send + Sync + 'static> + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.iter().map(|value| word(*value))).try_map(|word| word.parse())
}

/// Writes a line to the standard output. A closed output is no error: `refundry user list | head` ends quietly.
pub fn say(text: impl Display) {
    let _ = writeln!(stdout(), "{text}");
}
