//! The command `refundry backup`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use refundry::server::backup::{Backup, take, verify};
use refundry::server::clock::Clock;
use refundry::server::config::{Config, Offline};
use refundry::server::run::serve;

use super::balances::DIFFERENT;
use super::restored::told;
use super::{Failure, origin, say};

/// Take a backup of the database into a new file, while servers run, and verify it
///
/// The backup is one SQLite file, of a PostgreSQL database too, readable by its owner alone. It gets its name once it is
/// complete and verified. The keys that seal secrets are not in it. A server on a restored backup submits no refund
/// until an administrator has ended restored mode. The exit code is 4 where a balance or the audit of the database has a
/// fault, which the backup then has too.
#[derive(Args)]
pub struct BackupCommand {
    /// File to make; an existing one is refused
    file: PathBuf,
    /// Only verify FILE, a backup taken before
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    offline: Offline,
}

/// Runs the command.
pub async fn run(command: BackupCommand) -> Result<ExitCode, Failure> {
    let BackupCommand {
        file,
        verify: only_verify,
        offline,
    } = command;
    let config = offline.config();
    let backup = match only_verify {
        true => verify(&file, &Clock::System).await?,
        false => take(config.url(), &file, &Clock::System, &origin()).await?,
    };
    let done = if only_verify {
        "verified"
    } else {
        "taken and verified"
    };
    say(format_args!(
        "backup {done} in {:.1} s: {}, {} bytes",
        backup.took.as_secs_f64(),
        file.display(),
        backup.size_bytes
    ));
    say_contents(&backup, &config);
    say(match serve::key_source(&config) {
        Ok(keys) => format!(
            "the keys that seal its secrets are NOT in it: they are in {keys}; keep a copy, apart from the backups"
        ),
        Err(_) => "the keys that seal its secrets are NOT in it: they are those that the servers are started with \
                   (--keys-file or REFUNDRY_KEYS); keep a copy, apart from the backups"
            .to_owned(),
    });
    let faults = &backup.faults;
    if faults.different_balances > 0 {
        say(format_args!(
            "FAULT: {} balances are not the sums of their movements, in the database as in the backup: \
             `refundry balances check` lists them",
            faults.different_balances
        ));
    }
    if let Some(found) = &faults.audit {
        say(format_args!(
            "FAULT: the audit is broken at entry {}, in the database as in the backup: see `refundry audit verify`",
            found.sealed_no
        ));
    }
    Ok(match faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(DIFFERENT),
    })
}

/// Says what a backup holds.
fn say_contents(backup: &Backup, config: &Config) {
    let count = |table| {
        let mut rows = backup.rows.iter();
        rows.find(|(name, _)| *name == table)
            .map_or(0, |(_, rows)| *rows)
    };
    say(format_args!(
        "as of {}: {} orders, {} refunds, {} apps, {} operators",
        told(backup.taken_at, config),
        count("pay_order"),
        count("refund"),
        count("merchant_app"),
        count("operator"),
    ));
    say(match &backup.newest_refund {
        Some((app_id, refund_no, at)) => format!(
            "newest refund {refund_no} of {app_id}, requested {}",
            told(*at, config)
        ),
        None => "no refund".to_owned(),
    });
    say(format_args!(
        "audit: {} entries sealed, last hash {}",
        backup.audit.sealed_no, backup.audit.hash
    ));
}
