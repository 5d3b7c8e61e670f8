//! Posts to addresses that merchants have named: within 5 s, without following redirects, to public networks only
//! unless the settings allow more, and reading no more of the answer than is stored.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use url::Url;

use crate::domain::limits;
use crate::domain::secret::without_password;
use crate::domain::text::sanitized;

/// Maximum time for the receiver to answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// The networks to which connections are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Networks {
    Public,
    PublicAndLoopback,
    All,
}

impl Networks {
    fn hold(self, ip: IpAddr) -> bool {
        match self {
            Networks::Public => is_public(ip),
            Networks::PublicAndLoopback => is_public(ip) || ip.to_canonical().is_loopback(),
            Networks::All => true,
        }
    }
}

/// Returns an address fit to be stored and shown: without user name and password.
pub fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(parsed) if parsed.username().is_empty() && parsed.password().is_none() => url.to_owned(),
        Ok(mut parsed) => {
            let hidden = parsed.set_password(None).and(parsed.set_username("***"));
            hidden.map_or_else(|()| without_password(url), |()| parsed.into())
        }
        Err(_) => without_password(url),
    }
}

/// The answer to a post.
pub struct Answer {
    pub http_status: Option<i64>,
    pub body: Option<String>,
    /// The reason why the post does not count as delivered; `None` where it does.
    pub failure: Option<String>,
    pub took_ms: i64,
}

/// The client for posts to merchants' addresses.
pub struct Outbound {
    transport: Box<dyn NoticeTransport>,
    networks: Networks,
}

impl Outbound {
    /// Makes a client that posts by HTTP.
    pub fn new(networks: Networks) -> Outbound {
        Outbound {
            networks,
            ..Outbound::by(Box::new(HttpTransport::new(networks)))
        }
    }

    /// Makes a client with another transport.
    pub fn by(transport: Box<dyn NoticeTransport>) -> Outbound {
        Outbound {
            transport,
            networks: Networks::All,
        }
    }

    /// Tells whether posts to an address may succeed: false where it names a number in a network that is not allowed. A
    /// name is looked up at each post only.
    pub fn may_reach(&self, url: &str) -> bool {
        let url = Url::parse(url).ok();
        let ip = url.as_ref().and_then(ip_of);
        ip.is_none_or(|ip| self.networks.hold(ip))
    }

    /// Posts a JSON body.
    pub async fn post(&self, url: &str, body: &str) -> Answer {
        self.transport.post(url, body).await
    }
}

/// A transport of posts to merchants' addresses.
pub trait NoticeTransport: Send + Sync {
    /// Posts a JSON body. A 2xx answer with SUCCESS means delivered.
    fn post<'a>(&'a self, url: &'a str, body: &'a str) -> BoxFuture<'a, Answer>;
}

/// The transport over HTTP.
struct HttpTransport {
    http: reqwest::Client,
    networks: Networks,
}

impl HttpTransport {
    fn new(networks: Networks) -> HttpTransport {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIME_LIMIT)
            .user_agent("Refundry")
            .dns_resolver(Arc::new(ResolveWithin(networks)))
            .build()
            .expect("a client with these settings can be built");
        HttpTransport { http, networks }
    }

    async fn post_within_limit(&self, url: &str, body: &str) -> Answer {
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
        // `ResolveWithin` checks only names, so an IP address in the URL is checked here.
        if let Some(ip) = ip_of(&url).filter(|ip| !self.networks.hold(*ip)) {
            return Err(format!("{ip} is not in a public network"));
        }
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8");
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
        let text = sanitized(&String::from_utf8_lossy(&bytes), limits::SAID_BYTES);
        Ok((status, text))
    }
}

/// Returns the IP address that stands in an address in place of a name.
fn ip_of(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_matches(['[', ']']).parse().ok()
}

impl NoticeTransport for HttpTransport {
    fn post<'a>(&'a self, url: &'a str, body: &'a str) -> BoxFuture<'a, Answer> {
        Box::pin(self.post_within_limit(url, body))
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
    let beside = |c: char| c.is_whitespace() || c == '\u{feff}';
    let delivered = text.trim_matches(beside).eq_ignore_ascii_case("SUCCESS");
    (!delivered).then(|| "the answer is not SUCCESS".to_owned())
}

/// Formats an error with its causes, as the outermost says little.
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
    sanitized(&text, limits::SAID_BYTES)
}

/// Resolves names to those of their addresses that lie in the allowed networks. The connection uses the address that
/// was checked, so that a second resolution cannot replace it.
struct ResolveWithin(Networks);

impl Resolve for ResolveWithin {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = self.0;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let fit: Vec<_> = found
                .into_iter()
                .filter(|at| networks.hold(at.ip()))
                .collect();
            if fit.is_empty() {
                return Err(format!("{host} is not in a public network").into());
            }
            Ok(Box::new(fit.into_iter()) as Addrs)
        })
    }
}

/// The IPv4 networks that are not part of the public internet: IANA's special-purpose address registry (RFC 6890 and
/// its updates), multicast, and the reserved range.
static SPECIAL_V4: LazyLock<Vec<Ipv4Net>> = LazyLock::new(|| {
    networks(&[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    ])
});

/// Global unicast. All other IPv6 addresses are special or unassigned.
static GLOBAL_V6: LazyLock<Vec<Ipv6Net>> = LazyLock::new(|| networks(&["2000::/3"]));

/// The networks within global unicast that are not part of the public internet, by the same registry.
static SPECIAL_V6: LazyLock<Vec<Ipv6Net>> =
    LazyLock::new(|| networks(&["2001::/23", "2001:db8::/32"]));

fn networks<N: std::str::FromStr<Err: std::fmt::Debug>>(list: &[&str]) -> Vec<N> {
    let network = |text: &&str| text.parse().expect("a network of our own list");
    list.iter().map(network).collect()
}

/// Tells whether an address belongs to the public internet.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|network| network.contains(&ip))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        // IPv4 addresses within IPv6: mapped, translated (NAT64), 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        _ => {
            let within = |list: &[Ipv6Net]| list.iter().any(|network| network.contains(&ip));
            within(&GLOBAL_V6) && !within(&SPECIAL_V6)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_name_and_password() {
        for (url, is_shown) in [
            ("https://u:horse@h.cn/told?a=1", "https://***@h.cn/told?a=1"),
            ("https://token@h.cn:8443/", "https://***@h.cn:8443/"),
            ("https://h.cn/told@there:1", "https://h.cn/told@there:1"),
            ("no address u:horse@h", "no address u:***@h"),
        ] {
            assert_eq!(shown(url), is_shown);
        }
    }

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
            "2001:200::1",
            "223.255.255.255",
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
            "2001:1ff::1",
            "4000::1",
            "192.0.0.8",
            "fc00::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }
}
