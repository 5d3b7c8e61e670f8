//! The command `refundry import`.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use refundry::server::config::{Numbering, Offline};
use refundry::server::orders::import;
use refundry::server::orders::import::{ImportProgress, Report};
use refundry::server::run::serve;

use super::progress::Progress;
use super::{Failure, origin, say};

#[derive(Subcommand)]
pub enum Import {
    /// Record payment orders; the same file again changes nothing
    ///
    /// The file is CSV in UTF-8 or GB18030. Its first row names the columns: bizOrderNo, outOrderNo, channel, method,
    /// title, amount (yuan), payTime (yyyy-MM-dd HH:mm:ss), and optionally orderNo and attach. Wrong rows are reported
    /// with line and reason; the others are recorded.
    Orders {
        file: PathBuf,
        /// App to which the orders belong
        #[arg(long, value_name = "APP_ID")]
        app: String,
        #[command(flatten)]
        numbering: Numbering,
        #[command(flatten)]
        offline: Offline,
    },
}

/// Runs the command. Returns exit code 3 where rows were refused.
pub async fn run(command: Import) -> Result<ExitCode, Failure> {
    let Import::Orders {
        file,
        app: app_id,
        numbering,
        offline,
    } = command;
    let rows = File::open(&file).map_err(|cause| Failure::File { file, cause })?;
    let ctx = serve::open(numbering.config(&offline)).await?;
    let merchant = ctx.merchants.enabled(Some(&app_id)).await?;
    let mut progress = Progress::begin("lines");
    let report = import::orders(&ctx, &merchant, rows, origin(), &mut |told| match told {
        ImportProgress::Refused { line, refusal } => {
            progress.interrupt(format_args!("line {line}: {refusal}"))
        }
        ImportProgress::Done { line, lines } => progress.show(line, lines),
    })
    .await?;
    ctx.numbers.lease.release(ctx.clock.now()).await?;
    ctx.db.close().await;
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
