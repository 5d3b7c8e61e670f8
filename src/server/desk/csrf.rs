//! Guards of the console against requests from other sites.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::console::paths::{escape, parse_pairs};

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

/// Parameters in which the outcome of a form comes back to its page, where no script runs.
const OUTCOME: [&str; 2] = ["__path", "__err"];

/// Leads a page that was opened from elsewhere, by a link in a message for example, to the same address without the
/// outcome of a form. The outcome holds a sentence, which anybody could write into a link for an operator to believe.
pub async fn no_foreign_outcome(request: Request, next: Next) -> Response {
    match without_outcome(request.uri()) {
        Some(address) if !is_from_our_page(request.headers()) => {
            Redirect::to(&address).into_response()
        }
        _ => next.run(request).await,
    }
}

/// Returns an address without the parameters of an outcome. `None` where it has none.
pub fn without_outcome(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    let is_outcome = |name: &str| OUTCOME.contains(&name);
    if !parse_pairs(query).any(|(name, _)| is_outcome(&name)) {
        return None;
    }
    let others = parse_pairs(query).filter(|(name, _)| !is_outcome(name));
    let others: Vec<_> = others
        .map(|(name, value)| format!("{}={}", escape(&name), escape(&value)))
        .collect();
    let path = uri.path();
    Some(match others.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", others.join("&")),
    })
}

/// Tells whether a browser opened the page from one of ours, by a form or a link.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some(site) => site == "same-origin",
        None => {
            let referrer = text(header::REFERER).and_then(|referrer| referrer.split_once("://"));
            let host = referrer.map(|(_, rest)| rest.split('/').next().unwrap_or_default());
            host.is_some() && host == text(header::HOST)
        }
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
    fn an_outcome_is_taken_off_an_address_and_the_rest_stays() {
        let without = |address: &'static str| without_outcome(&Uri::from_static(address));
        assert_eq!(without("/apps/A/orders?q=1"), None);
        assert_eq!(without("/apps/A/orders"), None);
        assert_eq!(
            without("/a?__path=%2Fapi%2Fx&__err=e30").as_deref(),
            Some("/a")
        );
        assert_eq!(
            without("/a?q=1%262&__err=e30&since=3").as_deref(),
            Some("/a?q=1%262&since=3")
        );
        assert_eq!(without("/a?%5F_err=e30").as_deref(), Some("/a"));
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
