//! The address of the client that sent a request.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Once;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode};
use ipnet::IpNet;

use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The client's address: the connection's peer, or, where that is a trusted proxy, the right-most address of
/// `X-Forwarded-For` that is not a trusted proxy. Addresses further left are only claimed by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

impl ClientIp {
    /// Reads the client's address from a request.
    ///
    /// # Errors
    /// An internal error where the connection's peer is unknown: an invented address would end up in refunds and in
    /// the log as if it were true.
    pub fn of(request: &Parts, trusted_proxies: &[IpNet]) -> Result<ClientIp> {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        let Some(ConnectInfo(peer)) = peer else {
            return Err(Error::internal("the address of a connection is not known"));
        };
        Ok(ClientIp(behind_proxies(
            peer.ip().to_canonical(),
            &request.headers,
            trusted_proxies,
        )))
    }
}

/// Tells whether a request comes from this machine without a proxy.
pub fn is_local(extensions: &Extensions, headers: &HeaderMap) -> bool {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let handed_on = [FORWARDED_FOR, "forwarded", "x-real-ip"];
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
        && !handed_on.iter().any(|name| headers.contains_key(*name))
}

impl FromRequestParts<Ctx> for ClientIp {
    type Rejection = StatusCode;

    async fn from_request_parts(request: &mut Parts, ctx: &Ctx) -> Result<ClientIp, StatusCode> {
        ClientIp::of(request, &ctx.config.trusted_proxies).map_err(|error| {
            tracing::error!(%error, "a request could not be served");
            StatusCode::INTERNAL_SERVER_ERROR
        })
    }
}

/// Walks from the connection back to the client as long as the proxies on the way are trusted. An entry that is not an
/// address ends the walk at the proxy that wrote it.
fn behind_proxies(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    if !is_trusted(peer) {
        if headers.contains_key(FORWARDED_FOR) {
            warn_once(peer);
        }
        return peer;
    }
    let mut client = peer;
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.to_str().unwrap_or("?").rsplit(','));
    for entry in entries {
        let Some(address) = read(entry.trim()) else {
            break;
        };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// Parses an entry: an address, with or without a port.
fn read(entry: &str) -> Option<IpAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(entry).parse::<IpAddr>();
    let with_port = || entry.parse::<SocketAddr>().map(|address| address.ip());
    let address = address.or_else(|_| with_port()).ok()?;
    Some(address.to_canonical())
}

/// Warns in the log, once, that a proxy may be missing from the settings, so that all its clients count as one.
fn warn_once(peer: IpAddr) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            %peer,
            "X-Forwarded-For was sent by an address that is no trusted proxy (--trusted-proxies), and is not heeded"
        );
    });
}

/// Returns the address under which a client's attempts are counted: its own, or the /64 network of an IPv6 address, as
/// one client has 2^64 of them.
pub fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let network = u128::from(v6) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "::1/128"].map(|network| network.parse().unwrap());
        let (mut request, ()) = Request::new(()).into_parts();
        let peer: IpAddr = peer.parse().unwrap();
        let connected = ConnectInfo(SocketAddr::new(peer, 4_000));
        request.extensions.insert(connected);
        for line in forwarded {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            request.headers.append(FORWARDED_FOR, line);
        }
        let ClientIp(address) = ClientIp::of(&request, &trusted).unwrap();
        address.to_string()
    }

    #[test]
    fn a_header_counts_only_as_far_as_trusted_proxies_wrote_it() {
        for (peer, forwarded, expected) in [
            ("203.0.113.1", &[][..], "203.0.113.1"),
            ("203.0.113.1", &["198.51.100.7"][..], "203.0.113.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.0.0.1", &["198.51.100.7:443"], "198.51.100.7"),
            ("::1", &["[2001:db8::7]:443"], "2001:db8::7"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            (
                "10.0.0.1",
                &["1.1.1.1", "198.51.100.7,10.0.0.2"],
                "198.51.100.7",
            ),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["1.1.1.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["1.1.1.1, "], "10.0.0.1"),
            ("10.0.0.1", &["\u{e9}"], "10.0.0.1"),
        ] {
            assert_eq!(client(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn no_address_is_made_up() {
        let (request, ()) = Request::new(()).into_parts();
        assert!(matches!(
            ClientIp::of(&request, &[]),
            Err(Error::Internal(_))
        ));
    }

    #[test]
    fn one_client_counts_as_one() {
        let counted = |address: &str| counted_as(address.parse().unwrap()).to_string();
        assert_eq!(counted("198.51.100.7"), "198.51.100.7");
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
