//! The description of the gateway: `/openapi.json` for programs, and `/docs` for people.
//!
//! The page's forms sign a request in the browser and send it. Without scripts there are no forms, and the page can be
//! read all the same. Its examples are files that run as they stand. Nothing is loaded from elsewhere.

mod clients;
mod examples;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;

use crate::domain::merchant::SignType;
use crate::domain::secret::Secret;
use crate::server::ctx::Ctx;
use crate::server::gateway::docs::page::Page;
use crate::server::gateway::openapi;

const JSON: &str = "application/json";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Makes the routes of the description and of the page.
pub fn routes(ctx: Ctx) -> Router {
    let api = Arc::new(openapi::describe(&ctx));
    let text = serde_json::to_vec(&*api).expect("a description is JSON");
    let described = ([(header::CONTENT_TYPE, JSON)], Bytes::from(text));
    let style = (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("docs.css"),
    );
    let script = (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        include_str!("docs.js"),
    );
    Router::new()
        .route("/openapi.json", get(move || async move { described }))
        .route("/docs", get(page))
        .route("/docs/docs.css", get(move || async move { style }))
        .route("/docs/docs.js", get(move || async move { script }))
        .route("/docs/examples/{name}", get(example))
        .with_state((ctx, api))
}

async fn page(State((ctx, api)): State<(Ctx, Arc<OpenApi>)>) -> Response {
    let demo = demo(&ctx).await;
    let page = Page {
        api: &api,
        zone: ctx.config.time_zone.iana_name().unwrap_or("Asia/Shanghai"),
        demo: demo.as_ref(),
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, page.html()).into_response()
}

async fn example(Path(name): Path<String>) -> Response {
    let mut files = examples::TASKS.iter().flat_map(|task| task.files);
    match files.find(|file| file.name == name) {
        Some(file) => {
            let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (text, file.text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The app that the forms of a demonstration are filled with. Its secret is published.
struct Demo {
    app_id: String,
    secret: Secret,
}

/// Returns the app to fill the forms with. Outside a demonstration there is none, because no other secret may stand on
/// a page.
async fn demo(ctx: &Ctx) -> Option<Demo> {
    if !ctx.config.demo {
        return None;
    }
    let merchant = ctx.merchants.enabled(None).await.ok()?;
    (merchant.sign_type == SignType::HmacSha256).then(|| Demo {
        app_id: merchant.app_id.clone(),
        secret: merchant.secret.clone(),
    })
}
