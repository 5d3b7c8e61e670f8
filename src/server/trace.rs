//! The trace id: returned to callers, and common to all log lines of one request.

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

/// The id of a request: 12 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceId(pub String);

const TRACE_ID_CHARS: usize = 12;

impl TraceId {
    /// Makes a new id.
    pub fn make() -> TraceId {
        TraceId(Alphanumeric.sample_string(&mut rand::rng(), TRACE_ID_CHARS))
    }
}

/// Adds an id to every request as an extension, logs the request within a span with that id, and counts it. Queries,
/// headers and bodies are not logged, as they may hold names and secrets.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let trace = TraceId::make();
    // At the highest level, so that no log setting removes the id from a line.
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

/// Names the span after its endpoint, and links it to the caller's trace. A link only, not a parent, as the caller may
/// claim anything.
fn tell_collector(span: &Span, endpoint: &str, headers: &HeaderMap) {
    if let Some(caller) = caller(headers) {
        span.add_link(caller);
    }
    span.set_attribute("http.route", endpoint.to_owned());
    span.context().span().update_name(endpoint.to_owned());
}

/// Reads the caller's span from the W3C header `traceparent`.
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
