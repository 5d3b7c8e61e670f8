//! The description of the gateway: `/openapi.json` for programs, and `/docs` for people.
//!
//! The page's forms sign a request in the browser and send it. Without scripts there are no forms, and the page can be
//! read all the same. Its examples are files that run as they stand. Nothing is loaded from elsewhere.

mod clients;
mod examples;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use tokio::sync::OnceCell;
use utoipa::openapi::OpenApi;

use crate::domain::merchant::SignType;
use crate::domain::secret::Secret;
use crate::server::content::Content;
use crate::server::ctx::Ctx;
use crate::server::gateway::docs::page::Page;
use crate::server::gateway::openapi;

const JSON: &str = "application/json";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Makes the routes of the description and of the page.
pub fn routes(ctx: Ctx) -> Router {
    let api = openapi::describe(&ctx);
    let text = serde_json::to_vec(&api).expect("a description is JSON");
    let css = include_str!("docs.css");
    let js = include_str!("docs.js");
    let page = Arc::new(DocsPage {
        ctx,
        api,
        made: OnceCell::new(),
    });
    Router::new()
        .route("/openapi.json", fixed(JSON, text))
        .route("/docs/docs.css", fixed("text/css; charset=utf-8", css))
        .route("/docs/docs.js", fixed("text/javascript; charset=utf-8", js))
        .route("/docs", get(docs))
        .merge(examples())
        .with_state(page)
}

/// Makes a route of content that is compressed once.
fn fixed(media_type: &'static str, bytes: impl Into<Vec<u8>>) -> MethodRouter<Arc<DocsPage>> {
    let content = Content::compressed(media_type, bytes);
    get(async move |headers: HeaderMap| content.answer(&headers, REVALIDATED))
}

/// Browsers may keep the content, and ask each time whether it is still the same.
const REVALIDATED: HeaderValue = HeaderValue::from_static("no-cache");

/// The page, made at the first request.
struct DocsPage {
    ctx: Ctx,
    api: OpenApi,
    made: OnceCell<Content>,
}

async fn docs(State(page): State<Arc<DocsPage>>, headers: HeaderMap) -> Response {
    let make = async || {
        let DocsPage { ctx, api, .. } = &*page;
        let demo = demo(ctx).await;
        let page = Page {
            api,
            zone: ctx.config.time_zone.iana_name().unwrap_or("Asia/Shanghai"),
            demo: demo.as_ref(),
        };
        Content::compressed("text/html; charset=utf-8", page.html().into_string())
    };
    let content = page.made.get_or_init(make).await;
    let policy = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    (policy, content.answer(&headers, REVALIDATED)).into_response()
}

fn examples() -> Router<Arc<DocsPage>> {
    let files = examples::TASKS.iter().flat_map(|task| task.files);
    files.fold(Router::new(), |routes, file| {
        let path = format!("/docs/examples/{}", file.name);
        routes.route(&path, fixed("text/plain; charset=utf-8", file.text))
    })
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
