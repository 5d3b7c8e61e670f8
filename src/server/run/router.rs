//! All routes, and what holds for every request: a trace id, a limit of its address, a whole body, a place among those
//! under way, a time limit, and an answer even if our code panics.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_http::compression::CompressionLayer;

use crate::domain::error::{Limited, Refusal};
use crate::domain::lang::Lang;
use crate::domain::limits;
use crate::server::client_ip::ClientIp;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::gateway::docs;
use crate::server::run::body::Bodies;
use crate::server::run::{assets, pages as console};
use crate::server::same_site::loopback_host;
use crate::server::watch::health;
use crate::server::{counters, gateway, trace};

/// The time after a use-case's own time limit at which a request is cut off.
const GRACE: Duration = Duration::from_secs(1);

/// Makes all routes.
pub fn router(ctx: Ctx) -> Router {
    let pages = console::routes(ctx.clone()).layer(CompressionLayer::new());
    let guarded = Router::new()
        .merge(gateway::routes(ctx.clone()))
        .merge(docs::routes(ctx.clone()))
        .merge(pages)
        .layer(from_fn_with_state(Guard::new(&ctx), guard));
    let is_demo = ctx.config.demo;
    let all = Router::new()
        .merge(guarded)
        .merge(assets::routes())
        .merge(health::routes(ctx));
    // The login of a demonstration is published: a page of another site must not reach it under a name of its own.
    let all = match is_demo {
        true => all.layer(from_fn(loopback_host)),
        false => all,
    };
    all.layer(map_response(safe_headers))
        .layer(from_fn(trace::layer))
}

/// The state that all guarded requests share.
#[derive(Clone)]
struct Guard {
    ctx: Ctx,
    bodies: Bodies,
    places: Places,
    time_limit: Duration,
}

/// The places among the requests under way. Each kind of caller has its own, so that none can take those of another.
#[derive(Clone)]
struct Places {
    merchants: Arc<Semaphore>,
    channels: Arc<Semaphore>,
    browsers: Arc<Semaphore>,
}

impl Places {
    fn new(of_each: u32) -> Places {
        let places = || Arc::new(Semaphore::new(of_each as usize));
        Places {
            merchants: places(),
            channels: places(),
            browsers: places(),
        }
    }

    /// Takes a place. Dropping it gives it back.
    fn take(&self, caller: Caller) -> Result<OwnedSemaphorePermit, Refusal> {
        let places = match caller {
            Caller::Merchant => &self.merchants,
            Caller::Channel => &self.channels,
            Caller::Browser => &self.browsers,
        };
        let taken = places.clone().try_acquire_owned();
        taken.map_err(|_| Refusal::Overloaded)
    }
}

impl Guard {
    fn new(ctx: &Ctx) -> Guard {
        let limit_ms = u64::try_from(ctx.config.request_time_limit_ms).unwrap_or_default();
        Guard {
            bodies: Bodies::new(ctx.closing.clone()),
            places: Places::new(ctx.config.max_in_flight),
            time_limit: Duration::from_millis(limit_ms) + GRACE,
            ctx: ctx.clone(),
        }
    }

    /// Admits a request within the limits, with its whole body and a place.
    async fn admit(
        &self,
        caller: Caller,
        request: Request,
    ) -> Result<(Request, OwnedSemaphorePermit)> {
        let (parts, body) = request.into_parts();
        let address = ClientIp::of(&parts, &self.ctx.config.trusted_proxies)?;
        within_rate(&self.ctx, caller, address)?;
        let is_announced = parts.headers.contains_key(header::EXPECT);
        let max_bytes = match caller {
            Caller::Channel => limits::CALLBACK_BYTES,
            Caller::Merchant | Caller::Browser => limits::BODY_BYTES,
        };
        let body = self.bodies.read(body, max_bytes, is_announced, address.0);
        let request = Request::from_parts(parts, Body::from(body.await?));
        Ok((request, self.places.take(caller)?))
    }
}

/// Refuses what is too much, cuts off what takes too long, and answers for what panicked.
async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let fallback = FallbackResponse::to(&guard.ctx, &request);
    let (request, _place) = match guard.admit(fallback.caller, request).await {
        Ok(admitted) => admitted,
        Err(error) => return fallback.for_error(&error),
    };
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(guard.time_limit, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => fallback.for_error(&Error::internal("a handler panicked")),
        Err(_) => fallback.for_error(&Error::internal("a request was cut off by its time limit")),
    }
}

/// Refuses a request of an address that makes too many.
fn within_rate(ctx: &Ctx, caller: Caller, address: ClientIp) -> Result<(), Refusal> {
    let ClientIp(address) = address;
    let (limits, now) = (&ctx.rate_limits, ctx.clock.now());
    let (taken, limit, per_second) = match caller {
        Caller::Channel => (
            limits.takes_callback(address, now),
            "callback",
            ctx.config.callbacks_per_second,
        ),
        Caller::Merchant | Caller::Browser => (
            limits.takes_request(address, now),
            "address",
            ctx.config.requests_per_second,
        ),
    };
    if taken {
        return Ok(());
    }
    counters::request_limited(limit);
    tracing::debug!(%address, limit, "too many requests");
    let limited = Limited::Address;
    Err(Refusal::TooOften {
        limited,
        per_second,
    })
}

/// The kind of caller, as the path shows it.
#[derive(Clone, Copy)]
enum Caller {
    Merchant,
    Channel,
    Browser,
}

/// The answer to a request that no handler answers: merchants and channels get the envelope, browsers a line of
/// text.
struct FallbackResponse {
    reply: gateway::answer::Reply,
    caller: Caller,
}

impl FallbackResponse {
    fn to(ctx: &Ctx, request: &Request) -> FallbackResponse {
        let path = request.uri().path();
        let caller = match gateway::is_gateway_path(path) {
            true if path.starts_with("/unipay/callback/") => Caller::Channel,
            true => Caller::Merchant,
            false => Caller::Browser,
        };
        FallbackResponse {
            reply: gateway::reply(ctx, request),
            caller,
        }
    }

    fn for_error(self, error: &Error) -> Response {
        match (self.caller, error.refusal()) {
            (Caller::Merchant, _) => self.reply.refused(error),
            // No channel takes such a status for an answer: it calls again.
            (Caller::Channel, Some(refusal)) => {
                let (code, text) = (refusal.code(), refusal.text(Lang::Zh));
                self.reply.refuse(status(refusal, self.caller), code, text)
            }
            (Caller::Channel, None) => self.reply.failed(error),
            (Caller::Browser, Some(refusal)) => {
                let (zh, en) = (refusal.text(Lang::Zh), refusal.text(Lang::En));
                let status = status(refusal, self.caller);
                let mut response = (status, format!("{zh} · {en}\n")).into_response();
                if matches!(status.as_u16(), 429 | 503) {
                    let headers = response.headers_mut();
                    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                }
                response
            }
            (Caller::Browser, None) => {
                tracing::error!(%error, "a request failed");
                let text = format!("系统内部错误 · internal error · {}", self.reply.trace.0);
                (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
            }
        }
    }
}

/// Returns the HTTP status of a refusal to a caller who does not get the gateway's envelope for an answer.
fn status(refusal: &Refusal, caller: Caller) -> StatusCode {
    match refusal {
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
        Refusal::Unreadable { .. } => StatusCode::BAD_REQUEST,
        Refusal::TooOften { .. } if matches!(caller, Caller::Browser) => {
            StatusCode::TOO_MANY_REQUESTS
        }
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Adds the headers that browsers need with every answer, unless a handler has set them.
async fn safe_headers(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::{Body, to_bytes};
    use axum::extract::ConnectInfo;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;
    use crate::server::config::Config;
    use crate::server::testing::app_with;

    async fn panics() {
        panic!("as a test");
    }

    /// Returns the answer of a handler that panics, or never ends, behind the guard.
    async fn answer(path: &str) -> (StatusCode, String) {
        let config = Config {
            request_time_limit_ms: 0,
            ..Config::default()
        };
        let (ctx, _folder) = app_with(config).await;
        let routes = Router::new()
            .route("/unipay/panics", get(panics))
            .route("/unipay/hangs", get(std::future::pending::<()>))
            .route("/panics", get(panics))
            .layer(from_fn_with_state(Guard::new(&ctx), guard))
            .layer(from_fn(trace::layer));
        let peer = ConnectInfo(SocketAddr::from(([198, 51, 100, 7], 4_000)));
        let request = Request::get(path).extension(peer);
        let request = request.body(Body::empty()).unwrap();
        let answer = routes.oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn what_panics_or_hangs_is_answered_and_shows_nothing() {
        for path in ["/unipay/panics", "/unipay/hangs"] {
            let (status, body) = answer(path).await;
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!((status.as_u16(), &json["code"]), (200, &10500.into()));
            assert_eq!(json["msg"], "系统内部错误");
            assert_eq!(json["traceId"].as_str().unwrap().len(), 12);
        }
        let (status, body) = answer("/panics").await;
        assert_eq!(status, 500);
        assert!(body.starts_with("系统内部错误") && !body.contains("as a test"));
    }
}
