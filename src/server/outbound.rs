//! Posting to an address that a merchant has named: within 5 s, to public networks only unless the
//! settings say otherwise, following no redirect, and reading no more of the answer than is kept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;

use crate::domain::limits;

/// The receiver's time to answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Whether an address may be connected to.
pub type Allowed = Arc<dyn Fn(IpAddr) -> bool + Send + Sync>;

/// What came back of a post.
pub struct Answer {
    pub http_status: Option<i64>,
    pub body: Option<String>,
    /// Why it does not count as delivered.
    pub failure: Option<String>,
    pub took_ms: i64,
}

/// What posts to merchants' addresses.
pub trait NoticeTransport: Send + Sync {
    /// Posts a JSON body. Delivered is what is answered by 2xx and SUCCESS.
    fn post<'a>(&'a self, url: &'a str, body: &'a str) -> BoxFuture<'a, Answer>;
}

/// Posts by HTTP.
pub struct HttpTransport {
    http: reqwest::Client,
    allowed: Allowed,
}

impl HttpTransport {
    /// One that connects to allowed addresses only.
    pub fn new(allowed: Allowed) -> HttpTransport {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIME_LIMIT)
            .user_agent("Refundry")
            .dns_resolver(Arc::new(AllowedOnly(allowed.clone())))
            .build()
            .expect("a client with these settings can be built");
        HttpTransport { http, allowed }
    }

    async fn post_in_time(&self, url: &str, body: &str) -> Answer {
        let begun = Instant::now();
        let mut answer = match tokio::time::timeout(TIME_LIMIT, self.try_post(url, body)).await {
            Ok(Ok((status, text))) => Answer {
                failure: failure(status, &text),
                http_status: Some(status.into()),
                body: Some(text),
                took_ms: 0,
            },
            Ok(Err(why)) => Answer::without(why),
            Err(_) => Answer::without("no answer within 5 s".to_owned()),
        };
        answer.took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        answer
    }

    async fn try_post(&self, url: &str, body: &str) -> Result<(u16, String), String> {
        let url =
            Url::parse(url).map_err(|error| format!("the address cannot be read: {error}"))?;
        // A name is resolved by `AllowedOnly`; a number needs no resolving, and would slip past it.
        let host = url.host_str().unwrap_or_default();
        let number: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if let Some(ip) = number.filter(|ip| !(self.allowed)(*ip)) {
            return Err(format!("{ip} is not in a public network"));
        }
        let request = self.http.post(url).header(CONTENT_TYPE, "application/json");
        let mut response = request
            .body(body.to_owned())
            .send()
            .await
            .map_err(error_chain)?;
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while bytes.len() < limits::SAID_BYTES {
            match response.chunk().await.map_err(error_chain)? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => break,
            }
        }
        bytes.truncate(limits::SAID_BYTES);
        let text = String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}");
        Ok((status, limits::cut(&text, limits::SAID_BYTES).to_owned()))
    }
}

impl NoticeTransport for HttpTransport {
    fn post<'a>(&'a self, url: &'a str, body: &'a str) -> BoxFuture<'a, Answer> {
        Box::pin(self.post_in_time(url, body))
    }
}

impl Answer {
    fn without(why: String) -> Answer {
        Answer {
            http_status: None,
            body: None,
            failure: Some(why),
            took_ms: 0,
        }
    }
}

fn failure(status: u16, text: &str) -> Option<String> {
    if !(200..300).contains(&status) {
        return Some(format!("answered with HTTP {status}"));
    }
    let delivered = text.trim().eq_ignore_ascii_case("SUCCESS");
    (!delivered).then(|| "the answer is not SUCCESS".to_owned())
}

/// An error with its causes: the outermost alone says little.
fn error_chain(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer within 5 s".to_owned();
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    limits::cut(&text, limits::SAID_BYTES).to_owned()
}

/// Resolves names to the allowed ones of their addresses. What is checked is what is connected to:
/// a name cannot change its mind in between.
struct AllowedOnly(Allowed);

impl Resolve for AllowedOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let fit: Vec<_> = found.into_iter().filter(|at| allowed(at.ip())).collect();
            if fit.is_empty() {
                return Err(format!("{host} is not in a public network").into());
            }
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public internet. Source: the special-purpose address registries
/// of IANA (RFC 6890 and its updates).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224.., ..)
    );
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // An IPv4 address in another coat: mapped, translated (NAT64), 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0..=0x01ff, ..] => false,
        [0x2001, 0x0db8, ..] => false,
        // Global unicast is 2000::/3; all else is special or not given out.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }
}
