//! Whether the server is alive, and whether requests should be sent to it.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::server::checkup::NotReady;
use crate::server::ctx::Ctx;
use crate::server::error::Error;
use crate::server::store;

/// The longest time that the database may take to show that it is there.
const LIMIT: Duration = Duration::from_secs(1);
const NOT_KEPT: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// `/healthz` for whoever restarts what hangs, `/readyz` for whoever sends requests.
pub fn routes(ctx: Ctx) -> Router {
    Router::new()
        .route("/healthz", get(async || (NOT_KEPT, "ok")))
        .route("/readyz", get(readyz))
        .with_state(ctx)
}

/// Tells whether requests should be sent here: no stop has begun, the last checkup found the clock right
/// and the disk with room for a write, and the database is in its place and can be read. The schema is up
/// to date: the database is not opened before it is.
///
/// # Errors
/// Says why not, after a second at the latest.
pub async fn ready(ctx: &Ctx) -> Result<(), NotReady> {
    if ctx.stopping.is_cancelled() {
        return Err(NotReady::Stopping);
    }
    ctx.checkup.last()?;
    if !ctx.db.is_in_place().await {
        return Err(NotReady::File);
    }
    let answers = async {
        let mut conn = ctx.db.read().await?;
        Ok::<_, Error>(store::ping(&mut conn).await?)
    };
    match tokio::time::timeout(LIMIT, answers).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(%error, "the database does not answer");
            Err(NotReady::Database)
        }
        Err(_) => Err(NotReady::Database),
    }
}

async fn readyz(State(ctx): State<Ctx>) -> Response {
    match ready(&ctx).await {
        Ok(()) => (NOT_KEPT, "ready").into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, NOT_KEPT, why.to_string()).into_response(),
    }
}
