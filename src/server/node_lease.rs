//! The node number: each running server on a database holds its own, by a lease that it renews.

use std::sync::RwLock;

use tokio::sync::Mutex;

use crate::domain::time::Timestamp;
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::store;
use crate::server::store::node::Holding;

/// Number of node numbers: 0 to 99.
const NODES: i64 = 100;
/// Length of a lease. A node that does not renew it within this time has lost its number.
const LEASE_MS: i64 = 60_000;

/// The lease of this node on its number.
pub struct NodeLease {
    db: Db,
    /// Node number that the settings ask for.
    wanted: Option<i64>,
    me: Me,
    held: RwLock<Option<Lease>>,
    /// Locked by the task that takes or renews a number.
    taking: Mutex<()>,
}

/// The identity of this node as a holder.
#[derive(Clone)]
struct Me {
    host: String,
    /// Unique name of this process.
    holder: String,
}

/// A node number with the end of our lease on it.
#[derive(Clone, Copy)]
struct Lease {
    node: i64,
    until: Timestamp,
}

impl NodeLease {
    /// Makes a lease that is not held yet. It is taken at the start, or else when the first number is made.
    pub fn new(wanted: Option<u8>, db: Db) -> NodeLease {
        // Two hosts without a readable name must not pass for one, or they would take each other's number.
        let host = whoami::hostname()
            .unwrap_or_else(|_| format!("unnamed-{:016x}", rand::random::<u64>()));
        let holder = format!(
            "{host} {} {:08x}",
            std::process::id(),
            rand::random::<u32>()
        );
        NodeLease {
            db,
            wanted: wanted.map(i64::from),
            me: Me { host, holder },
            held: RwLock::default(),
            taking: Mutex::default(),
        }
    }

    /// Returns our node number, if the lease lasts at `now`.
    pub fn node(&self, now: Timestamp) -> Option<i64> {
        let held = self.held.read().expect("nothing panics holding this lock");
        held.filter(|lease| now < lease.until)
            .map(|lease| lease.node)
    }

    /// Takes the configured node number, or else the lowest free one. A configured number is taken even from a holder
    /// on this host, which is then a previous process that did not release it. The inner `Err` is the current holder.
    pub async fn start(&self, now: Timestamp) -> Result<Result<i64, Holding>> {
        let _taking = self.taking.lock().await;
        let Some(node) = self.wanted else {
            return Ok(Ok(self.take_free(now).await?));
        };
        if self.take(node, now, true).await? {
            return Ok(Ok(node));
        }
        let mut conn = self.db.read().await?;
        let holding = store::node::get(&mut conn, node).await?;
        drop(conn);
        match holding {
            Some(holding) => Ok(Err(holding)),
            None => Err(Error::internal("a node number is neither free nor held")),
        }
    }

    /// Renews the lease.
    pub async fn renew(&self, now: Timestamp) -> Result<i64> {
        let _taking = self.taking.lock().await;
        self.keep(now).await
    }

    /// Returns our node number. Takes one first where the lease is over or was never held.
    ///
    /// # Errors
    /// Fails where the database is out of reach, or all node numbers are held.
    pub async fn node_or_take(&self, now: Timestamp) -> Result<i64> {
        if let Some(node) = self.node(now) {
            return Ok(node);
        }
        let _taking = self.taking.lock().await;
        // Another task of this node may have taken a number meanwhile.
        match self.node(now) {
            Some(node) => Ok(node),
            None => self.keep(now).await,
        }
    }

    /// Keeps our node number, or takes another if it was lost because this process or the database was stopped for
    /// longer than the lease.
    async fn keep(&self, now: Timestamp) -> Result<i64> {
        let current = *self.held.read().expect("nothing panics holding this lock");
        if let Some(lease) = current {
            let holder = self.me.holder.clone();
            let until = now.plus_ms(LEASE_MS);
            let kept = self.db.write(holder, move |conn, holder| {
                Box::pin(
                    async move { Ok(store::node::renew(conn, lease.node, &holder, until).await?) },
                )
            });
            if kept.await? {
                self.hold(lease.node, until);
                return Ok(lease.node);
            }
        } else if let Some(node) = self.wanted
            && self.take(node, now, false).await?
        {
            return Ok(node);
        }
        let node = self.take_free(now).await?;
        if let Some(other) = current.map(|lease| lease.node).or(self.wanted) {
            tracing::warn!(
                held_elsewhere = other,
                node,
                "another node number was taken"
            );
        }
        Ok(node)
    }

    /// Releases our node number. Others can take it from the next second on, since two nodes must not make numbers
    /// with the same node and second.
    pub async fn release(&self, now: Timestamp) -> Result<()> {
        let _taking = self.taking.lock().await;
        let held = self
            .held
            .write()
            .expect("nothing panics holding this lock")
            .take();
        let Some(lease) = held else {
            return Ok(());
        };
        let holder = self.me.holder.clone();
        let until = Timestamp((now.seconds() + 1) * 1_000);
        let released = self.db.write(holder, move |conn, holder| {
            Box::pin(async move { Ok(store::node::renew(conn, lease.node, &holder, until).await?) })
        });
        released.await.map(drop)
    }

    /// Takes the lowest free node number.
    async fn take_free(&self, now: Timestamp) -> Result<i64> {
        let held = {
            let mut conn = self.db.read().await?;
            store::node::held(&mut conn, now).await?
        };
        for node in (0..NODES).filter(|node| !held.contains(node)) {
            if self.take(node, now, false).await? {
                return Ok(node);
            }
        }
        Err(Error::internal("all node numbers are held"))
    }

    /// Takes a node number if no node holds it, or, with `from_this_host`, if no node on another host does.
    async fn take(&self, node: i64, now: Timestamp, from_this_host: bool) -> Result<bool> {
        let until = now.plus_ms(LEASE_MS);
        let wanted = Holding {
            node,
            host: self.me.host.clone(),
            holder: self.me.holder.clone(),
            started_at: now,
            alive_until: until,
        };
        let taken = self.db.write(wanted, move |conn, wanted| {
            Box::pin(async move { Ok(store::node::take(conn, &wanted, from_this_host).await?) })
        });
        let taken = taken.await?;
        if taken {
            self.hold(node, until);
        }
        Ok(taken)
    }

    fn hold(&self, node: i64, until: Timestamp) {
        let mut held = self.held.write().expect("nothing panics holding this lock");
        *held = Some(Lease { node, until });
    }
}
