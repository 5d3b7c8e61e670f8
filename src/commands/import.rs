//! `refundry import`.

use std::fmt::Display;
use std::fs::File;
use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use refundry::domain::event::Actor;
use refundry::domain::time::Millis;
use refundry::server::clock::Clock;
use refundry::server::config::{Numbering, Offline};
use refundry::server::import::{self, Report, Told};
use refundry::server::serve;

use super::{Failure, say};

#[derive(Subcommand)]
pub enum Import {
    /// Record payment orders; the same file again changes nothing
    ///
    /// The file is CSV in UTF-8 or GB18030. Its first row names the columns: bizOrderNo, outOrderNo,
    /// channel, method, title, amount (yuan), payTime (yyyy-MM-dd HH:mm:ss), and if wanted orderNo
    /// and attach. Wrong rows are told by line and reason, the others are recorded.
    Orders {
        file: PathBuf,
        /// The app whose orders they are
        #[arg(long, value_name = "APP_ID")]
        app: String,
        #[command(flatten)]
        numbering: Numbering,
        #[command(flatten)]
        offline: Offline,
    },
}

/// Runs the command; exit code 3 tells that rows were refused.
pub async fn run(command: Import) -> Result<ExitCode, Failure> {
    let Import::Orders {
        file,
        app: app_id,
        numbering,
        offline,
    } = command;
    let rows = File::open(&file).map_err(|cause| Failure::File { file, cause })?;
    let app = serve::open(numbering.config(&offline)).await?;
    let merchant = app.merchant_app(Some(&app_id)).await?;
    let mut progress = Progress::begin(app.clock.clone());
    let report = import::orders(
        &app,
        &merchant,
        rows,
        Actor::System,
        &mut |told| match told {
            Told::Refused { line, refusal } => {
                progress.interrupt(format_args!("line {line}: {refusal}"))
            }
            Told::Done { line, lines } => progress.show(line, lines),
        },
    )
    .await?;
    app.numbers.release(app.clock.now()).await?;
    app.db.close().await;
    progress.end();
    let Report {
        new,
        known,
        refused,
    } = report;
    say(format_args!(
        "{new} recorded, {known} known before, {refused} refused"
    ));
    Ok(match refused {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(3),
    })
}

/// How far long work is, on the standard error: a line that is written anew at a terminal, now and
/// then a line elsewhere.
struct Progress {
    clock: Clock,
    began: Millis,
    shown: Millis,
    at_terminal: bool,
}

impl Progress {
    fn begin(clock: Clock) -> Progress {
        let now = clock.now();
        Progress {
            clock,
            began: now,
            shown: now,
            at_terminal: stderr().is_terminal(),
        }
    }

    fn show(&mut self, done: u64, all: u64) {
        let now = self.clock.now();
        let every_ms = if self.at_terminal { 200 } else { 5_000 };
        if now.0 - self.shown.0 < every_ms {
            return;
        }
        self.shown = now;
        let spent_ms = u64::try_from(now.0 - self.began.0).unwrap_or(0).max(1);
        let rate = (done * 1_000 / spent_ms).max(1);
        let left = all.saturating_sub(done) / rate;
        let line = format!("{done} of {all} lines, {rate} a second, {left} s left");
        let _ = match self.at_terminal {
            true => write!(stderr(), "\r\x1b[K{line}"),
            false => writeln!(stderr(), "{line}"),
        };
    }

    /// Says something else in between.
    fn interrupt(&mut self, text: impl Display) {
        let clear = if self.at_terminal { "\r\x1b[K" } else { "" };
        let _ = writeln!(stderr(), "{clear}{text}");
    }

    fn end(&mut self) {
        if self.at_terminal {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
