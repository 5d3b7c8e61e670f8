//! The command `refundry balances`.

use std::process::ExitCode;

use clap::Subcommand;
use refundry::domain::money::Fen;
use refundry::server::balances::{self, Pace};
use refundry::server::config::Offline;
use refundry::server::store::movement::Compared;

use super::{Failure, open, say};

/// Exit code where balances differ.
pub const DIFFERENT: u8 = 4;

#[derive(Subcommand)]
pub enum Balances {
    /// Compare every order's balance with the sums of its movements, and list those that differ
    ///
    /// Servers may run meanwhile. The exit code is 4 where a balance differs.
    Check(Offline),
}

/// Runs the command.
pub async fn run(command: Balances) -> Result<ExitCode, Failure> {
    let Balances::Check(offline) = command;
    let ctx = open(&offline).await?;
    let mut different = 0;
    let mut list = |order: &Compared| {
        different += 1;
        say(line(order));
    };
    let orders = balances::compare(&ctx.db, Pace::Full, &mut list).await?;
    ctx.db.close().await;
    say(format_args!("{orders} orders compared, {different} differ"));
    Ok(match different {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(DIFFERENT),
    })
}

/// Describes a difference: each amount that differs, from the order's columns and from its movements.
fn line(order: &Compared) -> String {
    let Compared { columns, sums, .. } = order;
    let amounts = [
        ("held", columns.held, sums.held),
        ("refunded", columns.refunded, sums.refunded),
        ("overpaid", columns.overpaid, sums.overpaid),
    ];
    let different = amounts.iter().filter(|(_, own, sum)| own != sum);
    let told = different.map(|(name, own, sum): &(_, Fen, Fen)| {
        format!("{name} {}, movements {}", own.plain(), sum.plain())
    });
    let told: Vec<_> = told.collect();
    format!("{} {}: {}", order.app_id, order.order_no, told.join("; "))
}
