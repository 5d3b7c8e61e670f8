//! Old raw records go: callbacks, attempts to deliver notices, and the events of settled refunds, each
//! after the time that the settings say. Entries of the audit never go; one tells of each deletion.

use serde_json::json;

use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::event::Actor;
use crate::domain::time::DAY_MS;
use crate::server::audit;
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::store::retention;
use crate::server::store::retention::Kept;

/// Rows that are deleted by one write, so that others do not wait long for theirs.
const AT_ONCE: u16 = 500;

/// Deletes what is older than the settings say: a job. Returns how many rows.
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
        let batch = ctx.db.write(move |conn| {
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
