//! The console's routes: its pages, each rendered completely before it is sent, and the server functions that pages
//! call.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos::server_fn::axum::server_fn_paths;
use leptos_axum::{
    ResponseOptions, generate_route_list_with_exclusions_and_ssg_and_context,
    handle_server_fns_with_context, render_app_async_with_context,
};

use crate::console::Console;
use crate::console::preferences::Preferences;
use crate::console::shell::shell;
use crate::domain::limits;
use crate::server::ctx::Ctx;
use crate::server::desk::caller::preferences;
use crate::server::desk::{errors, headers};
use crate::server::people::sessions;
use crate::server::run::assets;
use crate::server::same_site::{no_foreign_outcome, same_site};

/// Returns the routes of the console's pages and of everything below `/api`, with sessions and guards. The fallback is
/// the console's page for unknown addresses.
pub fn routes(ctx: Ctx) -> Router {
    let (pages, _) = generate_route_list_with_exclusions_and_ssg_and_context(Console, None, || {
        provide_context(Preferences::default())
    });
    let page = page(ctx.clone());
    let nowhere = {
        let page = page.clone();
        move |request| async move { (StatusCode::NOT_FOUND, page(request).await).into_response() }
    };
    let api = {
        let ctx = ctx.clone();
        move |request| call(ctx.clone(), request)
    };
    pages
        .iter()
        .fold(Router::new(), |router, listed| {
            router.route(listed.path(), get(page.clone()))
        })
        .route("/api/{*function}", any(api))
        .fallback(get(nowhere))
        .layer(axum::middleware::from_fn(no_foreign_outcome))
        .layer(sessions::layer(&ctx))
        .layer(axum::middleware::from_fn(same_site))
        .layer(axum::middleware::from_fn(headers::headers))
}

/// Renders the page at the request's address.
fn page(
    ctx: Ctx,
) -> impl Fn(Request) -> futures::future::BoxFuture<'static, Response> + Clone + Send + Sync {
    move |request| {
        let ctx = ctx.clone();
        let look = preferences(request.headers());
        let context = move || {
            provide_context(ctx.clone());
            provide_context(look);
            forbid_foreign_content();
        };
        let path = request.uri().path().to_owned();
        render_app_async_with_context(context, move || shell(assets::urls(), &path))(request)
    }
}

/// Runs the server function at the request's address.
async fn call(ctx: Ctx, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, limits::BODY_BYTES).await.unwrap_or_default();
    if let Err((status, why)) = check_readable(&parts, &body) {
        return (status, format!("{why}\n")).into_response();
    }
    let request = Request::from_parts(parts, Body::from(body));
    let look = preferences(request.headers());
    let context = move || {
        provide_context(ctx.clone());
        provide_context(look);
    };
    let response = handle_server_fns_with_context(context, request).await;
    errors::with_status(response.into_response()).await
}

/// Refuses what no page of ours sends and leptos answers as a failure of the server, or by advice to its programmer.
fn check_readable(request: &Parts, body: &[u8]) -> Result<(), (StatusCode, &'static str)> {
    let functions: Vec<_> = server_fn_paths()
        .filter(|(path, _)| *path == request.uri.path())
        .collect();
    if functions.is_empty() {
        let why = "没有这个接口 · no such endpoint";
        return Err((StatusCode::NOT_FOUND, why));
    }
    if functions
        .iter()
        .all(|(_, method)| *method != request.method)
    {
        let why = "请求方法不对 · wrong method";
        return Err((StatusCode::METHOD_NOT_ALLOWED, why));
    }
    if request.method == Method::GET {
        return Ok(());
    }
    let media_type = request.headers.get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let essence = media_type
        .and_then(|text| text.split(';').next())
        .map(str::trim);
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case(FORM)) {
        let why = "请求体应为表单（application/x-www-form-urlencoded） · \
                   the body must be a form (application/x-www-form-urlencoded)";
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    match std::str::from_utf8(body) {
        Ok(_) => Ok(()),
        Err(_) => {
            let why = "请求体不是 UTF-8 文本 · the body is not text in UTF-8";
            Err((StatusCode::BAD_REQUEST, why))
        }
    }
}

/// Media type of the bodies that server functions take.
const FORM: &str = "application/x-www-form-urlencoded";

/// Forbids the browser to load or run foreign content, and to show the page in a frame.
fn forbid_foreign_content() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) else {
        return;
    };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}
