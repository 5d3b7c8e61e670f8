//! Breakers: an account whose channel does not answer is asked less often until it answers again. Each node counts the
//! unanswered calls by itself. An open breaker is stored in the database, so that all nodes hold back and only one at a
//! time probes.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::domain::breaker::{Breaker, FAILURES};
use crate::domain::limits;
use crate::domain::text::sanitized;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::Result;
use crate::server::store;

/// The breakers of all accounts, as this node knows them.
pub struct Breakers {
    db: Db,
    clock: Clock,
    seen: Mutex<HashMap<String, NodeState>>,
}

/// The calls of an account, as this node has counted them.
#[derive(Clone, Copy, Default)]
struct NodeState {
    /// Number of unanswered calls in a row.
    failures: u32,
    /// True where the breaker was open at the last look.
    open: bool,
    /// True while this node has claimed the probe.
    probing: bool,
}

/// The state of a breaker, which decides how many refunds of an account may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    /// One refund may be asked for, to see whether the channel answers again.
    HalfOpen,
    Open,
}

/// Lease on a probe. Longer than any question takes: after this time a node that died has lost its probe to others.
const PROBE_LEASE_MS: i64 = 2 * MINUTE_MS;

impl Breakers {
    /// Makes the breakers of a node that has called no channel yet.
    pub fn new(db: Db, clock: Clock) -> Breakers {
        Breakers {
            db,
            clock,
            seen: Mutex::default(),
        }
    }

    /// Returns the state of an account's breaker, and claims the probe where one is due. Call this only with a refund
    /// to ask for: a claimed probe keeps other nodes from probing.
    pub async fn state(&self, account_id: &str) -> Result<BreakerState> {
        let breaker = {
            let mut conn = self.db.read().await?;
            store::breaker::get(&mut conn, account_id).await?
        };
        let Some(breaker) = breaker else {
            self.change(account_id, |seen| {
                // Another node got an answer and closed the breaker: the failures counted here are older.
                if std::mem::take(&mut seen.open) {
                    *seen = NodeState::default();
                }
            });
            return Ok(BreakerState::Closed);
        };
        let now = self.clock.now();
        let due = breaker.probe_at;
        let claimed = breaker.probe_is_due(now) && self.claim_probe(account_id, due).await?;
        self.change(account_id, |seen| {
            seen.open = true;
            seen.probing |= claimed;
        });
        match claimed {
            true => Ok(BreakerState::HalfOpen),
            false => Ok(BreakerState::Open),
        }
    }

    /// Returns true where this node knows an account's breaker to be open.
    pub fn is_open(&self, account_id: &str) -> bool {
        self.change(account_id, |seen| seen.open)
    }

    /// Records that the channel answered an account, whatever the answer was. Closes the account's breaker.
    pub async fn answered(&self, account_id: &str) -> Result<()> {
        let was_open = self.change(account_id, |seen| std::mem::take(seen).open);
        if !was_open {
            return Ok(());
        }
        tracing::info!(account_id, "the channel answers again");
        let account_id = account_id.to_owned();
        self.db
            .write(account_id, move |conn, account_id| {
                Box::pin(async move { Ok(store::breaker::remove(conn, &account_id).await?) })
            })
            .await
    }

    /// Records that the channel did not answer an account. Opens the account's breaker after too many such calls in a
    /// row.
    pub async fn failed(&self, account_id: &str, said: &str) -> Result<()> {
        let (opens, probed) = self.change(account_id, |seen| {
            seen.failures += 1;
            let probed = std::mem::take(&mut seen.probing);
            let opens = !seen.open && seen.failures >= FAILURES;
            seen.open |= opens;
            (opens, probed)
        });
        if !opens && !probed {
            return Ok(());
        }
        let now = self.clock.now();
        let said = sanitized(said, limits::SAID_BYTES);
        let account_id = account_id.to_owned();
        if opens {
            tracing::warn!(
                account_id,
                "the channel does not answer; it is asked gently from now on"
            );
        }
        self.db
            .write((account_id, said), move |conn, (account_id, said)| {
                Box::pin(async move {
                    let breaker = match store::breaker::get(conn, &account_id).await? {
                        Some(open) if probed => open.probe_failed(now, &said),
                        // Another node has just opened it.
                        Some(_) => return Ok(()),
                        // Another node got an answer and closed the breaker.
                        None if !opens => return Ok(()),
                        None => Breaker::opened(&account_id, now, &said),
                    };
                    Ok(store::breaker::put(conn, &breaker).await?)
                })
            })
            .await
    }

    /// Returns all open breakers, by account.
    pub async fn all(&self) -> Result<Vec<Breaker>> {
        let mut conn = self.db.read().await?;
        Ok(store::breaker::all(&mut conn).await?)
    }

    async fn claim_probe(&self, account_id: &str, due: Timestamp) -> Result<bool> {
        let until = self.clock.now().plus_ms(PROBE_LEASE_MS);
        let account_id = account_id.to_owned();
        self.db
            .write(account_id, move |conn, account_id| {
                Box::pin(async move {
                    Ok(store::breaker::claim_probe(conn, &account_id, due, until).await?)
                })
            })
            .await
    }

    fn change<T>(&self, account_id: &str, change: impl FnOnce(&mut NodeState) -> T) -> T {
        let mut seen = self
            .seen
            .lock()
            .expect("nothing panics while holding this lock");
        change(seen.entry(account_id.to_owned()).or_default())
    }
}
