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
    time_limit: Duration,
    /// Cancelled when bodies that are not whole are not waited for any more.
    closing: CancellationToken,
}

impl Bodies {
    /// Makes a reader that refuses unfinished bodies once `closing` is cancelled.
    pub fn new(closing: CancellationToken) -> Bodies {
        Bodies {
            slow: Shares::new(SLOW),
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
        if let Ok(read) = timeout(AT_ONCE.min(self.time_limit), &mut reading).await {
            return read;
        }
        let Some(_place) = self.slow.take(counted_as(from)) else {
            counters::request_limited("body");
            return Err(Refusal::Overloaded);
        };
        let left = self.time_limit.saturating_sub(AT_ONCE);
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
