//! Bulkheads: a limit of the calls under way by one channel account, so that a silent channel does not hold up the
//! refunds of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The limits of the calls under way, by account.
pub struct Bulkheads {
    calls_at_once: usize,
    permits: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Bulkheads {
    /// Makes bulkheads that each let `calls_at_once` calls through.
    pub fn new(calls_at_once: usize) -> Bulkheads {
        Bulkheads {
            calls_at_once,
            permits: Mutex::default(),
        }
    }

    /// Takes a permit for a call; dropping it gives it back. `None`: too many calls are under way.
    pub fn try_enter(&self, account_id: &str) -> Option<OwnedSemaphorePermit> {
        self.of_account(account_id).try_acquire_owned().ok()
    }

    /// Waits for a permit for a call.
    pub async fn enter(&self, account_id: &str) -> OwnedSemaphorePermit {
        let permit = self.of_account(account_id).acquire_owned().await;
        permit.expect("nobody closes a bulkhead")
    }

    fn of_account(&self, account_id: &str) -> Arc<Semaphore> {
        let mut permits = self
            .permits
            .lock()
            .expect("nothing panics while holding this lock");
        permits
            .entry(account_id.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(self.calls_at_once)))
            .clone()
    }
}
