//! The audit: writes acts down, seals them into a chain of hashes, and checks the chain.
//!
//! [`record`] adds an act within the act's own transaction, so that there is no act without its entry and no entry
//! without its act. The entry has no place in the chain yet: were the chain's end a row that every act had to lock,
//! all acts would wait for each other. Within seconds [`seal`] gives each committed entry the next place, and the
//! SHA-256 over the hash before it and the entry's own bytes. Any node seals; a conditional write of the chain's
//! end decides between nodes.
//!
//! # What is guaranteed
//!
//! - A sealed entry that is changed, removed, or swapped with another is found by [`verify`], as is an entry that is
//!   put in between or at the end without its place in the chain.
//! - Entries that are cut off the end are found, since the table `audit_head` holds the end of the chain apart.
//! - Whoever notes a hash outside (`refundry audit verify` and the console tell it) finds by `--expect HASH` that
//!   everything up to there is still as it was, whatever else was rewritten.
//!
//! # What is not
//!
//! - Who may write into the database can compute hashes: such a person can rewrite the chain from any place on, with
//!   its end, and can cut off the end together with the head row. Only a hash that was noted outside tells.
//! - An entry that is not sealed yet can be changed or removed unseen, and one that is forged then is sealed like any
//!   other. One that is not sealed for [`SEALED_WITHIN_MS`] is reported.
//! - The order of the chain is that of sealing: of acts within the same seconds it need not be that of their times.
//!
//! Retention never deletes entries of the audit.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::domain::audit::{Act, AuditEntry, BreakKind, ChainBreak, ChainCheck, ChainHead};
use crate::domain::filter::{AuditFilter, Page, Place};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::server::clock::Clock;
use crate::server::db::{Conn, Db};
use crate::server::error::{Conflict, Result};
use crate::server::store;

/// Entries that one write seals.
const SEALED_AT_ONCE: i64 = 200;
/// Entries that are read at once when the chain is checked.
const CHECKED_AT_ONCE: i64 = 500;
/// The time after which an entry that is not sealed is reported. A server that runs seals within seconds.
pub const SEALED_WITHIN_MS: i64 = 5 * MINUTE_MS;

/// Writes an act down, within the transaction of the act.
pub async fn record(conn: &mut Conn, act: &Act) -> Result<()> {
    Ok(store::audit::insert(conn, &new_id(act.at), act).await?)
}

/// Returns a new id: 12 hexadecimal digits of the moment, and 20 random ones.
fn new_id(at: Timestamp) -> String {
    let ms = u64::try_from(at.0).unwrap_or(0) & 0xffff_ffff_ffff;
    let random = rand::random::<u128>() >> 48;
    format!("{ms:012x}{random:020x}")
}

/// Seals the entries that are not sealed yet. Returns their number.
pub async fn seal(db: &Db) -> Result<u64> {
    let mut sealed = 0;
    loop {
        // What is to be sealed is told by the missing place alone: an entry may be committed after others that have
        // later times.
        let waits = {
            let mut conn = db.read().await?;
            !store::audit::unsealed(&mut conn, 1).await?.is_empty()
        };
        if !waits {
            return Ok(sealed);
        }
        sealed += db
            .write(|conn| Box::pin(async move { seal_batch(conn).await }))
            .await?;
    }
}

/// Seals one batch, within a transaction.
async fn seal_batch(conn: &mut Conn) -> Result<u64> {
    let known = store::audit::head(conn).await?;
    let entries = store::audit::unsealed(conn, SEALED_AT_ONCE).await?;
    let mut head = known.clone().unwrap_or_default();
    let mut places = Vec::with_capacity(entries.len());
    for entry in &entries {
        head = next(&head, entry);
        places.push(head.clone());
    }
    if entries.is_empty() {
        return Ok(0);
    }
    // The head first: of two nodes the slower one waits here, and then begins anew.
    if !store::audit::move_head(conn, known.as_ref(), &head).await? {
        return Err(Conflict.into());
    }
    for (entry, place) in entries.iter().zip(&places) {
        if !store::audit::seal(conn, &entry.audit_id, place).await? {
            return Err(Conflict.into());
        }
    }
    Ok(entries.len() as u64)
}

/// Returns the place of an entry that follows `before` in the chain.
fn next(before: &ChainHead, entry: &AuditEntry) -> ChainHead {
    let sealed_no = before.sealed_no + 1;
    let mut hash = Sha256::new();
    hash.update(before.hash.as_bytes());
    hash.update(entry.canonical(sealed_no));
    ChainHead {
        sealed_no,
        hash: hex::encode(hash.finalize()),
    }
}

/// The extent of a check.
#[derive(Clone, Debug)]
pub struct Extent<'a> {
    /// The check begins after this place, whose own hash it trusts. An empty head: from the beginning.
    pub after: ChainHead,
    /// A hash that was noted outside and has to be in the chain.
    pub expected: Option<&'a str>,
    /// The check ends unfinished after so long.
    pub within: Option<Duration>,
}

impl Extent<'_> {
    /// Returns the extent of the whole chain.
    pub fn whole() -> Extent<'static> {
        Extent {
            after: ChainHead::default(),
            expected: None,
            within: None,
        }
    }
}

/// Checks the chain, in bounded memory, and names the first entry that does not fit. `tell` hears how many entries of
/// how many are checked.
pub async fn verify(
    db: &Db,
    clock: &Clock,
    extent: Extent<'_>,
    tell: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<ChainCheck> {
    let began = Instant::now();
    let mut check = ChainCheck {
        head: extent.after,
        found: None,
        finished: false,
        unsealed: None,
    };
    let mut expected = extent.expected;
    while !check.finished && check.found.is_none() {
        if extent.within.is_some_and(|limit| began.elapsed() >= limit) {
            break;
        }
        let mut conn = db.read().await?;
        let known = store::audit::head(&mut conn).await?.unwrap_or_default();
        let no = check.head.sealed_no;
        // All entries up to the head that was just read are there: they were committed with it.
        let entries = store::audit::sealed_after(&mut conn, no, CHECKED_AT_ONCE).await?;
        let whole = entries.len() as i64 == CHECKED_AT_ONCE;
        for entry in entries {
            match fits(&check.head, &entry) {
                Ok(place) => check.head = place,
                Err(broken) => {
                    check.found = Some(broken);
                    break;
                }
            }
            if expected == Some(&check.head.hash) {
                expected = None;
            }
        }
        tell(position(check.head.sealed_no), position(known.sealed_no));
        if check.found.is_none() && !whole {
            // Others may have been sealed since the head was read.
            let now = store::audit::head(&mut conn).await?.unwrap_or_default();
            check.found = at_the_end(&check.head, &known, &now);
            check.finished = check.found.is_some() || now.sealed_no == check.head.sealed_no;
        }
    }
    if check.finished && check.found.is_none() && expected.is_some() {
        check.found = Some(ChainBreak {
            sealed_no: check.head.sealed_no,
            audit_id: None,
            kind: BreakKind::NotInChain,
        });
    }
    check.finished |= check.found.is_some();
    let before = clock.now().plus_ms(-SEALED_WITHIN_MS);
    let mut conn = db.read().await?;
    check.unsealed = store::audit::unsealed_since(&mut conn, before).await?;
    Ok(check)
}

fn position(sealed_no: i64) -> u64 {
    u64::try_from(sealed_no).unwrap_or(0)
}

/// Returns the place of the entry that follows `before`.
///
/// # Errors
/// The break, where the entry is not the one that follows.
fn fits(before: &ChainHead, entry: &AuditEntry) -> Result<ChainHead, ChainBreak> {
    let place = next(before, entry);
    let broken = |audit_id: Option<String>, kind| ChainBreak {
        sealed_no: place.sealed_no,
        audit_id,
        kind,
    };
    if entry.sealed_no != Some(place.sealed_no) {
        return Err(broken(None, BreakKind::Missing));
    }
    match entry.hash.as_ref() == Some(&place.hash) {
        true => Ok(place),
        false => Err(broken(Some(entry.audit_id.clone()), BreakKind::Altered)),
    }
}

/// Returns the break at the end of the chain, if there is one: `last` is the last entry there is, the head was read
/// `before` the entries and `after` them.
fn at_the_end(last: &ChainHead, before: &ChainHead, after: &ChainHead) -> Option<ChainBreak> {
    let (sealed_no, kind) = if before.sealed_no > last.sealed_no {
        (last.sealed_no + 1, BreakKind::Missing)
    } else if after.sealed_no < last.sealed_no {
        (after.sealed_no + 1, BreakKind::Beyond)
    } else if after.sealed_no == last.sealed_no && after.hash != last.hash {
        (last.sealed_no, BreakKind::HeadDiffers)
    } else {
        return None;
    };
    Some(ChainBreak {
        sealed_no,
        audit_id: None,
        kind,
    })
}

/// Returns the place of a sealed entry, from which a check goes on.
pub async fn place(db: &Db, sealed_no: i64) -> Result<Option<ChainHead>> {
    let mut conn = db.read().await?;
    let found = store::audit::sealed_after(&mut conn, sealed_no - 1, 1).await?;
    let entry = found
        .into_iter()
        .find(|entry| entry.sealed_no == Some(sealed_no));
    Ok(entry
        .and_then(|entry| entry.hash)
        .map(|hash| ChainHead { sealed_no, hash }))
}

/// Returns one page of an app's entries, newest first. `app_id` is `*` for those of no app.
pub async fn list(
    db: &Db,
    app_id: &str,
    filter: &AuditFilter,
    place: &Place,
) -> Result<Page<AuditEntry>> {
    let mut conn = db.read().await?;
    Ok(store::list::audit(&mut conn, app_id, filter, place).await?)
}
