//! The trace id: what a caller is told, and what ties the log's lines of one request together.

use std::collections::HashMap;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use rand::distr::{Alphanumeric, SampleString};
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::server::counters;
use crate::wire::code::Code;

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

/// Gives every request its id, as an extension, logs it within a span of that id, and counts it.
/// Neither queries nor headers nor bodies are logged: they may hold names and secrets.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let trace = TraceId::make();
    // As grave as can be, so that no setting of the log takes the id from a line.
    let span = tracing::error_span!(
        "request",
        trace = trace.0,
        method = %request.method(),
        path = request.uri().path(),
    );
    let route = request.extensions().get::<MatchedPath>().cloned();
    let endpoint = route.as_ref().map_or("none", MatchedPath::as_str);
    tell_collector(&span, endpoint, request.headers());
    request.extensions_mut().insert(trace);

    let counted = counters::Request::begins(endpoint);
    async {
        let response = next.run(request).await;
        let status = response.status().as_u16();
        tracing::debug!(status, "answered");
        Span::current().set_attribute("http.response.status_code", i64::from(status));
        let code = response.extensions().get::<Code>();
        counted.ends(code.map_or(status.to_string(), |code| code.0.to_string()));
        response
    }
    .instrument(span)
    .await
}

/// Names the span after its endpoint, and links it to the caller's trace. A link and no more: it is
/// the caller's word.
fn tell_collector(span: &Span, endpoint: &str, headers: &HeaderMap) {
    if let Some(caller) = caller(headers) {
        span.add_link(caller);
    }
    span.set_attribute("http.route", endpoint.to_owned());
    span.context().span().update_name(endpoint.to_owned());
}

/// The caller's span, by the W3C's `traceparent`.
fn caller(headers: &HeaderMap) -> Option<SpanContext> {
    const NAME: &str = "traceparent";
    const LONGEST: usize = 64;
    let given = headers.get(NAME)?.to_str().ok()?;
    if given.len() > LONGEST {
        return None;
    }
    let given = HashMap::from([(NAME.to_owned(), given.to_owned())]);
    let context = TraceContextPropagator::new().extract(&given);
    let caller = context.span().span_context().clone();
    caller.is_valid().then_some(caller)
}
