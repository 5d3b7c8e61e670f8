//! The audit: records acts, seals them into a chain of hashes, and checks the chain.
//!
//! [`record`] adds an entry within the act's own transaction, so that there is no act without an entry and no entry
//! without an act. The entry has no place in the chain yet, since all acts would otherwise wait to lock the chain's
//! end. Within seconds [`seal`] gives each committed entry the next place, and a hash: SHA-256 of the previous hash
//! and the entry's own bytes. Any node may seal; a conditional write of the chain's end decides which node wins.
//!
//! # What is guaranteed
//!
//! - [`verify`] detects a sealed entry that was changed, removed or swapped with another, and an entry that was
//!   inserted without a place in the chain.
//! - It detects entries cut off the end, since the table `audit_head` stores the chain's end separately.
//! - A hash noted outside the database (`refundry audit verify` and the console show it) proves with `--expect HASH`
//!   that all entries up to it are unchanged, whatever else was rewritten.
//!
//! # What is not guaranteed
//!
//! - A person who can write into the database can compute hashes, and so rewrite the chain from any place to its end,
//!   or cut off the end together with the head row. Only a hash noted outside the database reveals that.
//! - An entry that is not sealed yet can be changed or removed without trace, and one forged at that time is sealed
//!   like any other. An entry that stays unsealed for [`SEALED_WITHIN_MS`] is reported.
//! - The chain is in the order of sealing, which for acts within the same seconds may differ from their times.
//!
//! Retention never deletes audit entries.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::domain::audit::{Act, AuditEntry, BreakKind, ChainBreak, ChainCheck, ChainHead};
use crate::domain::filter::{AuditFilter, Page, Place};
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::server::clock::Clock;
use crate::server::db::{Conn, Db};
use crate::server::error::{Conflict, Result};
use crate::server::store;
use crate::server::store::Write;

/// Number of entries sealed by one write.
const SEALED_AT_ONCE: i64 = 100;
/// Number of entries read at once during a check.
const CHECKED_AT_ONCE: i64 = 500;
/// Time after which an unsealed entry is reported. A running server seals within seconds.
pub const SEALED_WITHIN_MS: i64 = 5 * MINUTE_MS;

/// Records an act, within the transaction of the act.
pub async fn record(conn: &mut Conn, act: &Act) -> Result<()> {
    Ok(store::run(conn, vec![entry(act)]).await?)
}

/// Makes the write of an act's entry, for the transaction of the act.
pub fn entry(act: &Act) -> Write {
    store::audit::insertion(&new_id(act.at), act)
}

/// Makes an id: 12 hexadecimal digits of the time and 20 random ones.
fn new_id(at: Timestamp) -> String {
    let ms = u64::try_from(at.0).unwrap_or(0) & 0xffff_ffff_ffff;
    let random = rand::random::<u128>() >> 48;
    format!("{ms:012x}{random:020x}")
}

/// Seals the unsealed entries, and returns their number. Those that are added meanwhile may be left for the next time.
pub async fn seal(db: &Db) -> Result<u64> {
    let mut sealed = 0;
    loop {
        // The missing place alone marks an unsealed entry, as an entry may be committed after others with later times.
        let waits = {
            let mut conn = db.read().await?;
            !store::audit::unsealed(&mut conn, 1).await?.is_empty()
        };
        if !waits {
            return Ok(sealed);
        }
        let batch = db
            .write((), |conn, ()| {
                Box::pin(async move { seal_batch(conn).await })
            })
            .await?;
        sealed += batch;
        if batch < SEALED_AT_ONCE as u64 {
            return Ok(sealed);
        }
    }
}

/// Seals one batch within a transaction. Returns its number of entries.
async fn seal_batch(conn: &mut Conn) -> Result<u64> {
    let known = store::audit::head(conn).await?;
    let entries = store::audit::unsealed(conn, SEALED_AT_ONCE).await?;
    let mut head = known.clone().unwrap_or_default();
    let mut placed = Vec::with_capacity(entries.len());
    for entry in entries {
        head = next(&head, &entry);
        placed.push((entry, head.clone()));
    }
    if placed.is_empty() {
        return Ok(0);
    }
    // The head is moved first: of two nodes, the slower waits here and then begins again.
    if !store::audit::move_head(conn, known.as_ref(), &head).await? {
        return Err(Conflict.into());
    }
    let sealed = store::audit::seal(conn, &placed).await?;
    match sealed == placed.len() as u64 {
        true => Ok(sealed),
        false => Err(Conflict.into()),
    }
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
    /// The place after which the check begins; its hash is trusted. An empty head means the beginning.
    pub after: ChainHead,
    /// A hash noted outside the database that has to be in the chain.
    pub expected: Option<&'a str>,
    /// Time after which the check stops unfinished.
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

/// Checks the chain in bounded memory, and returns the first break. `tell` is called with the number of entries
/// checked so far and their total.
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
        // All entries up to the head just read are present, as they were committed with it.
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
            // More entries may have been sealed since the head was read.
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

/// Returns the chain's head after `entry` is appended to `before`.
///
/// # Errors
/// The break, where `entry` does not follow `before`.
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

/// Returns the break at the end of the chain, if there is one. `last` is the last entry found; `before` and `after`
/// are the heads read before and after the entries.
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

/// Returns the chain's head as it was at a sealed entry, from which a check can continue.
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

/// Returns one page of an app's entries, newest first. `app_id` is `*` for entries of no app.
pub async fn list(
    db: &Db,
    app_id: &str,
    filter: &AuditFilter,
    place: &Place,
) -> Result<Page<AuditEntry>> {
    let mut conn = db.read().await?;
    Ok(store::list::audit(&mut conn, app_id, filter, place).await?)
}
