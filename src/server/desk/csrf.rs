//! Guards of the console against requests from other sites.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses a request that another site made an operator's browser send. Browsers already leave the session's cookie
/// out of most of them (SameSite=Lax); this guard does not rely on that.
pub async fn same_site(request: Request, next: Next) -> Response {
    let reads = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if reads || is_ours(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "refused: sent from another site\n").into_response()
    }
}

/// Tells whether one of our pages sent the request. Browsers send `Sec-Fetch-Site`; older ones send an `Origin`, which
/// must be the requested host. A request with neither is refused.
fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => {
            let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
            let host = text(header::HOST);
            origin.is_some_and(|(_, authority)| Some(authority) == host)
        }
    }
}

/// Adds the headers common to all answers of the console.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    };
    default(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::X_FRAME_OPTIONS, "DENY");
    // The redirect after a form needs the referrer; other sites get none.
    default(header::REFERRER_POLICY, "same-origin");
    default(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    default(header::CACHE_CONTROL, "no-store");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(pairs: &[(&'static str, &'static str)]) -> bool {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        is_ours(&HeaderMap::from_iter(pairs))
    }

    #[test]
    fn only_our_own_pages_may_send() {
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
        assert!(ours(&[
            ("origin", "https://desk.example"),
            ("host", "desk.example")
        ]));
        assert!(!ours(&[("sec-fetch-site", "cross-site")]));
        assert!(!ours(&[("sec-fetch-site", "same-site")]));
        assert!(!ours(&[("sec-fetch-site", "none")]));
        // `Sec-Fetch-Site` outweighs all other headers.
        assert!(!ours(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://desk.example"),
            ("host", "desk.example"),
        ]));
        assert!(!ours(&[
            ("origin", "https://evil.example"),
            ("host", "desk.example")
        ]));
        assert!(!ours(&[("origin", "null"), ("host", "desk.example")]));
        assert!(!ours(&[("host", "desk.example")]));
    }
}
