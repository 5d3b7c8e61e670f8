//! The command `refundry keys`.

use clap::{Args, Subcommand};
use refundry::domain::audit::{Act, Action, SubjectKind};
use refundry::server::audit;
use refundry::server::config::Offline;
use refundry::server::run::serve;
use refundry::server::vault::{self, KeysError, Vault};

use super::progress::Progress;
use super::{Failure, open, origin, say};

#[derive(Subcommand)]
pub enum KeysCommand {
    /// Add a new key to the file of keys, or create the file; secrets are sealed with it from then on
    New(Offline),
    /// List the keys, and how many secrets of the database each seals
    List(Offline),
    /// Add a new key, and seal all secrets again with it, while nodes run
    ///
    /// Nodes read the file again when they find an unknown key. Where each node has its own file: run `keys new`, copy
    /// the file to every node, then run `keys rotate --no-new-key`.
    Rotate(Rotation),
}

#[derive(Args)]
pub struct Rotation {
    /// Seal with the newest existing key, made by `keys new`
    #[arg(long)]
    no_new_key: bool,
    #[command(flatten)]
    offline: Offline,
}

/// Runs the command.
pub async fn run(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::New(offline) => {
            let source = serve::key_source(&offline.config())?;
            let file = source.file()?;
            match file.exists() {
                true => drop(vault::add_to_file(file)?),
                false => vault::make_file(file)?,
            }
            let ids = Vault::of_file(file)?.ids()?;
            let newest = ids.last().map_or("", String::as_str);
            say(format_args!("{} has the new key {newest}", file.display()));
            say(KEEP_A_COPY);
        }
        KeysCommand::List(offline) => {
            let config = offline.config();
            let source = serve::key_source(&config)?;
            let ids = Vault::of(source.clone())?.ids()?;
            let db = serve::open_database(&config).await?;
            let mut used = vault::sealed_by(&db).await?;
            db.close().await;
            say(format_args!("{:<34} SECRETS", "KEY, NEWEST FIRST"));
            for id in ids.iter().rev() {
                let count = used.remove(id).map_or(0, |(_, count)| count);
                say(format_args!("{id:<34} {count}"));
            }
            for (id, (_, count)) in used {
                say(format_args!(
                    "{id:<34} {count}, and {source} has no such key"
                ));
            }
        }
        KeysCommand::Rotate(rotation) => {
            let ctx = open(&rotation.offline).await?;
            if !rotation.no_new_key {
                let id = ctx.vault.add_key()?;
                say(format_args!("made the key {id}"));
            }
            let newest = ctx.vault.ids()?.pop().unwrap_or_default();
            let subject = (SubjectKind::Database, newest.as_str());
            let act = Act::new(ctx.clock.now(), &origin(), Action::KeysRotated, subject);
            // Sealing takes many transactions, so the entry is written before the first of them.
            ctx.db
                .write(act, move |conn, act| {
                    Box::pin(async move { audit::record(conn, &act).await })
                })
                .await?;
            let mut progress = Progress::begin("secrets");
            let mut tell = |done| progress.show(done, done);
            let done = vault::reseal(&ctx.db, &ctx.vault, &mut tell).await?;
            progress.end();
            let ids = ctx.vault.ids()?;
            let (newest, old) = ids.split_last().ok_or(KeysError::Published)?;
            say(format_args!(
                "sealed {done} secrets anew: all are sealed by {newest}"
            ));
            say(KEEP_A_COPY);
            if !old.is_empty() {
                say(format_args!(
                    "No secret of the database needs an older key. Their lines ({}) may be taken out, unless \
                     a backup of the database that was made before is to be used again.",
                    old.join(", ")
                ));
            }
            ctx.db.close().await;
        }
    }
    Ok(())
}

const KEEP_A_COPY: &str = "Keep a copy of the keys, apart from the backups of the database: without them no secret can be read.";
