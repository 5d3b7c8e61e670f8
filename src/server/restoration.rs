//! Restored mode: what a server does on a database that was restored from a backup, until a person has ended it.
//!
//! The channels may have paid refunds that were requested after the backup was taken. Nothing of them is known here,
//! and their merchants request them again. So refunds are written down and channels are asked, but nothing is submitted:
//! `refunds::submit` is the one place that decides so. The mark is in the database, so that all nodes agree.

use futures::FutureExt;
use serde_json::json;

use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::restoration::{Restoration, Tally};
use crate::domain::time::Timestamp;
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::Result;
use crate::server::recent::Recent;
use crate::server::{audit, store};

/// The mark of the database as last read. A change is seen by every node within
/// [`KEPT_MS`](crate::server::recent::KEPT_MS).
pub struct RestoredMode(Recent<Option<Restoration>>);

impl RestoredMode {
    /// Makes the mode, with nothing read yet.
    pub fn new(db: Db, clock: Clock) -> RestoredMode {
        RestoredMode(Recent::new(clock, move || {
            let db = db.clone();
            async move { Ok(store::restoration::open(&mut *db.read().await?).await?) }.boxed()
        }))
    }

    /// Returns the mark; `None` outside restored mode.
    pub async fn mark(&self) -> Result<Option<Restoration>> {
        self.0.get().await
    }

    /// Tells whether the database is in restored mode.
    ///
    /// # Errors
    /// Fails where the database cannot be read. Nothing may be submitted then.
    pub async fn is_on(&self) -> Result<bool> {
        Ok(self.mark().await?.is_some())
    }

    /// Tells whether the database is in restored mode at this moment.
    pub async fn is_on_now(&self) -> Result<bool> {
        self.forget();
        self.is_on().await
    }

    /// Discards what was read, so that a change made by this node holds at once.
    pub fn forget(&self) {
        self.0.forget();
    }
}

/// A database in restored mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub mark: Restoration,
    /// Refunds that wait for the end of restored mode.
    pub kept_back: Tally,
    /// Refunds in progress, those that wait included.
    pub in_progress: Tally,
}

/// Reads the state of restored mode; `None` outside it.
pub async fn look(db: &Db) -> Result<Option<Restored>> {
    let mut conn = db.read().await?;
    let Some(mark) = store::restoration::open(&mut conn).await? else {
        return Ok(None);
    };
    Ok(Some(Restored {
        mark,
        kept_back: store::restoration::kept_back(&mut conn).await?,
        in_progress: store::restoration::in_progress(&mut conn).await?,
    }))
}

/// Marks a database that was restored by other means than our backup as it was at `taken_at`. A submission that is
/// under way on a running server goes on; that server begins no others 2 seconds later.
pub async fn begin(db: &Db, now: Timestamp, taken_at: Timestamp, by: &Origin) -> Result<()> {
    let mark = Restoration {
        taken_at,
        begun_by: by.actor.to_string(),
    };
    let subject = (SubjectKind::Database, "restored");
    let act = Act::new(now, by, Action::RestoredModeBegun, subject);
    let act = act.to(json!({ "takenAt": taken_at.0 }));
    db.write((mark, act), move |conn, (mark, act)| {
        Box::pin(async move {
            store::restoration::begin(conn, &mark).await?;
            audit::record(conn, &act).await
        })
    })
    .await
}

/// Ends restored mode: the refunds that waited for it are due at once. Other nodes begin submissions within 2 seconds. Returns false where the mode was over already.
pub async fn end(db: &Db, now: Timestamp, note: &str, by: &Origin) -> Result<bool> {
    let subject = (SubjectKind::Database, "restored");
    let act = Act::new(now, by, Action::RestoredModeEnded, subject).to(json!({ "note": note }));
    let (note, by) = (note.to_owned(), by.actor.to_string());
    db.write((note, by, act), move |conn, (note, by, act)| {
        Box::pin(async move {
            if store::restoration::end(conn, now, &by, &note).await? == 0 {
                return Ok(false);
            }
            store::restoration::hasten(conn, now).await?;
            audit::record(conn, &act).await?;
            Ok(true)
        })
    })
    .await
}
