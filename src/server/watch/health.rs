//! Liveness and readiness of the server.

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

/// Maximum time that the database may take to answer a readiness check.
const LIMIT: Duration = Duration::from_secs(1);
const NOT_KEPT: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// Returns the routes `/healthz`, for supervisors that restart a hung process, and `/readyz`, for proxies that route
/// requests.
pub fn routes(ctx: Ctx) -> Router {
    Router::new()
        .route("/healthz", get(async || (NOT_KEPT, "ok")))
        .route("/readyz", get(readyz))
        .with_state(ctx)
}

/// Checks that the server may be sent requests: no stop has begun, the last checkup found the clock right and the disk
/// writable, and the database is in its place and can be read. The schema needs no check, as it was brought up to date
/// before.
///
/// # Errors
/// The reason why not, after at most a second.
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
