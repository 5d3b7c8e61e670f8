//! Breakers: a channel that does not answer an app is asked gently until it does. What opens one is
//! counted on each node by itself; an open one stands in the database, so that all nodes hold back,
//! and one of them at a time probes.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::domain::breaker::{Breaker, FAILURES};
use crate::domain::limits;
use crate::domain::order::Channel;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::store;

/// Which channel of which app.
pub type Lane = (String, Channel);

/// What this node has heard of the channels.
#[derive(Default)]
pub struct Breakers(Mutex<HashMap<Lane, NodeState>>);

#[derive(Clone, Copy, Default)]
struct NodeState {
    /// Questions in a row that were not answered.
    failures: u32,
    /// The breaker was open when last looked at.
    open: bool,
    /// This node has claimed the probe.
    probing: bool,
}

/// Whether refunds of a channel may be asked for.
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
    fn change<T>(&self, lane: &Lane, change: impl FnOnce(&mut NodeState) -> T) -> T {
        let mut heard = self
            .0
            .lock()
            .expect("nothing panics while holding this lock");
        change(heard.entry(lane.clone()).or_default())
    }
}

/// Whether refunds of a channel may be asked for now. Claims the probe where one is due.
pub async fn passage(ctx: &Ctx, lane: &Lane) -> Result<BreakerState> {
    let now = ctx.clock.now();
    let breaker = {
        let mut conn = ctx.db.read().await?;
        store::breaker::get(&mut conn, &lane.0, lane.1).await?
    };
    ctx.breakers
        .change(lane, |heard| heard.open = breaker.is_some());
    let Some(breaker) = breaker else {
        return Ok(BreakerState::Closed);
    };
    if !breaker.probe_is_due(now) || !claim_probe(ctx, lane, breaker.probe_at, now).await? {
        return Ok(BreakerState::Open);
    }
    ctx.breakers.change(lane, |heard| heard.probing = true);
    Ok(BreakerState::HalfOpen)
}

async fn claim_probe(ctx: &Ctx, lane: &Lane, due: Timestamp, now: Timestamp) -> Result<bool> {
    let (app_id, channel) = lane.clone();
    let until = now.plus_ms(PROBE_LEASE_MS);
    ctx.db
        .write(move |conn| {
            let app_id = app_id.clone();
            Box::pin(async move {
                Ok(store::breaker::claim_probe(conn, &app_id, channel, due, until).await?)
            })
        })
        .await
}

/// Takes note that a channel has answered, whatever it said: its breaker closes.
pub async fn answered(ctx: &Ctx, lane: &Lane) -> Result<()> {
    let was_open = ctx
        .breakers
        .change(lane, |heard| std::mem::take(heard).open);
    if !was_open {
        return Ok(());
    }
    tracing::info!(app = lane.0, channel = %lane.1, "the channel answers again");
    let (app_id, channel) = lane.clone();
    ctx.db
        .write(move |conn| {
            let app_id = app_id.clone();
            Box::pin(async move { Ok(store::breaker::remove(conn, &app_id, channel).await?) })
        })
        .await
}

/// Takes note that a channel was asked and did not answer. Too often in a row, and its breaker opens.
pub async fn unresolved_submissions(ctx: &Ctx, lane: &Lane, said: &str) -> Result<()> {
    let (opens, probed) = ctx.breakers.change(lane, |heard| {
        heard.failures += 1;
        let probed = std::mem::take(&mut heard.probing);
        let opens = !heard.open && heard.failures >= FAILURES;
        heard.open |= opens;
        (opens, probed)
    });
    if !opens && !probed {
        return Ok(());
    }
    let now = ctx.clock.now();
    let said = limits::cut(said, limits::SAID_BYTES).to_owned();
    let (app_id, channel) = lane.clone();
    if opens {
        tracing::warn!(app = app_id, %channel, "the channel does not answer; it is asked gently from now on");
    }
    ctx.db
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

/// The open breakers of an app.
pub async fn of_app(ctx: &Ctx, app_id: &str) -> Result<Vec<Breaker>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::breaker::of_app(&mut conn, app_id).await?)
}
