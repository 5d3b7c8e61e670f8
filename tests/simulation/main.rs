//! A deterministic simulation of refunds: the real use-cases on real databases, with channels, a merchant's system,
//! clocks and crashes that are generated from a seed. It covers thousands of days in which everything that can go wrong
//! does; no refund may be lost, paid twice or left open.
//!
//! `REFUNDRY_SIM_SEED` replays one history, and `REFUNDRY_SIM_DAYS` sets the total number of days. Where
//! `REFUNDRY_TEST_POSTGRES` names a server, a tenth as many histories run, on PostgreSQL.
//!
//! Each of these mutations of the server was tried by hand, and made the simulation fail:
//! - `refusal_is_conclusive` (domain/refund/transitions.rs) takes every answer to a submission for conclusive: a
//!   node is held up with the refusal of one submission while another, which will succeed, is under way.
//! - `after_giving_back` (the same file) takes a late success where the order has not enough left: a channel denies
//!   a refund that it accepted, an operator closes the refund, its amount is refunded otherwise, the channel pays.
//! - `is_never_seen` (server/refunds/sync.rs) and `begin_submission` (apply.rs), which hold it together, have a
//!   refund submitted again that its channel acknowledged: a channel that denies what it accepted pays twice.

mod bank;
mod checks;
mod errors;
mod history;
mod inspector;
mod nodes;
mod receiver;
#[path = "../support/mod.rs"]
mod support;
mod wishes;
mod world;

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use history::History;
use world::Counts;

/// Days of one history.
const DAYS: u64 = 20;
/// Days of all histories. 400 take about 40 s unoptimised on two busy cores.
const DAYS_IN_ALL: u64 = if cfg!(debug_assertions) { 400 } else { 1_600 };

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

/// Prints a line even where the test passes.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[test]
fn nothing_is_lost_whatever_happens() {
    // PostgreSQL takes several times as long.
    let usual = match support::database::server() {
        Some(_) => DAYS_IN_ALL / 10,
        None => DAYS_IN_ALL,
    };
    let days = setting("REFUNDRY_SIM_DAYS").unwrap_or(usual).max(DAYS);
    let (first, histories) = match setting("REFUNDRY_SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (rand::random_range(0..1_000_000_000), days / DAYS),
    };
    say(&format!(
        "simulation: {histories} histories from seed {first} on"
    ));
    let begun = Instant::now();
    let (next, total) = (AtomicU64::new(0), Mutex::new(Counts::default()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= histories {
                        return;
                    }
                    let (counts, _) = History::live(first + place, DAYS);
                    total.lock().expect("nothing panics here").add(&counts);
                }
            });
        }
    });
    let counts = total.into_inner().expect("nothing panics here");
    let took = begun.elapsed().as_secs_f64();
    say(&format!("simulation: {took:.1} s, {counts:?}"));
}

#[test]
fn a_seed_is_one_history() {
    if support::database::server().is_some() {
        eprintln!("not run: PostgreSQL's own processes go by no seed");
        return;
    }
    let seed = setting("REFUNDRY_SIM_SEED").unwrap_or_else(|| rand::random_range(0..1_000_000_000));
    let (once, again) = (History::live(seed, DAYS), History::live(seed, DAYS));
    assert_eq!(once, again, "seed {seed}");
}
