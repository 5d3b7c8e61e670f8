//! Files that a browser loads besides the pages. The program carries them inside, so that nothing else is installed.
//!
//! `tools/bundle` writes the files to `target/site/`: the console's own to `pkg/`, those of `public/` beside it, and a
//! compressed copy (`.br`) of each. A release build embeds the folder, a debug build reads it. Without the folder the
//! console works, but has no style and no scripts.
//!
//! The console's own files are served below an address that holds a hash of them all, and browsers may keep them for
//! ever. A page that an older release rendered asks with another hash and gets 404: it works without scripts, instead
//! of running scripts that do not belong to it.
//!
//! `memory-serve` 2.4 and `static-serve` 0.6 do not replace this module. Scripts import each other by relative names, so
//! one hash stands for all files, which neither library has. Both give a compressed copy the strong tag of the plain
//! file, and fail to build without the folder. `axum-embed` 0.1 is for axum 0.7.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::LazyLock;

use crate::console::shell::AssetUrls;
use crate::server::content::{Content, Form};

#[derive(RustEmbed)]
#[folder = "target/site/"]
#[allow_missing = true]
struct Site;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const AN_HOUR: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// Hash of all the console's own files.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut all = Sha256::new();
    for path in Site::iter().filter(|path| path.starts_with("pkg/") && !path.ends_with(".br")) {
        if let Some(file) = Site::get(&path) {
            all.update(path.as_bytes());
            all.update(file.metadata.sha256_hash());
        }
    }
    hex::encode(&all.finalize()[..8])
});

/// Returns the addresses of this build's style sheet, scripts and WebAssembly.
pub fn urls() -> AssetUrls {
    let url = |file| format!("/assets/{}/{file}", *VERSION);
    AssetUrls {
        css: url("refundry.css"),
        js: url("refundry.js"),
        parts: url("__wasm_split.______________________.js"),
        wasm: url("refundry.wasm"),
        details: url("split_details.wasm"),
    }
}

/// Serves the console's own files below `/assets/`, and each file of `public/` at its own path.
pub fn routes() -> Router {
    let own = Router::new().route("/assets/{version}/{*path}", get(versioned));
    Site::iter()
        .filter(|path| !path.starts_with("pkg/") && !path.ends_with(".br"))
        .fold(own, |router, path| {
            router.route(&format!("/{path}"), get(public))
        })
}

async fn versioned(Path((version, path)): Path<(String, String)>, headers: HeaderMap) -> Response {
    match version == *VERSION {
        true => serve(&format!("pkg/{path}"), &headers, FOR_EVER),
        false => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn public(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    serve(path, request.headers(), AN_HOUR)
}

fn serve(path: &str, request: &HeaderMap, lifetime: HeaderValue) -> Response {
    let Some(file) = Site::get(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let compressed = Site::get(&format!("{path}.br"));
    let content = Content {
        media_type: media_type(&file),
        plain: form(file),
        brotli: compressed.map(form),
    };
    content.answer(request, lifetime)
}

/// Returns a form of a file's content. Embedded bytes are not copied.
fn form(file: EmbeddedFile) -> Form {
    let bytes = match file.data {
        Cow::Borrowed(embedded) => Bytes::from_static(embedded),
        Cow::Owned(read) => read.into(),
    };
    Form::new(bytes, &file.metadata.sha256_hash())
}

fn media_type(file: &EmbeddedFile) -> HeaderValue {
    let name = file.metadata.mimetype();
    let charset = match name.starts_with("text/") {
        true => "; charset=utf-8",
        false => "",
    };
    HeaderValue::try_from(format!("{name}{charset}"))
        .unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
    use tower::ServiceExt;

    use super::*;

    async fn get(path: &str, headers: &[(&str, &str)]) -> Response {
        let request = headers
            .iter()
            .fold(Request::get(path), |request, (name, value)| {
                request.header(*name, *value)
            })
            .body(Body::empty())
            .unwrap();
        routes().oneshot(request).await.unwrap()
    }

    fn header(response: &Response, name: axum::http::HeaderName) -> &str {
        response
            .headers()
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns every file that a caller may ask for, with its address. There are none where nothing was bundled before
    /// the build; `make test` does it.
    fn embedded() -> Vec<(String, String)> {
        Site::iter()
            .filter(|path| !path.ends_with(".br"))
            .map(|path| match path.strip_prefix("pkg/") {
                Some(own) => (path.to_string(), format!("/assets/{}/{own}", *VERSION)),
                None => (path.to_string(), format!("/{path}")),
            })
            .collect()
    }

    #[tokio::test]
    async fn each_file_is_served_as_it_was_bundled() {
        for (path, url) in embedded() {
            let plain = get(&url, &[]).await;
            assert_eq!(plain.status(), StatusCode::OK, "{url}");
            assert_eq!(header(&plain, CONTENT_ENCODING), "");
            assert_ne!(
                header(&plain, CONTENT_TYPE),
                "application/octet-stream",
                "{url}"
            );
            let lifetime = if path.starts_with("pkg/") {
                FOR_EVER
            } else {
                AN_HOUR
            };
            assert_eq!(plain.headers()[CACHE_CONTROL], lifetime, "{url}");
            let body = axum::body::to_bytes(plain.into_body(), usize::MAX)
                .await
                .unwrap();
            assert_eq!(body, Site::get(&path).unwrap().data.as_ref(), "{url}");
        }
    }

    #[tokio::test]
    async fn the_compressed_copy_goes_to_who_accepts_it() {
        for (path, url) in embedded() {
            let Some(compressed) = Site::get(&format!("{path}.br")) else {
                continue;
            };
            let response = get(&url, &[("accept-encoding", "gzip, br")]).await;
            assert_eq!(header(&response, CONTENT_ENCODING), "br", "{url}");
            assert_eq!(header(&response, VARY), "accept-encoding", "{url}");
            let plain = get(&url, &[]).await;
            assert_eq!(
                header(&response, CONTENT_TYPE),
                header(&plain, CONTENT_TYPE),
                "{url}"
            );
            assert_ne!(header(&response, ETAG), header(&plain, ETAG), "{url}");
            let body = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .unwrap();
            assert_eq!(body, compressed.data.as_ref(), "{url}");
        }
    }

    #[tokio::test]
    async fn what_the_caller_has_is_not_sent_again() {
        for (_, url) in embedded() {
            let first = get(&url, &[]).await;
            let again = get(&url, &[("if-none-match", header(&first, ETAG))]).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{url}");
            assert_eq!(header(&again, ETAG), header(&first, ETAG), "{url}");
            assert_eq!(
                header(&again, CACHE_CONTROL),
                header(&first, CACHE_CONTROL),
                "{url}"
            );
            let other = get(&url, &[("if-none-match", "\"another\"")]).await;
            assert_eq!(other.status(), StatusCode::OK, "{url}");
        }
    }

    #[tokio::test]
    async fn another_version_an_unknown_file_and_a_way_out_are_not_found() {
        let urls = urls();
        let unknown = [
            urls.js.replace(&*VERSION, "0123456789abcdef"),
            urls.js.replace(".js", ".txt"),
            urls.js
                .replace("refundry.js", "%2e%2e/%2e%2e/%2e%2e/Cargo.toml"),
            "/assets/refundry.js".into(),
            "/pkg/refundry.js".into(),
            "/favicon.svg.br".into(),
        ];
        for url in unknown {
            assert_eq!(
                get(&url, &[]).await.status(),
                StatusCode::NOT_FOUND,
                "{url}"
            );
        }
    }

    #[test]
    fn the_urls_hold_the_version() {
        assert_eq!(VERSION.len(), 16);
        let urls = urls();
        assert!(
            [urls.css, urls.js, urls.wasm]
                .iter()
                .all(|url| url.contains(VERSION.as_str()))
        );
    }
}
