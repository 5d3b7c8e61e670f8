//! The command `refundry copy`.

use clap::Args;
use refundry::domain::secret::Secret;
use refundry::server::clock::Clock;
use refundry::server::config::{Config, KeySettings, database_url};
use refundry::server::run::copy::{CopyProgress, copy};
use refundry::server::run::serve;
use refundry::server::vault::{KeySource, Vault};

use super::progress::Progress;
use super::{Failure, origin, say};

/// Copy all data into another database, for example from SQLite to PostgreSQL
///
/// No server may run on either. An interrupted copy resumes when the command is run again. At the end both databases
/// are compared row by row, and counts and sums are printed. Secrets are copied sealed: the target needs the keys of
/// the source.
#[derive(Args)]
pub struct Copy {
    /// Database to copy from; an address with a password is best given by the variable, as all users of a machine can
    /// read its command lines
    #[arg(long, env = "REFUNDRY_COPY_FROM", hide_env_values = true, value_name = "URL", value_parser = database_url)]
    from: Secret,
    /// Database to copy to: empty, or partly copied by an earlier run; likewise
    #[arg(long, env = "REFUNDRY_COPY_TO", hide_env_values = true, value_name = "URL", value_parser = database_url)]
    to: Secret,
    #[command(flatten)]
    keys: KeySettings,
}

/// Runs the command.
pub async fn run(command: Copy) -> Result<(), Failure> {
    let config = |url| Config {
        database_url: Some(url),
        keys: command.keys.clone(),
        ..Config::default()
    };
    let (from, to) = (config(command.from), config(command.to));
    let source = serve::key_source(&from)?;
    let vault = Vault::of(source.clone())?;
    let from = serve::open_database(&from).await?;
    // Checked before anything is copied, as no server would start on a copy whose keys are missing.
    vault.check(&from).await?;
    let to = serve::open_database(&to).await?;
    let mut progress = Progress::begin("rows");
    let mut doing = None;
    let same = copy(&from, &to, Clock::System.now(), &origin(), &mut |told| {
        let (act, table, done, all) = match told {
            CopyProgress::Copied { table, done, all } => ("copying", table, done, all),
            CopyProgress::Compared { table, done, all } => ("comparing", table, done, all),
        };
        if doing != Some((act, table)) {
            doing = Some((act, table));
            progress.interrupt(format_args!("{act} {table}"));
            progress = Progress::begin("rows");
        }
        progress.show(done, all);
    })
    .await?;
    progress.end();
    for table in same {
        let mut line = format!("{}: {} rows", table.table, table.rows);
        for (column, sum) in table.sums {
            line += &format!(", {column} {}", sum.yuan());
        }
        say(line);
    }
    say("both databases hold the same");
    say(match source {
        KeySource::File(file) => format!(
            "its secrets are sealed by the keys in {0}: start servers on it with --keys-file {0}, or a copy of it",
            file.display()
        ),
        source => format!(
            "its secrets are sealed by the keys of {source}: start servers on it with the same"
        ),
    });
    from.close().await;
    to.close().await;
    Ok(())
}
