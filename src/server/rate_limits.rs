//! Limits on the request rates of addresses and apps, kept by each node in its memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Mutex;

use crate::domain::time::Timestamp;
use crate::server::client_ip::counted_as;
use crate::server::config::Config;

/// Size of a burst after a rest, in seconds of the rate.
const BURST_SECONDS: i64 = 5;
/// Maximum number of keys in memory. When it is reached, keys without recent requests are forgotten, or all keys where
/// more than half have some, so that a flood from ever new addresses takes no more memory than this.
const KEYS: usize = 100_000;
const SECOND_US: i64 = 1_000_000;

/// The rate limits of a node.
pub struct RateLimits {
    /// Limit on the requests of an address, except callbacks.
    requests: RateLimit<IpAddr>,
    /// Limit on the callbacks from an address.
    callbacks: RateLimit<IpAddr>,
    /// Limit on the requests of an app. Only requests with a valid signature count, so that others cannot use it up.
    apps: RateLimit<String>,
}

impl RateLimits {
    /// Makes the limits from the settings.
    pub fn new(config: &Config) -> RateLimits {
        RateLimits {
            requests: RateLimit::new(config.requests_per_second),
            callbacks: RateLimit::new(config.callbacks_per_second),
            apps: RateLimit::new(config.app_requests_per_second),
        }
    }

    /// Takes a request from an address into account, and returns false where it exceeds the limit. An IPv6 address
    /// counts as its /64 network.
    pub fn takes_request(&self, address: IpAddr, now: Timestamp) -> bool {
        self.requests.takes(counted_as(address), now)
    }

    /// Takes a callback from an address into account, and returns false where it exceeds the limit.
    pub fn takes_callback(&self, address: IpAddr, now: Timestamp) -> bool {
        self.callbacks.takes(counted_as(address), now)
    }

    /// Takes a request of an app into account, and returns false where it exceeds the limit.
    pub fn takes_app(&self, app_id: &str, now: Timestamp) -> bool {
        self.apps.takes(app_id.to_owned(), now)
    }
}

/// A rate for each key, with a burst of [`BURST_SECONDS`].
struct RateLimit<K> {
    /// Number of requests a second; zero means no limit.
    per_second: u32,
    /// Time at which each key has its whole burst again, in microseconds since the epoch. Absent keys have it now.
    whole_at: Mutex<HashMap<K, i64>>,
}

impl<K: Eq + Hash> RateLimit<K> {
    fn new(per_second: u32) -> RateLimit<K> {
        RateLimit {
            per_second,
            whole_at: Mutex::default(),
        }
    }

    /// Takes one request from a key's allowance. Returns false where nothing is left of it.
    fn takes(&self, key: K, now: Timestamp) -> bool {
        if self.per_second == 0 {
            return true;
        }
        let now = now.0.saturating_mul(1_000);
        let one = SECOND_US / i64::from(self.per_second);
        let latest = now.saturating_add(BURST_SECONDS * SECOND_US);
        let mut whole_at = self
            .whole_at
            .lock()
            .expect("nothing panics while holding this lock");
        if let Some(at) = whole_at.get_mut(&key) {
            // After the clock was set back, times can lie in the future: they are limited to a used-up burst.
            *at = (*at).clamp(now, latest);
            let left = *at + one <= latest;
            if left {
                *at += one;
            }
            return left;
        }
        if whole_at.len() >= KEYS {
            whole_at.retain(|_, at| *at > now);
            if whole_at.len() > KEYS / 2 {
                whole_at.clear();
            }
        }
        whole_at.insert(key, now + one);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_760_000_000_000);

    fn taken<K: Eq + Hash + Clone>(
        limit: &RateLimit<K>,
        key: K,
        times: usize,
        now: Timestamp,
    ) -> usize {
        (0..times).filter(|_| limit.takes(key.clone(), now)).count()
    }

    #[test]
    fn a_burst_and_then_the_rate_and_nobody_pays_for_another() {
        let limit = RateLimit::new(100);
        assert_eq!(taken(&limit, "one", 2_000, START), 500);
        assert_eq!(taken(&limit, "other", 2_000, START), 500);
        assert_eq!(taken(&limit, "one", 100, START.plus_ms(100)), 10);
        // The full rate for a minute; after a rest, a whole burst again.
        let minute: usize = (1..=600)
            .map(|step| taken(&limit, "one", 10, START.plus_ms(100 + step * 100)))
            .sum();
        assert_eq!(minute, 6_000);
        assert_eq!(taken(&limit, "one", 2_000, START.plus_ms(120_000)), 500);
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out_for_long() {
        let limit = RateLimit::new(10);
        assert_eq!(taken(&limit, "one", 100, START.plus_ms(3_600_000)), 50);
        assert_eq!(taken(&limit, "one", 100, START), 0);
        assert_eq!(taken(&limit, "one", 100, START.plus_ms(1_000)), 10);
    }

    #[test]
    fn ever_new_keys_take_no_more_memory_than_a_limit() {
        let limit = RateLimit::new(100);
        for key in 0..3 * KEYS {
            assert!(limit.takes(key, START));
        }
        assert!(limit.whole_at.lock().unwrap().len() <= KEYS);
    }

    #[test]
    fn keys_that_have_rested_are_forgotten_first() {
        let limit = RateLimit::new(100);
        let later = START.plus_ms(60_000);
        for key in 0..KEYS * 6 / 10 {
            limit.takes(key, START);
        }
        assert_eq!(taken(&limit, usize::MAX, 1_000, later), 500);
        for key in KEYS..KEYS * 15 / 10 {
            limit.takes(key, later);
        }
        assert!(limit.whole_at.lock().unwrap().len() < KEYS);
        assert!(!limit.takes(usize::MAX, later));
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(taken(&RateLimit::new(0), "one", 10_000, START), 10_000);
    }

    #[test]
    fn one_client_of_ipv6_is_its_network() {
        let limits = RateLimits::new(&Config {
            requests_per_second: 1,
            ..Config::default()
        });
        let ask = |address: &str| limits.takes_request(address.parse().unwrap(), START);
        assert!((1..=5).all(|host| ask(&format!("2001:db8::{host}"))));
        assert!(!ask("2001:db8::6"));
        assert!(ask("2001:db8:0:1::6"));
        assert!(limits.takes_callback("2001:db8::6".parse().unwrap(), START));
    }
}
