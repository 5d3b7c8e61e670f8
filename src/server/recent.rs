//! A value read from the database that many callers share: read on demand, and reused for a moment.

use std::sync::{Mutex, MutexGuard};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use crate::domain::time::Timestamp;
use crate::server::clock::Clock;
use crate::server::error::Result;

/// Time for which a reading is reused, and within which every node sees a change.
pub const KEPT_MS: i64 = 2_000;

/// A reading, under way or complete. Simultaneous callers share it, so that under load an outdated reading causes one
/// query.
type Reading<T> = Shared<BoxFuture<'static, Result<T>>>;

/// The last reading, reused for [`KEPT_MS`].
///
/// `moka` offers the same, but with its own clock, which tests cannot move.
pub struct Recent<T: Clone> {
    clock: Clock,
    read: Box<dyn Fn() -> BoxFuture<'static, Result<T>> + Send + Sync>,
    last: Mutex<Option<(Timestamp, Reading<T>)>>,
}

impl<T: Clone> Recent<T> {
    /// Makes a value that is read by `read`, for the first time on demand.
    pub fn new(
        clock: Clock,
        read: impl Fn() -> BoxFuture<'static, Result<T>> + Send + Sync + 'static,
    ) -> Recent<T> {
        Recent {
            clock,
            read: Box::new(read),
            last: Mutex::default(),
        }
    }

    /// Returns the last reading, or a new one if that is too old.
    ///
    /// # Errors
    /// The error of the reading. Only the callers that waited for it get it; the next call reads again.
    pub async fn get(&self) -> Result<T> {
        let reading = self.reading();
        let read = reading.clone().await;
        if read.is_err() {
            let mut last = self.last();
            if last.as_ref().is_some_and(|(_, kept)| kept.ptr_eq(&reading)) {
                *last = None;
            }
        }
        read
    }

    /// Discards the last reading, so that the next call reads again.
    pub fn forget(&self) {
        *self.last() = None;
    }

    fn reading(&self) -> Reading<T> {
        let now = self.clock.now();
        let mut last = self.last();
        match &*last {
            Some((at, reading)) if (now.0 - at.0).abs() < KEPT_MS => reading.clone(),
            _ => {
                let reading = (self.read)().shared();
                *last = Some((now, reading.clone()));
                reading
            }
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<(Timestamp, Reading<T>)>> {
        self.last
            .lock()
            .expect("nothing panics while holding this lock")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::server::error::Error;

    /// Returns a value that counts its readings, of which the second fails.
    fn counting(clock: &Clock) -> Recent<u32> {
        let readings = Arc::new(AtomicU32::new(0));
        Recent::new(clock.clone(), move || {
            let reading = readings.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                tokio::task::yield_now().await;
                match reading {
                    2 => Err(Error::internal("no answer")),
                    reading => Ok(reading),
                }
            }
            .boxed()
        })
    }

    #[tokio::test]
    async fn all_who_ask_share_a_reading_until_it_is_old_and_a_failure_is_not_kept() {
        let clock = Clock::manual(Timestamp(1_760_000_000_000));
        let recent = counting(&clock);
        let (one, two) = tokio::join!(recent.get(), recent.get());
        assert_eq!((one.unwrap(), two.unwrap()), (1, 1));
        clock.advance_ms(KEPT_MS - 1);
        assert_eq!(recent.get().await.unwrap(), 1);
        clock.advance_ms(1);
        assert!(recent.get().await.is_err());
        assert_eq!(recent.get().await.unwrap(), 3);
    }
}
