//! The console's routes: its pages, each rendered completely before it is sent, and the server functions that pages
//! call.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_axum::{
    ResponseOptions, generate_route_list_with_exclusions_and_ssg_and_context,
    handle_server_fns_with_context, render_app_async_with_context,
};

use crate::console::Console;
use crate::console::preferences::Preferences;
use crate::console::shell::shell;
use crate::server::ctx::Ctx;
use crate::server::desk::caller::preferences;
use crate::server::desk::{errors, headers};
use crate::server::people::sessions;
use crate::server::run::assets;
use crate::server::same_site::same_site;

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
    let look = preferences(request.headers());
    let context = move || {
        provide_context(ctx.clone());
        provide_context(look);
    };
    let response = handle_server_fns_with_context(context, request).await;
    errors::with_status(response.into_response()).await
}

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
