//! The bodies of requests: read whole before a request takes a place among those under way, so that a caller who sends
//! slowly keeps no place from others.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::domain::error::Refusal;
use crate::server::client_ip::counted_as;
use crate::server::counters;
use crate::server::shares::Shares;

/// Time within which nearly every body has arrived whole. Only a longer wait takes a place among the slow ones.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Maximum time for a body to arrive whole.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// Number of slow bodies that are waited for, which all addresses share. It bounds the memory that they take.
const SLOW: usize = 256;
/// Number of bytes of a body that are read and discarded where it is too long, so that its sender can finish and read
/// the refusal.
const DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// A reader of bodies.
#[derive(Clone)]
pub struct Bodies {
    slow: Arc<Shares<IpAddr>>,
    at_once: Duration,
    time_limit: Duration,
    /// Cancelled when bodies that are not whole are not waited for any more.
    closing: CancellationToken,
}

impl Bodies {
    /// Makes a reader that refuses unfinished bodies once `closing` is cancelled.
    pub fn new(closing: CancellationToken) -> Bodies {
        Bodies {
            slow: Shares::new(SLOW),
            at_once: AT_ONCE,
            time_limit: TIME_LIMIT,
            closing,
        }
    }

    /// Reads a body of at most `max_bytes` from an address. `is_announced`: its sender waits for permission to send it.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`]; [`Refusal::BodyTooSlow`]; [`Refusal::Overloaded`] where too many bodies of the address
    /// are slow, or the server stops; [`Refusal::Unreadable`] where the body ends early.
    pub async fn read(
        &self,
        body: Body,
        max_bytes: usize,
        is_announced: bool,
        from: IpAddr,
    ) -> Result<Bytes, Refusal> {
        let is_too_large = body.size_hint().lower() > max_bytes as u64;
        if is_too_large && is_announced {
            return Err(Refusal::TooLarge);
        }
        let read = self.in_time(collect(body, max_bytes), from).await;
        match is_too_large {
            true => Err(Refusal::TooLarge),
            false => read,
        }
    }

    async fn in_time(
        &self,
        reading: impl Future<Output = Result<Bytes, Refusal>>,
        from: IpAddr,
    ) -> Result<Bytes, Refusal> {
        let mut reading = pin!(reading);
        if let Ok(read) = timeout(self.at_once, &mut reading).await {
            return read;
        }
        let Some(_place) = self.slow.take(counted_as(from)) else {
            counters::request_limited("body");
            return Err(Refusal::Overloaded);
        };
        let left = self.time_limit.saturating_sub(self.at_once);
        tokio::select! {
            read = timeout(left, reading) => read.unwrap_or(Err(Refusal::BodyTooSlow)),
            () = self.closing.cancelled() => Err(Refusal::Overloaded),
        }
    }
}

/// Collects a body.
async fn collect(mut body: Body, max_bytes: usize) -> Result<Bytes, Refusal> {
    let (mut read, mut length) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Unreadable {
            why: "the body ended early".to_owned(),
        })?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len();
        match length {
            fits if fits <= max_bytes => read.extend_from_slice(data),
            over if over <= DISCARDED_BYTES => read = Vec::new(),
            _ => break,
        }
    }
    match length <= max_bytes {
        true => Ok(read.into()),
        false => Err(Refusal::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use futures::StreamExt;
    use futures::channel::mpsc;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// Makes a reader with two places, for whom a body is slow at once.
    fn bodies(time_limit: Duration) -> Bodies {
        Bodies {
            slow: Shares::new(2),
            at_once: Duration::ZERO,
            time_limit,
            closing: CancellationToken::new(),
        }
    }

    /// Makes a body whose parts a test sends.
    fn body() -> (mpsc::UnboundedSender<Vec<u8>>, Body) {
        let (sender, parts) = mpsc::unbounded();
        (sender, Body::from_stream(parts.map(Ok::<_, Infallible>)))
    }

    #[tokio::test]
    async fn a_body_in_parts_is_whole_and_one_that_does_not_come_is_given_up() {
        let (parts, slow) = body();
        let sent = bodies(TIME_LIMIT);
        let (read, ()) = tokio::join!(sent.read(slow, 4, false, HERE), async {
            for part in ["a", "bc", "d"] {
                parts.unbounded_send(part.into()).unwrap();
                tokio::task::yield_now().await;
            }
            drop(parts);
        });
        assert_eq!(read.unwrap(), "abcd");
        let (_parts, never) = body();
        let given_up = bodies(Duration::from_millis(20));
        let read = given_up.read(never, 4, false, HERE).await;
        assert_eq!(read, Err(Refusal::BodyTooSlow));
    }

    #[tokio::test]
    async fn half_of_the_places_are_for_one_address_and_a_stop_waits_for_no_body() {
        let bodies = bodies(TIME_LIMIT);
        let (_parts, one) = body();
        let (_parts_of_two, two) = body();
        let mut held = pin!(bodies.read(one, 4, false, HERE));
        while bodies.slow.take(HERE).is_some() {
            assert!(futures::poll!(&mut held).is_pending());
            tokio::task::yield_now().await;
        }
        let overloaded = Err(Refusal::Overloaded);
        assert_eq!(bodies.read(two, 4, false, HERE).await, overloaded);
        bodies.closing.cancel();
        assert_eq!(held.await, overloaded);
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_is_read_to_its_end_unless_its_sender_asks_first() {
        let bodies = bodies(TIME_LIMIT);
        let read = async |body, is_announced| bodies.read(body, 4, is_announced, HERE).await;
        assert_eq!(read(Body::from("1234"), false).await.unwrap(), "1234");
        assert_eq!(read(Body::empty(), false).await.unwrap(), "");
        let too_large = Err(Refusal::TooLarge);
        assert_eq!(read(Body::from("12345"), false).await, too_large);
        assert_eq!(read(Body::from("12345"), true).await, too_large);
        let (parts, long) = body();
        for _ in 0..9 {
            parts.unbounded_send(vec![0; 1024 * 1024]).unwrap();
        }
        let (refused, ()) = tokio::join!(read(long, false), async {
            assert!(!parts.is_closed());
            drop(parts);
        });
        assert_eq!(refused, too_large);
        // A body without end is not.
        let (parts, endless) = body();
        for _ in 0..17 {
            parts.unbounded_send(vec![0; 1024 * 1024]).unwrap();
        }
        assert_eq!(read(endless, false).await, too_large);
        assert!(parts.is_closed());
    }
}
