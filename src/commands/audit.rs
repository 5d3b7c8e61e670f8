//! The command `refundry audit`.

use clap::Subcommand;
use refundry::domain::audit::{BreakKind, ChainBreak};
use refundry::server::audit;
use refundry::server::audit::Extent;
use refundry::server::config::Offline;
use refundry::wire::field::local_text;

use super::progress::Progress;
use super::{Failure, open, say};

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Check that no sealed entry of the audit was changed, removed or inserted
    ///
    /// Prints the last hash. Keep it outside the database: given to a later check with --expect, it proves that all
    /// entries up to it are unchanged, even if the whole chain was rewritten. Servers may run meanwhile.
    Verify {
        /// Hash that an earlier check printed
        #[arg(long, value_name = "HASH", value_parser = hash)]
        expect: Option<String>,
        #[command(flatten)]
        offline: Offline,
    },
}

fn hash(text: &str) -> Result<String, String> {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_hash {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("a hash is 64 hexadecimal digits".to_owned()),
    }
}

/// Runs the command.
pub async fn run(command: AuditCommand) -> Result<(), Failure> {
    let AuditCommand::Verify { expect, offline } = command;
    let ctx = open(&offline).await?;
    let extent = Extent {
        expected: expect.as_deref(),
        ..Extent::whole()
    };
    let mut progress = Progress::begin("entries");
    let mut show = |done, all| progress.show(done, all);
    let check = audit::verify(&ctx.db, &ctx.clock, extent, &mut show).await?;
    progress.end();
    ctx.db.close().await;
    if let Some(found) = check.found {
        return Err(Failure::BrokenChain(told(&found)));
    }
    let (entries, hash) = (check.head.sealed_no, check.head.hash);
    say(format_args!(
        "{entries} entries, unbroken, last hash {hash}"
    ));
    if let Some(unsealed) = check.unsealed {
        let since = local_text(unsealed.at, &ctx.config.time_zone);
        say(format_args!(
            "entries wait for their place in the chain since {since}, the oldest is {}: is a server running?",
            unsealed.audit_id
        ));
    }
    Ok(())
}

/// Describes a break and its place in the chain.
fn told(found: &ChainBreak) -> String {
    let no = found.sealed_no;
    match (found.kind, &found.audit_id) {
        (BreakKind::Missing, _) => format!("entry {no} is missing: it was removed"),
        (BreakKind::Beyond, _) => {
            format!("entry {no} lies beyond the end of the chain: it was put in from outside")
        }
        (BreakKind::HeadDiffers, _) => {
            format!("entry {no} is the last one, and its hash is not the one noted for the end")
        }
        (BreakKind::NotInChain, _) => format!(
            "none of the {no} entries has the hash expected: the chain was rewritten, or cut off before it"
        ),
        (BreakKind::Altered, id) => format!(
            "entry {no} ({}) does not fit its hash: it was changed, swapped or forged",
            id.as_deref().unwrap_or("none")
        ),
    }
}
