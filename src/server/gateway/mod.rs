//! The merchant gateway: [`authenticate`] checks who sent a request, one thin handler of [`endpoints`] checks its fields
//! and calls one use-case, [`answer`] signs the outcome.

pub mod answer;
pub mod authenticate;
pub mod docs;
pub mod endpoints;
pub mod openapi;
mod schema;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::post;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::audit::Origin;
use crate::domain::error::Refusal;
use crate::domain::event::Actor;
use crate::domain::lang::Lang;
use crate::domain::people::{Permission, Scope};
use crate::server::client_ip::{self, ClientIp};
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::gateway::answer::Reply;
use crate::server::people::sessions::{self, Session};
use crate::server::same_site::{not_cross_site, same_site};
use crate::server::trace::TraceId;

/// Other paths of endpoints, under which published clients know them.
const OTHER_PATHS: &[(&str, &str)] = &[
    ("/unipay/syncRefund", "/unipay/sync/refund"),
    ("/unipay/sync/order/refund", "/unipay/sync/refund"),
    ("/unipay/sync/pay", "/unipay/syncPay"),
    ("/unipay/sync/order/pay", "/unipay/syncPay"),
    ("/uni/query/refundOrder", "/unipay/query/refundOrder"),
    ("/uni/query/payOrder", "/unipay/query/payOrder"),
];

/// Tells whether a path is one of merchants' systems or channels.
pub fn is_gateway_path(path: &str) -> bool {
    path.starts_with("/unipay/") || path.starts_with("/uni/")
}

/// Makes the routes of the gateway.
pub fn routes(ctx: Ctx) -> Router {
    described(&ctx).0.with_state(ctx)
}

/// Returns the description of the gateway, generated from the handlers.
pub fn description(ctx: &Ctx) -> utoipa::openapi::OpenApi {
    described(ctx).1
}

fn described(ctx: &Ctx) -> (Router<Ctx>, utoipa::openapi::OpenApi) {
    let mut router = OpenApiRouter::new()
        .routes(routes!(endpoints::refund))
        .routes(routes!(endpoints::sync_pay))
        .routes(routes!(endpoints::sync_refund))
        .routes(routes!(endpoints::query_refund))
        .routes(routes!(endpoints::query_order))
        .routes(routes!(endpoints::record_order))
        .routes(routes!(endpoints::callback))
        .routes(routes!(endpoints::account_callback));
    if ctx.channels.sandbox().is_some() {
        let controls = OpenApiRouter::new()
            .routes(routes!(
                endpoints::sandbox_faults,
                endpoints::change_sandbox_faults
            ))
            .route_layer(from_fn_with_state(ctx.clone(), administrators_only))
            .route_layer(sessions::layer(ctx))
            .route_layer(from_fn(same_site));
        let sandbox = OpenApiRouter::new()
            .routes(routes!(endpoints::sandbox_ledger))
            .merge(controls)
            .route_layer(from_fn_with_state(ctx.clone(), local_only));
        router = router.merge(sandbox);
    }
    let (router, mut description) = router.split_for_parts();
    for (other, own) in OTHER_PATHS {
        let mut item = description.paths.paths[*own].clone();
        if let Some(operation) = &mut item.post {
            operation.operation_id = Some(other.trim_start_matches('/').replace('/', "_"));
            operation.description = Some(format!("同 {own} · the same as {own}"));
        }
        description.paths.paths.insert((*other).to_owned(), item);
    }
    let router = router
        .route("/unipay/syncRefund", post(endpoints::sync_refund))
        .route("/unipay/sync/order/refund", post(endpoints::sync_refund))
        .route("/unipay/sync/pay", post(endpoints::sync_pay))
        .route("/unipay/sync/order/pay", post(endpoints::sync_pay))
        .route("/uni/query/refundOrder", post(endpoints::query_refund))
        .route("/uni/query/payOrder", post(endpoints::query_order))
        .route("/unipay/{*path}", axum::routing::any(no_such_endpoint))
        .route("/uni/{*path}", axum::routing::any(no_such_endpoint))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(not_cross_site));
    (router, description)
}

/// Lets only requests from this machine through: the sandbox is for tests, and its book tells amounts.
async fn local_only(State(ctx): State<Ctx>, request: Request, next: Next) -> Response {
    if client_ip::is_local(request.extensions(), request.headers()) {
        return next.run(request).await;
    }
    let refusal = Refusal::NoSuchPage;
    reply(&ctx, &request).refuse(
        StatusCode::NOT_FOUND,
        refusal.code(),
        refusal.text(Lang::Zh),
    )
}

/// Lets only operators through who administer all apps, as apps may share an account. Adds their [`Origin`] to the
/// request.
async fn administrators_only(
    State(ctx): State<Ctx>,
    session: Session,
    request: Request,
    next: Next,
) -> Response {
    let reply = reply(&ctx, &request);
    let (mut parts, body) = request.into_parts();
    match administrator(&ctx, &session, &parts).await {
        Ok(origin) => {
            parts.extensions.insert(origin);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(Error::Refused(refusal)) => {
            let status = match refusal {
                Refusal::NotLoggedIn => StatusCode::UNAUTHORIZED,
                _ => StatusCode::FORBIDDEN,
            };
            reply.refuse(status, refusal.code(), refusal.text(Lang::Zh))
        }
        Err(failure) => reply.failed(&failure),
    }
}

async fn administrator(ctx: &Ctx, session: &Session, request: &Parts) -> Result<Origin> {
    let operator = sessions::operator(ctx, session).await?;
    if !operator.may(Scope::ALL_APPS, Permission::ManageApps) {
        return Err(Refusal::Forbidden.into());
    }
    let ClientIp(address) = ClientIp::of(request, &ctx.config.trusted_proxies)?;
    Ok(Origin {
        actor: Actor::Operator(operator.name),
        address: Some(address),
    })
}

async fn no_such_endpoint(State(ctx): State<Ctx>, request: Request) -> Response {
    reply(&ctx, &request).refused(&Error::Refused(Refusal::NoSuchPage))
}

async fn wrong_method(State(ctx): State<Ctx>, request: Request) -> Response {
    let refusal = Refusal::NoSuchPage;
    reply(&ctx, &request).refuse(
        StatusCode::METHOD_NOT_ALLOWED,
        refusal.code(),
        refusal.text(Lang::Zh),
    )
}

/// Returns the reply to a request that has not been authenticated.
pub fn reply(ctx: &Ctx, request: &Request) -> Reply {
    let trace = request.extensions().get::<TraceId>().cloned();
    Reply::new(ctx, trace.unwrap_or_else(TraceId::make))
}
