//! The listener: accepts connections up to a number, serves HTTP/1.1 on each, and closes those that take too long or
//! that a stop need not wait for.
//!
//! `axum::serve` (0.8.9) has none of these limits. hyper's own `header_read_timeout` (1.12) runs while a connection is
//! idle, too: as long as proxies keep idle connections is too long for a head.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::io::InspectReader;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::server::client_ip::counted_as;
use crate::server::counters;
use crate::server::shares::Shares;

/// Maximum length of a request's head.
const HEAD_BYTES: usize = 64 * 1024;
/// Time after the begin of a stop within which an answer has to be received by its caller.
const LAST_ANSWER: Duration = Duration::from_secs(1);

/// The limits of a listener's connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Maximum number of open connections, which all addresses share.
    pub connections: usize,
    /// Proxies, whose addresses stand for many clients and may take all connections.
    pub proxies: Vec<IpNet>,
    /// Maximum time from a head's first byte to its last.
    pub head: Duration,
    /// Maximum time from an answer to the next request, or from the connection's begin to the first. The caller has
    /// to receive the answer within it.
    pub idle: Duration,
}

impl ConnectionLimits {
    /// Makes the usual limits of time for a number of connections.
    pub fn of(connections: usize, proxies: &[IpNet]) -> ConnectionLimits {
        ConnectionLimits {
            connections,
            proxies: proxies.to_owned(),
            head: Duration::from_secs(10),
            // Longer than proxies keep an idle connection, commonly 60 s: otherwise one is closed just when a proxy
            // sends a request on it.
            idle: Duration::from_secs(75),
        }
    }
}

/// The state of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No request has begun, or the last one was answered.
    Idle,
    /// A part of a request's head has arrived.
    Head,
    /// A request is being served. The routes limit its time.
    Serving,
}

/// Serves routes until `closing` is cancelled. Connections that are idle then, or have sent a part of a head, are closed
/// at once; requests being served are answered first. Dropping the future closes all connections.
pub async fn serve(
    mut listener: TcpListener,
    routes: Router,
    limits: ConnectionLimits,
    closing: CancellationToken,
) {
    let places: Arc<Shares<IpAddr>> = Shares::new(limits.connections);
    let limits = Arc::new(limits);
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            Some(_) = connections.join_next() => continue,
            () = closing.cancelled() => break,
        };
        let address = peer.ip().to_canonical();
        let is_proxy = limits.proxies.iter().any(|net| net.contains(&address));
        let place = match is_proxy {
            true => places.take_without_limit(),
            false => places.take(counted_as(address)),
        };
        let Some(place) = place else {
            counters::request_limited("connection");
            continue;
        };
        // Each answer is written whole, so that delaying packets gains nothing.
        let _ = stream.set_nodelay(true);
        let (routes, limits, closing) = (routes.clone(), limits.clone(), closing.clone());
        connections.spawn(async move {
            connection(stream, peer, routes, &limits, closing).await;
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Serves one connection to its end.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    limits: &ConnectionLimits,
    closing: CancellationToken,
) {
    let (phase, mut seen) = watch::channel(Phase::Idle);
    let phase = Arc::new(phase);
    let arrives = phase.clone();
    let stream = InspectReader::new(stream, move |bytes: &[u8]| {
        arrives.send_if_modified(|phase| {
            let begins = *phase == Phase::Idle && !bytes.is_empty();
            if begins {
                *phase = Phase::Head;
            }
            begins
        });
    });
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        phase.send_replace(Phase::Serving);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let (answer, phase) = (routes.clone().oneshot(request), phase.clone());
        async move {
            let answer = answer.await;
            phase.send_replace(Phase::Idle);
            answer
        }
    });
    let mut http = http1::Builder::new();
    http.max_header_size(HEAD_BYTES);
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), service));
    let mut is_closing = false;
    loop {
        let limit = match *seen.borrow_and_update() {
            Phase::Idle if is_closing => Some(LAST_ANSWER),
            Phase::Head if is_closing => return,
            Phase::Idle => Some(limits.idle),
            Phase::Head => Some(limits.head),
            Phase::Serving => None,
        };
        tokio::select! {
            _ = serving.as_mut() => return,
            Ok(()) = seen.changed() => {}
            () = after(limit) => return,
            () = closing.cancelled(), if !is_closing => {
                is_closing = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Waits for a time, or for ever.
async fn after(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpSocket;
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, timeout};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const HEAD: &str = "GET /now HTTP/1.1\r\nHost: here\r\n\r\n";

    struct Served {
        address: SocketAddr,
        closing: CancellationToken,
        serving: JoinHandle<()>,
        /// Releases the requests of `/waits`.
        release: Arc<Notify>,
        /// Notified when a request of `/waits` has begun.
        begun: Arc<Notify>,
    }

    async fn start(limits: ConnectionLimits) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (closing, release, begun) = <(CancellationToken, Arc<Notify>, Arc<Notify>)>::default();
        let (waits, begins) = (release.clone(), begun.clone());
        let routes = Router::new()
            .route("/now", get(async || "now"))
            .route("/much", get(async || "x".repeat(64 * 1024 * 1024)))
            .route(
                "/waits",
                get(async move || {
                    begins.notify_one();
                    waits.notified().await;
                    "waited"
                }),
            );
        let serving = tokio::spawn(serve(listener, routes, limits, closing.clone()));
        Served {
            address,
            closing,
            serving,
            release,
            begun,
        }
    }

    fn limits(head: Duration, idle: Duration) -> ConnectionLimits {
        ConnectionLimits {
            connections: 100,
            proxies: Vec::new(),
            head,
            idle,
        }
    }

    impl Served {
        async fn connect(&self, sent: &str) -> TcpStream {
            self.connect_from("127.0.0.1", sent).await
        }

        async fn connect_from(&self, from: &str, sent: &str) -> TcpStream {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
            let mut connection = socket.connect(self.address).await.unwrap();
            connection.write_all(sent.as_bytes()).await.unwrap();
            connection
        }

        /// Returns the time that a stop takes.
        async fn stopped(self) -> Duration {
            let begun = Instant::now();
            self.closing.cancel();
            timeout(LONG, self.serving).await.unwrap().unwrap();
            begun.elapsed()
        }
    }

    /// Reads until the server closes the connection.
    async fn rest(mut connection: TcpStream) -> String {
        let mut read = Vec::new();
        let end = timeout(LONG, connection.read_to_end(&mut read)).await;
        let _ = end.expect("the connection is closed");
        String::from_utf8(read).unwrap()
    }

    /// Reads an answer, and leaves the connection open.
    async fn answer(connection: &mut TcpStream) -> String {
        let mut read = vec![0; 1_000];
        let length = timeout(LONG, connection.read(&mut read)).await.unwrap();
        read.truncate(length.unwrap());
        String::from_utf8(read).unwrap()
    }

    #[tokio::test]
    async fn a_part_of_a_head_is_waited_for_briefly_and_an_idle_connection_for_longer() {
        let served = start(limits(Duration::from_millis(100), LONG)).await;
        let mut idle = served.connect("").await;
        let mut reused = served.connect(HEAD).await;
        assert!(answer(&mut reused).await.ends_with("now"));
        assert_eq!(rest(served.connect(&HEAD[..20]).await).await, "");
        // Also in a connection that was used before.
        reused.write_all(&HEAD.as_bytes()[..20]).await.unwrap();
        assert_eq!(rest(reused).await, "");
        idle.write_all(HEAD.as_bytes()).await.unwrap();
        assert!(answer(&mut idle).await.ends_with("now"));
    }

    #[tokio::test]
    async fn an_idle_connection_and_one_whose_caller_does_not_read_are_closed_and_a_request_is_not()
    {
        let served = start(limits(LONG, Duration::from_millis(100))).await;
        let waiting = served
            .connect("GET /waits HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            .await;
        served.begun.notified().await;
        assert_eq!(rest(served.connect("").await).await, "");
        let reused = rest(served.connect(HEAD).await).await;
        assert!(reused.ends_with("now"), "{reused}");
        let unread = served.connect(&HEAD.replace("now", "much")).await;
        assert_eq!(rest(served.connect("").await).await, "");
        assert!(rest(unread).await.len() < 64 * 1024 * 1024);
        served.release.notify_one();
        assert!(rest(waiting).await.ends_with("waited"));
    }

    #[tokio::test]
    async fn one_address_takes_half_of_the_connections_and_a_proxy_all() {
        let own = ConnectionLimits {
            connections: 8,
            proxies: vec!["127.0.0.3/32".parse().unwrap()],
            ..limits(LONG, LONG)
        };
        let served = start(own).await;
        let mut held = Vec::new();
        for _ in 0..4 {
            let mut connection = served.connect(HEAD).await;
            assert!(answer(&mut connection).await.ends_with("now"));
            held.push(connection);
        }
        assert_eq!(rest(served.connect("").await).await, "");
        let mut other = served.connect_from("127.0.0.2", HEAD).await;
        assert!(answer(&mut other).await.ends_with("now"));
        for _ in 0..3 {
            let mut connection = served.connect_from("127.0.0.3", HEAD).await;
            assert!(answer(&mut connection).await.ends_with("now"));
            held.push(connection);
        }
        assert_eq!(rest(served.connect_from("127.0.0.2", "").await).await, "");
    }

    #[tokio::test]
    async fn a_head_that_is_too_long_is_refused() {
        let served = start(limits(LONG, LONG)).await;
        let long = format!("GET /now HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD_BYTES));
        let refused = rest(served.connect(&long).await).await;
        assert!(refused.starts_with("HTTP/1.1 431 "), "{refused}");
    }

    #[tokio::test]
    async fn a_stop_waits_for_a_request_alone() {
        let served = start(limits(LONG, LONG)).await;
        let mut idle = served.connect(HEAD).await;
        answer(&mut idle).await;
        let unread = served.connect(&HEAD.replace("now", "much")).await;
        let half = served.connect(&HEAD[..20]).await;
        let waiting = served.connect(&HEAD.replace("now", "waits")).await;
        served.begun.notified().await;
        served.closing.cancel();
        // The head is cut off, and the connection without a request is closed.
        assert_eq!(rest(half).await, "");
        assert_eq!(rest(idle).await, "");
        assert!(!served.serving.is_finished());
        served.release.notify_one();
        assert!(rest(waiting).await.ends_with("waited"));
        let took = served.stopped().await;
        assert!(took < Duration::from_secs(5), "{took:?}");
        drop(unread);
    }
}
