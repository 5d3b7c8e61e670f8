//! Bulkheads: a limit of the calls that are under way to one channel of one app, so that a silent channel holds
//! up nobody else's refunds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::server::channels::breaker::ChannelKey;

/// The calls under way, by app and channel.
pub struct Bulkheads {
    calls_at_once: usize,
    permits: Mutex<HashMap<ChannelKey, Arc<Semaphore>>>,
}

impl Bulkheads {
    /// Makes bulkheads that let so many calls through at once, each.
    pub fn new(calls_at_once: usize) -> Bulkheads {
        Bulkheads {
            calls_at_once,
            permits: Mutex::default(),
        }
    }

    /// Takes a permit for a call, which is given back when it is dropped. `None`: too many are under way.
    pub fn try_enter(&self, key: &ChannelKey) -> Option<OwnedSemaphorePermit> {
        self.of_channel(key).try_acquire_owned().ok()
    }

    /// Waits for a permit for a call.
    pub async fn enter(&self, key: &ChannelKey) -> OwnedSemaphorePermit {
        let permit = self.of_channel(key).acquire_owned().await;
        permit.expect("nobody closes a bulkhead")
    }

    fn of_channel(&self, key: &ChannelKey) -> Arc<Semaphore> {
        let mut permits = self
            .permits
            .lock()
            .expect("nothing panics while holding this lock");
        permits
            .entry(key.clone())
            .or_insert_with(|| Arc::new(Semaphore::new(self.calls_at_once)))
            .clone()
    }
}
