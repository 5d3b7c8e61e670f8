//! Whether the server is alive, and whether requests should be sent to it.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::server::ctx::Ctx;
use crate::server::store;

/// How long the database may take to show that it is there.
const LIMIT: Duration = Duration::from_secs(1);
const NOT_KEPT: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

/// `/healthz` for whoever restarts what hangs, `/readyz` for whoever sends requests.
pub fn routes(ctx: Ctx) -> Router {
    Router::new()
        .route("/healthz", get(async || (NOT_KEPT, "ok")))
        .route("/readyz", get(readyz))
        .with_state(ctx)
}

/// Why no requests should be sent here.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    #[error("stopping")]
    Stopping,
    #[error("the database does not answer")]
    Database,
}

/// Whether requests should be sent here: the database can be read and written, and no stop has
/// begun. The schema is up to date: the database is not opened before it is.
///
/// # Errors
/// Says why not, after a second at the latest.
pub async fn ready(ctx: &Ctx) -> Result<(), NotReady> {
    if ctx.stopping.is_cancelled() {
        return Err(NotReady::Stopping);
    }
    let answers = async {
        store::ping(&mut *ctx.db.read().await?).await?;
        ctx.db
            .write(|conn| Box::pin(async move { Ok(store::may_write(conn).await?) }))
            .await
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
