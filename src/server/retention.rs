//! Deletion of old raw records: callbacks, delivery attempts, and the events of settled refunds, each after the time
//! in the settings. Audit entries are never deleted; each deletion adds one.

use serde_json::json;

use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::event::Actor;
use crate::domain::time::DAY_MS;
use crate::server::audit;
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::store::retention;
use crate::server::store::retention::Kept;

/// Number of rows deleted by one write, so that other writes do not wait long.
const AT_ONCE: u16 = 500;

/// Deletes records that are older than the settings allow. Run as a job. Returns the number of rows.
pub async fn clean_up(ctx: &Ctx) -> Result<u64> {
    let kept = [
        (Kept::Callbacks, ctx.config.keep_callbacks_days),
        (Kept::Attempts, ctx.config.keep_attempts_days),
        (Kept::Events, ctx.config.keep_events_days),
    ];
    let mut deleted = 0;
    for (kept, days) in kept.into_iter().filter(|(_, days)| *days > 0) {
        deleted += delete(ctx, kept, days).await?;
    }
    Ok(deleted)
}

async fn delete(ctx: &Ctx, kept: Kept, days: i64) -> Result<u64> {
    let before = ctx.clock.now().plus_ms(-days.saturating_mul(DAY_MS));
    let mut deleted = 0;
    loop {
        let now = ctx.clock.now();
        let batch = ctx.db.write((), move |conn, ()| {
            let limit = AT_ONCE.into();
            Box::pin(async move {
                let deleted = retention::delete(conn, kept, before, limit).await?;
                if deleted > 0 {
                    let subject = (SubjectKind::Records, kept.name());
                    let state = json!({"deleted": deleted, "before": before.0});
                    let system = Origin::from(Actor::System);
                    let act = Act::new(now, &system, Action::RecordsDeleted, subject).to(state);
                    audit::record(conn, &act).await?;
                }
                Ok(deleted)
            })
        });
        let count = batch.await?;
        deleted += count;
        if count < AT_ONCE.into() {
            return Ok(deleted);
        }
    }
}
