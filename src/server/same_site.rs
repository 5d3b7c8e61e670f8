//! Guards against requests that another site's page makes a browser send.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what is not sent by one of our pages, for routes that an operator's cookie opens. Browsers already leave the
/// cookie out of most requests of other sites (SameSite=Lax); this guard does not rely on that.
pub async fn same_site(request: Request, next: Next) -> Response {
    match reads(request.method()) || is_ours(request.headers()) {
        true => next.run(request).await,
        false => refused(),
    }
}

/// Refuses what another site's page sends, for routes that programs call: these send neither of the two headers.
pub async fn not_cross_site(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let from_a_browser =
        headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(header::ORIGIN);
    match from_a_browser && !reads(request.method()) && !is_ours(headers) {
        true => refused(),
        false => next.run(request).await,
    }
}

/// Refuses a request whose `Host` is not this machine, as for a page whose name was made to lead here.
pub async fn loopback_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    if host.is_some_and(is_loopback) {
        return next.run(request).await;
    }
    let why = "演示环境仅可通过 localhost、127.0.0.1 或 [::1] 访问 · \
               a demonstration is reached as localhost, 127.0.0.1 or [::1] alone\n";
    (StatusCode::MISDIRECTED_REQUEST, why).into_response()
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
    let pairs = || form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let is_outcome = |name: &str| OUTCOME.contains(&name);
    if !pairs().any(|(name, _)| is_outcome(&name)) {
        return None;
    }
    let others = pairs().filter(|(name, _)| !is_outcome(name));
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .finish();
    let path = uri.path();
    Some(match query.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{query}"),
    })
}

/// Tells whether a browser opened the page from one of ours, by a form or a link.
fn is_from_our_page(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(SEC_FETCH_SITE) {
        Some(site) => site == "same-origin",
        None => {
            let referrer = text(header::REFERER).and_then(|referrer| referrer.split_once("://"));
            let host = referrer.map(|(_, rest)| rest.split('/').next().unwrap_or_default());
            host.is_some() && host == text(header::HOST)
        }
    }
}

fn refused() -> Response {
    let why = "请求来自其他站点，已拒绝 · refused: sent from another site\n";
    (StatusCode::FORBIDDEN, why).into_response()
}

fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Tells whether one of our pages sent the request. Browsers send `Sec-Fetch-Site`; older ones send an `Origin`, which
/// must be the requested host. A request with neither is none of ours.
fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match text(SEC_FETCH_SITE) {
        Some(site) => site == "same-origin",
        None => {
            let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
            let host = text(header::HOST);
            origin.is_some_and(|(_, authority)| Some(authority) == host)
        }
    }
}

/// Tells whether a host, with or without a port, is this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let address = bare.unwrap_or(name).parse::<std::net::IpAddr>();
    let is_ours = name.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.is_loopback());
    is_ours && !host.contains('@')
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

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

    #[test]
    fn this_machine_has_few_names() {
        for host in [
            "localhost",
            "LOCALHOST:3000",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]:3000",
            "[::1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "localhost.evil.example",
            "evil.example",
            "a@localhost",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]",
            "0.0.0.0",
            "local host",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
