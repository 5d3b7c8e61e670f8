//! Breakers: a channel that does not answer an app is asked gently until it does. What opens one is
//! counted on each node by itself; an open one stands in the database, so that all nodes hold back,
//! and one of them at a time probes.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::domain::breaker::{Breaker, FAILURES};
use crate::domain::limits;
use crate::domain::order::Channel;
use crate::domain::text::sanitized;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::Result;
use crate::server::store;

/// A channel of an app.
pub type ChannelKey = (String, Channel);

/// The breakers of all channels, as this node sees them.
pub struct Breakers {
    db: Db,
    clock: Clock,
    seen: Mutex<HashMap<ChannelKey, NodeState>>,
}

/// What this node has seen of a channel.
#[derive(Clone, Copy, Default)]
struct NodeState {
    /// Calls in a row that were not answered.
    failures: u32,
    /// The breaker was open when last looked at.
    open: bool,
    /// This node has claimed the probe.
    probing: bool,
}

/// Says whether refunds of a channel may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    /// One, to see whether the channel is back.
    HalfOpen,
    Open,
}

/// Longer than any question takes: a probe whose node died is another's after this.
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

    /// Returns the state of a channel's breaker, and claims the probe where one is due. Ask only when
    /// there is something to probe with: a claimed probe keeps other nodes from probing.
    pub async fn state(&self, key: &ChannelKey) -> Result<BreakerState> {
        let breaker = {
            let mut conn = self.db.read().await?;
            store::breaker::get(&mut conn, &key.0, key.1).await?
        };
        let Some(breaker) = breaker else {
            self.change(key, |seen| {
                // Another node found the channel back: the failures were before that.
                if std::mem::take(&mut seen.open) {
                    *seen = NodeState::default();
                }
            });
            return Ok(BreakerState::Closed);
        };
        let now = self.clock.now();
        let due = breaker.probe_at;
        let claimed = breaker.probe_is_due(now) && self.claim_probe(key, due).await?;
        self.change(key, |seen| {
            seen.open = true;
            seen.probing |= claimed;
        });
        match claimed {
            true => Ok(BreakerState::HalfOpen),
            false => Ok(BreakerState::Open),
        }
    }

    /// Returns true where this node knows a channel's breaker to be open.
    pub fn is_open(&self, key: &ChannelKey) -> bool {
        self.change(key, |seen| seen.open)
    }

    /// Takes note that a channel has answered, whatever it said: its breaker closes.
    pub async fn answered(&self, key: &ChannelKey) -> Result<()> {
        let was_open = self.change(key, |seen| std::mem::take(seen).open);
        if !was_open {
            return Ok(());
        }
        tracing::info!(app = key.0, channel = %key.1, "the channel answers again");
        let (app_id, channel) = key.clone();
        self.db
            .write(move |conn| {
                let app_id = app_id.clone();
                Box::pin(async move { Ok(store::breaker::remove(conn, &app_id, channel).await?) })
            })
            .await
    }

    /// Takes note that a channel was called and did not answer. Too often in a row, and its breaker
    /// opens.
    pub async fn failed(&self, key: &ChannelKey, said: &str) -> Result<()> {
        let (opens, probed) = self.change(key, |seen| {
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
        let (app_id, channel) = key.clone();
        if opens {
            tracing::warn!(app = app_id, %channel, "the channel does not answer; it is asked gently from now on");
        }
        self.db
            .write(move |conn| {
                let (app_id, said) = (app_id.clone(), said.clone());
                Box::pin(async move {
                    let breaker = match store::breaker::get(conn, &app_id, channel).await? {
                        Some(open) if probed => open.probe_failed(now, &said),
                        // Another node opened it just now.
                        Some(_) => return Ok(()),
                        // Another node found the channel back.
                        None if !opens => return Ok(()),
                        None => Breaker::opened(&app_id, channel, now, &said),
                    };
                    Ok(store::breaker::put(conn, &breaker).await?)
                })
            })
            .await
    }

    /// Returns the open breakers of an app.
    pub async fn of_app(&self, app_id: &str) -> Result<Vec<Breaker>> {
        let mut conn = self.db.read().await?;
        Ok(store::breaker::of_app(&mut conn, app_id).await?)
    }

    async fn claim_probe(&self, key: &ChannelKey, due: Timestamp) -> Result<bool> {
        let until = self.clock.now().plus_ms(PROBE_LEASE_MS);
        let (app_id, channel) = key.clone();
        self.db
            .write(move |conn| {
                let app_id = app_id.clone();
                Box::pin(async move {
                    Ok(store::breaker::claim_probe(conn, &app_id, channel, due, until).await?)
                })
            })
            .await
    }

    fn change<T>(&self, key: &ChannelKey, change: impl FnOnce(&mut NodeState) -> T) -> T {
        let mut seen = self
            .seen
            .lock()
            .expect("nothing panics while holding this lock");
        change(seen.entry(key.clone()).or_default())
    }
}
