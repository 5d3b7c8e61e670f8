//! Limits on the logins of one address, kept by each node in its memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};

use crate::domain::error::Refusal;
use crate::domain::time::Timestamp;
use crate::server::client_ip::counted_as;

/// Maximum number of failed logins from one address within [`WINDOW_MS`]: enough for several people behind one
/// address, too few to try a list of names.
const FAILURES_OF_ADDRESS: u32 = 30;
const WINDOW_MS: i64 = 5 * 60_000;
/// Maximum number of logins from one address that are checked or queued at once, out of
/// [`passwords::WAITING`](super::passwords::WAITING) in all.
pub(super) const AT_ONCE_OF_ADDRESS: u32 = 16;
/// Maximum number of addresses that are counted within a window. Logins from further ones are limited only by the
/// lock-out.
const ADDRESSES: usize = 100_000;

/// Returns a time span in minutes, rounded up.
pub(super) fn minutes(ms: i64) -> i64 {
    (ms + 59_999) / 60_000
}

/// The logins that each address has under way, and its recent failures.
#[derive(Default)]
pub struct LoginLimits(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    window_began: Timestamp,
    /// Failed logins of this window, including those under way until they succeed.
    failed: HashMap<IpAddr, u32>,
    under_way: HashMap<IpAddr, u32>,
}

/// A login that is being checked. It counts as failed unless it [succeeds](Attempt::succeeded).
pub(super) struct Attempt<'a> {
    limits: &'a LoginLimits,
    address: IpAddr,
}

impl LoginLimits {
    /// Begins one more login from an address.
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`] where too many failed within the window; [`Refusal::Overloaded`] where too many
    /// are under way.
    pub(super) fn begin(&self, address: IpAddr, now: Timestamp) -> Result<Attempt<'_>, Refusal> {
        let address = counted_as(address);
        let mut counted = self.lock();
        let window_ends = counted.window_began.plus_ms(WINDOW_MS);
        if now >= window_ends || now < counted.window_began {
            counted.window_began = now;
            counted.failed.clear();
        }
        let under_way = counted.under_way.get(&address).copied().unwrap_or_default();
        if under_way >= AT_ONCE_OF_ADDRESS {
            return Err(Refusal::Overloaded);
        }
        let failed = counted.failed.get(&address).copied().unwrap_or_default();
        if failed >= FAILURES_OF_ADDRESS {
            let left = counted.window_began.plus_ms(WINDOW_MS).0 - now.0;
            return Err(Refusal::TooManyAttempts {
                minutes: minutes(left),
            });
        }
        if failed > 0 || counted.failed.len() < ADDRESSES {
            counted.failed.insert(address, failed + 1);
        }
        counted.under_way.insert(address, under_way + 1);
        Ok(Attempt {
            limits: self,
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0
            .lock()
            .expect("nothing panics while holding this lock")
    }
}

impl Attempt<'_> {
    /// Removes the login from the address's failures.
    pub(super) fn succeeded(self) {
        let mut counted = self.limits.lock();
        less(&mut counted.failed, self.address);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        less(&mut self.limits.lock().under_way, self.address);
    }
}

fn less(counts: &mut HashMap<IpAddr, u32>, address: IpAddr) {
    if let Some(count) = counts.get_mut(&address) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_760_000_000_000);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_fails_so_often_in_a_window_and_no_other_pays_for_it() {
        let limits = LoginLimits::default();
        let (one, other) = (address("2001:db8::1"), address("198.51.100.7"));
        for _ in 0..2 * FAILURES_OF_ADDRESS {
            limits.begin(one, START).unwrap().succeeded();
        }
        for _ in 0..FAILURES_OF_ADDRESS {
            limits.begin(one, START).unwrap();
        }
        let later = START.plus_ms(60_000);
        let refused = Some(Refusal::TooManyAttempts { minutes: 4 });
        assert_eq!(limits.begin(one, later).err(), refused);
        // A neighbour in the same network counts as the same client.
        let neighbour = address("2001:db8::2");
        assert_eq!(limits.begin(neighbour, later).err(), refused);
        assert!(limits.begin(other, later).is_ok());
        assert!(limits.begin(one, START.plus_ms(WINDOW_MS)).is_ok());
    }

    #[test]
    fn an_address_has_its_share_of_the_queue_and_no_more() {
        let limits = LoginLimits::default();
        let (one, other) = (address("198.51.100.7"), address("198.51.100.8"));
        let under_way: Vec<_> = (0..AT_ONCE_OF_ADDRESS)
            .map(|_| limits.begin(one, START).unwrap())
            .collect();
        assert_eq!(limits.begin(one, START).err(), Some(Refusal::Overloaded));
        assert!(limits.begin(other, START).is_ok());
        drop(under_way);
        assert!(limits.begin(one, START).is_ok());
        assert!(limits.lock().under_way.is_empty());
    }
}
