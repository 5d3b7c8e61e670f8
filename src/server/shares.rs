//! Places that many share, kept by each node in its memory: the connections of all addresses, the requests of all
//! apps. Nobody can take them all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

/// A number of places. A key may take one while it holds fewer than are free: a key alone can hold half of the
/// places, two keys a third each, and one is left for a key that holds none.
pub struct Shares<K: Eq + Hash> {
    places: usize,
    taken: Mutex<Taken<K>>,
}

struct Taken<K> {
    /// Number of places taken, those of no key included.
    total: usize,
    /// Number of places that each key holds. Keys without a place are absent.
    of_key: HashMap<K, usize>,
}

/// A place. Dropping it gives it back.
pub struct Share<K: Eq + Hash> {
    shares: Arc<Shares<K>>,
    key: Option<K>,
}

impl<K: Eq + Hash + Clone> Shares<K> {
    /// Makes a number of places, all of them free.
    pub fn new(places: usize) -> Arc<Shares<K>> {
        Arc::new(Shares {
            places,
            taken: Mutex::new(Taken {
                total: 0,
                of_key: HashMap::new(),
            }),
        })
    }

    /// Takes a place for a key. `None`: the key holds as many as are free.
    pub fn take(self: &Arc<Self>, key: K) -> Option<Share<K>> {
        let mut taken = self.taken();
        let free = self.places.saturating_sub(taken.total);
        let held = taken.of_key.get(&key).copied().unwrap_or_default();
        if held >= free {
            return None;
        }
        taken.of_key.insert(key.clone(), held + 1);
        taken.total += 1;
        Some(self.share(Some(key)))
    }

    /// Takes a place for somebody who may take all, such as a proxy that stands for many. `None`: none is free.
    pub fn take_without_limit(self: &Arc<Self>) -> Option<Share<K>> {
        let mut taken = self.taken();
        if taken.total >= self.places {
            return None;
        }
        taken.total += 1;
        Some(self.share(None))
    }

    fn share(self: &Arc<Self>, key: Option<K>) -> Share<K> {
        let shares = self.clone();
        Share { shares, key }
    }
}

impl<K: Eq + Hash> Shares<K> {
    fn taken(&self) -> MutexGuard<'_, Taken<K>> {
        self.taken
            .lock()
            .expect("nothing panics while holding this lock")
    }
}

impl<K: Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut taken = self.shares.taken();
        taken.total -= 1;
        let Some(key) = &self.key else { return };
        if let Some(held) = taken.of_key.get_mut(key) {
            *held -= 1;
            if *held == 0 {
                taken.of_key.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes as many places for a key as it gets.
    fn all(shares: &Arc<Shares<&'static str>>, key: &'static str) -> Vec<Share<&'static str>> {
        std::iter::from_fn(|| shares.take(key)).collect()
    }

    #[test]
    fn one_gets_half_two_a_third_each_and_one_more_is_always_served() {
        let shares = Shares::new(1_024);
        let one = all(&shares, "one");
        assert_eq!(one.len(), 512);
        let two = all(&shares, "two");
        assert_eq!((two.len(), all(&shares, "two").len()), (256, 0));
        drop(one);
        assert_eq!(all(&shares, "one").len(), 384);
        let _held: Vec<_> = (0..9).map(|_| all(&shares, "many")).collect();
        assert!(shares.take("last").is_some());
    }

    #[test]
    fn places_come_back_and_a_single_place_can_be_taken() {
        let shares = Shares::new(1);
        for _ in 0..3 {
            let place = shares.take("one").expect("it is free");
            assert!(shares.take("one").is_none() && shares.take("other").is_none());
            drop(place);
        }
        assert!(shares.taken().of_key.is_empty());
        assert_eq!(shares.taken().total, 0);
    }

    #[test]
    fn who_stands_for_many_may_take_all_and_leaves_what_is_free() {
        let shares = Shares::new(8);
        let proxy: Vec<_> = (0..6).map(|_| shares.take_without_limit()).collect();
        assert_eq!(all(&shares, "one").len(), 1);
        assert!(proxy.iter().all(Option::is_some));
        let rest: Vec<_> = std::iter::from_fn(|| shares.take_without_limit()).collect();
        assert_eq!(rest.len(), 2);
        assert!(shares.take("one").is_none());
    }
}
