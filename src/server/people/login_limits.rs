//! Limits on the logins of one address or known device, kept by each node in its memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard};

use crate::domain::error::Refusal;
use crate::domain::time::Timestamp;
use crate::server::client_ip::counted_as;

/// The maker of a login. Failed logins of one client are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// An address, of a network for IPv6 ([`counted_as`]).
    Address(IpAddr),
    /// A device from which the operator has logged in before, by its id.
    Device(String),
}

impl Client {
    /// Returns the client of a login that does not come from a known device.
    pub(super) fn at(address: IpAddr) -> Client {
        Client::Address(counted_as(address))
    }
}

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Client::Address(address) => address.fmt(f),
            Client::Device(id) => write!(f, "device:{id}"),
        }
    }
}

/// Maximum number of failed logins of one client within [`WINDOW_MS`]: enough for several people behind one
/// address, too few to try a list of names.
const FAILURES_OF_CLIENT: u32 = 30;
const WINDOW_MS: i64 = 5 * 60_000;
/// Maximum number of logins of one client that are checked or queued at once, out of
/// [`passwords::WAITING`](super::passwords::WAITING) in all.
pub(super) const AT_ONCE_OF_CLIENT: u32 = 16;
/// Maximum number of clients that are counted within a window. Logins of further ones are limited only by the lock-out.
const CLIENTS: usize = 100_000;

/// Returns a time span in minutes, rounded up.
pub(super) fn minutes(ms: i64) -> i64 {
    (ms + 59_999) / 60_000
}

/// The logins that each client has under way, and its recent failures.
#[derive(Default)]
pub struct LoginLimits(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    window_began: Timestamp,
    /// Failed logins of this window, including those under way until they succeed.
    failed: HashMap<Client, u32>,
    under_way: HashMap<Client, u32>,
}

/// A login that is being checked. It counts as failed unless it [succeeds](Attempt::succeeded).
pub(super) struct Attempt<'a> {
    limits: &'a LoginLimits,
    client: Client,
}

impl LoginLimits {
    /// Begins one more login of a client.
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`] where too many failed within the window; [`Refusal::Overloaded`] where too many
    /// are under way.
    pub(super) fn begin(&self, client: Client, now: Timestamp) -> Result<Attempt<'_>, Refusal> {
        let mut counted = self.lock();
        let window_ends = counted.window_began.plus_ms(WINDOW_MS);
        if now >= window_ends || now < counted.window_began {
            counted.window_began = now;
            counted.failed.clear();
        }
        let under_way = counted.under_way.get(&client).copied().unwrap_or_default();
        if under_way >= AT_ONCE_OF_CLIENT {
            return Err(Refusal::Overloaded);
        }
        let failed = counted.failed.get(&client).copied().unwrap_or_default();
        if failed >= FAILURES_OF_CLIENT {
            let left = counted.window_began.plus_ms(WINDOW_MS).0 - now.0;
            return Err(Refusal::TooManyAttempts {
                minutes: minutes(left),
            });
        }
        if failed > 0 || counted.failed.len() < CLIENTS {
            counted.failed.insert(client.clone(), failed + 1);
        }
        counted.under_way.insert(client.clone(), under_way + 1);
        Ok(Attempt {
            limits: self,
            client,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0
            .lock()
            .expect("nothing panics while holding this lock")
    }
}

impl Attempt<'_> {
    /// Removes the login from the client's failures.
    pub(super) fn succeeded(self) {
        let mut counted = self.limits.lock();
        less(&mut counted.failed, &self.client);
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        less(&mut self.limits.lock().under_way, &self.client);
    }
}

fn less(counts: &mut HashMap<Client, u32>, client: &Client) {
    if let Some(count) = counts.get_mut(client) {
        *count -= 1;
        if *count == 0 {
            counts.remove(client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_760_000_000_000);

    fn client(text: &str) -> Client {
        Client::at(text.parse().unwrap())
    }

    #[test]
    fn a_client_fails_so_often_in_a_window_and_no_other_pays_for_it() {
        let limits = LoginLimits::default();
        let (one, other) = (client("2001:db8::1"), client("198.51.100.7"));
        for _ in 0..2 * FAILURES_OF_CLIENT {
            limits.begin(one.clone(), START).unwrap().succeeded();
        }
        for _ in 0..FAILURES_OF_CLIENT {
            limits.begin(one.clone(), START).unwrap();
        }
        let later = START.plus_ms(60_000);
        let refused = Some(Refusal::TooManyAttempts { minutes: 4 });
        assert_eq!(limits.begin(one.clone(), later).err(), refused);
        // A neighbour in the same network counts as the same client.
        let neighbour = client("2001:db8::2");
        assert_eq!(limits.begin(neighbour, later).err(), refused);
        assert!(limits.begin(other.clone(), later).is_ok());
        assert!(limits.begin(one.clone(), START.plus_ms(WINDOW_MS)).is_ok());
    }

    #[test]
    fn a_client_has_its_share_of_the_queue_and_no_more() {
        let limits = LoginLimits::default();
        let (one, other) = (client("198.51.100.7"), client("198.51.100.8"));
        let under_way: Vec<_> = (0..AT_ONCE_OF_CLIENT)
            .map(|_| limits.begin(one.clone(), START).unwrap())
            .collect();
        assert_eq!(
            limits.begin(one.clone(), START).err(),
            Some(Refusal::Overloaded)
        );
        assert!(limits.begin(other.clone(), START).is_ok());
        drop(under_way);
        assert!(limits.begin(one.clone(), START).is_ok());
        assert!(limits.lock().under_way.is_empty());
    }
}
