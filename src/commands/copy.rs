//! The command `refundry copy`.

use clap::Args;
use refundry::server::config::{Config, database_url};
use refundry::server::run::copy::{CopyProgress, copy};
use refundry::server::run::serve;

use super::progress::Progress;
use super::{Failure, origin, say};

/// Copy all data into another database, from SQLite to PostgreSQL say
///
/// No server may run on either. Broken off, it goes on where it was when it is run again. It ends by
/// comparing both row by row, and tells counts and sums.
#[derive(Args)]
pub struct Copy {
    /// Database to copy from
    #[arg(long, value_name = "URL", value_parser = database_url)]
    from: String,
    /// Database to copy to: empty, or begun by an earlier run
    #[arg(long, value_name = "URL", value_parser = database_url)]
    to: String,
}

/// Runs the command.
pub async fn run(command: Copy) -> Result<(), Failure> {
    let open = |url: String| {
        serve::open(Config {
            database_url: Some(url),
            ..Config::default()
        })
    };
    let (from, to) = (open(command.from).await?, open(command.to).await?);
    let mut progress = Progress::begin("rows");
    let mut doing = None;
    let same = copy(&from.db, &to.db, from.clock.now(), &origin(), &mut |told| {
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
    from.db.close().await;
    to.db.close().await;
    Ok(())
}
