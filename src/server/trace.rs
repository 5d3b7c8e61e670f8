//! The trace id: what a caller is told, and what ties the log's lines of one request together.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use rand::distr::{Alphanumeric, SampleString};
use tracing::Instrument;

/// The id of one request: 12 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceId(pub String);

const TRACE_ID_CHARS: usize = 12;

impl TraceId {
    /// A new id.
    pub fn make() -> TraceId {
        TraceId(Alphanumeric.sample_string(&mut rand::rng(), TRACE_ID_CHARS))
    }
}

/// Gives every request its id, as an extension, and logs it within a span of that id. Neither
/// queries nor headers nor bodies are logged: they may hold names and secrets.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let trace = TraceId::make();
    let span = tracing::info_span!(
        "request",
        trace = trace.0,
        method = %request.method(),
        path = request.uri().path(),
    );
    request.extensions_mut().insert(trace);
    async {
        let response = next.run(request).await;
        tracing::debug!(status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await
}
