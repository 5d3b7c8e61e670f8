//! The command `refundry restored`.

use clap::Subcommand;
use refundry::domain::limits;
use refundry::domain::restoration::Tally;
use refundry::domain::text::sanitized;
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use refundry::server::config::{Config, Offline};
use refundry::server::restoration;
use refundry::server::run::serve;
use refundry::wire::field::local_text;

use super::{Failure, origin, say};

#[derive(Subcommand)]
pub enum Restored {
    /// Say whether the database is in restored mode, and how many refunds wait for its end
    Show(Offline),
    /// Put a database into restored mode that was restored by other means than a backup of refundry's
    ///
    /// Run it before a server is started on a copy of a file, a snapshot of a machine, or what pg_restore made: channels
    /// may have paid refunds that such a database does not know. On a running server it holds within 2 seconds.
    Begin {
        /// Time of which the copy is, as 2026-11-27T18:05:00+08:00
        #[arg(long, value_name = "TIME", value_parser = time)]
        taken_at: Timestamp,
        #[command(flatten)]
        offline: Offline,
    },
    /// End restored mode: what waits is submitted at once
    ///
    /// Compare the channels' bills from the time of the backup on with the refunds first: a refund that a channel paid
    /// and that waits here under another number would be paid twice.
    End {
        /// Account of what was compared, for the audit
        #[arg(long, value_name = "TEXT", value_parser = note)]
        note: String,
        #[command(flatten)]
        offline: Offline,
    },
}

fn time(text: &str) -> Result<Timestamp, String> {
    let at: Result<jiff::Timestamp, _> = text.parse();
    at.map(|at| Timestamp(at.as_millisecond()))
        .map_err(|_| "a time with its zone, as 2026-11-27T18:05:00+08:00".to_owned())
}

fn note(text: &str) -> Result<String, String> {
    let note = sanitized(text.trim(), limits::SAID_BYTES);
    match note.chars().count() {
        0 => Err("a note is needed".to_owned()),
        1..=limits::REMARK_CHARS => Ok(note),
        _ => Err(format!("at most {} characters", limits::REMARK_CHARS)),
    }
}

/// Runs the command.
pub async fn run(command: Restored) -> Result<(), Failure> {
    let config = match &command {
        Restored::Show(offline)
        | Restored::Begin { offline, .. }
        | Restored::End { offline, .. } => offline.config(),
    };
    let db = serve::open_database(&config).await?;
    let now = Clock::System.now();
    match command {
        Restored::Show(_) => {}
        Restored::Begin { taken_at, .. } => {
            restoration::begin(&db, now, taken_at, &origin()).await?;
        }
        Restored::End { note, .. } => {
            if !restoration::end(&db, now, &note, &origin()).await? {
                db.close().await;
                return Err(Failure::NotRestored);
            }
        }
    }
    let restored = restoration::look(&db).await?;
    db.close().await;
    say(match restored {
        None => "not in restored mode: refunds are submitted".to_owned(),
        Some(restored) => format!(
            "in restored mode, as of {}: no refund is submitted\n{} wait for its end, of {} in progress",
            told(restored.mark.taken_at, &config),
            tally(restored.kept_back),
            tally(restored.in_progress),
        ),
    });
    Ok(())
}

/// Writes a moment with the zone in which it is read.
pub fn told(at: Timestamp, config: &Config) -> String {
    let zone = config.time_zone.iana_name().unwrap_or("UTC");
    format!("{} {zone}", local_text(at, &config.time_zone))
}

fn tally(of: Tally) -> String {
    format!("{} refunds ({} yuan)", of.refunds, of.amount.yuan())
}
