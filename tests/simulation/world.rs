//! The world of a simulation: one stream of random numbers from the seed, one clock, one agenda. It also keeps the last
//! lines, the digest and the counts of a history.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::pending;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use refundry::domain::order::Channel;
use refundry::server::error::Error;
use tokio::sync::{mpsc, oneshot};

use crate::bank::{Entry, State};
use crate::nodes::Outcome;
use crate::receiver::Told;

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Time at which every history begins, in Unix milliseconds.
pub const START: i64 = 1_700_000_000_000;

/// The events of the agenda.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A merchant or an operator makes requests.
    Wish,
    WishOnce,
    /// A delayed submission arrives at the channel.
    Arrive {
        no: String,
    },
    /// The channel settles a refund.
    End {
        no: String,
        state: State,
    },
    CallBack {
        channel: Channel,
        body: String,
        tries: u32,
    },
    /// A delayed notice arrives.
    Deliver(Told),
    ChannelDown,
    ReceiverDown,
    /// A node dies between two calls.
    Crash,
    Boot {
        node: usize,
    },
    /// A node's clock is changed.
    Skew,
    /// All nodes stop for hours.
    Stop,
}

/// The state that a running node reaches.
pub enum Signal {
    /// The node waits for an answer.
    Parked,
    /// The node dies at this call.
    Died,
    Done(u64, Result<Outcome, Error>),
}

/// A call whose answer is on its way.
pub struct Parked {
    pub node: usize,
    pub until: i64,
    pub wake: oneshot::Sender<()>,
}

/// The fate of a call.
pub enum FaultMode<T> {
    Now(T),
    At(i64, T),
    /// The node dies before the answer arrives.
    Die,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub days: u64,
    pub refunds: u64,
    pub calls: u64,
    pub unresolved_submissions: u64,
    pub callbacks: u64,
    pub notices: u64,
    pub crashes: u64,
    pub outages: u64,
    pub reversals: u64,
    pub lost: u64,
    pub denied: u64,
    /// Number of answers that a node used only after its lease had ended.
    pub held_up: u64,
    /// Number of orders with more paid out than paid in, because a channel denied a refund that it then paid.
    pub overpaid: u64,
    pub raised: u64,
    pub given_up: u64,
    /// Number of second and later notices of a refund.
    pub further: u64,
}

impl Counts {
    pub fn add(&mut self, other: &Counts) {
        self.days += other.days;
        self.refunds += other.refunds;
        self.calls += other.calls;
        self.unresolved_submissions += other.unresolved_submissions;
        self.callbacks += other.callbacks;
        self.notices += other.notices;
        self.crashes += other.crashes;
        self.outages += other.outages;
        self.reversals += other.reversals;
        self.lost += other.lost;
        self.denied += other.denied;
        self.held_up += other.held_up;
        self.overpaid += other.overpaid;
        self.raised += other.raised;
        self.given_up += other.given_up;
        self.further += other.further;
    }
}

pub struct World {
    pub rng: StdRng,
    pub now: i64,
    /// True once nothing fails any more.
    pub calm: bool,
    pub agenda: BTreeMap<(i64, u64), Happening>,
    /// The channels' own book, by the numbers that we submitted.
    pub book: BTreeMap<String, Entry>,
    /// End of each channel's outage.
    pub down: HashMap<Channel, i64>,
    pub receiver_down: i64,
    /// Refunds with a refusal on a node that is held up, and the time until which it is.
    pub refusals_held_up: BTreeMap<String, i64>,
    /// Notices that arrived at the merchant's system, in order.
    pub told: Vec<Told>,
    pub parked: Vec<Parked>,
    pub signals: mpsc::UnboundedSender<Signal>,
    /// True while a scheduled sync runs.
    pub scheduled: bool,
    pub scheduled_answer_at: i64,
    pub counts: Counts,
    pub last_lines: VecDeque<String>,
    digest: DefaultHasher,
    serial: u64,
}

/// The world, shared by the channels, the receiver and the driver.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<World>>);

const LAST_LINES: usize = 120;

impl Shared {
    pub fn new(seed: u64, signals: mpsc::UnboundedSender<Signal>) -> Shared {
        Shared(Arc::new(Mutex::new(World {
            rng: StdRng::seed_from_u64(seed),
            now: START,
            calm: false,
            agenda: BTreeMap::new(),
            book: BTreeMap::new(),
            down: HashMap::new(),
            receiver_down: 0,
            refusals_held_up: BTreeMap::new(),
            told: Vec::new(),
            parked: Vec::new(),
            signals,
            scheduled: false,
            scheduled_answer_at: 0,
            counts: Counts::default(),
            last_lines: VecDeque::new(),
            digest: DefaultHasher::new(),
            serial: 0,
        })))
    }

    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call meet its fate.
    pub async fn meet<T>(&self, node: usize, fate: FaultMode<T>) -> T {
        let (until, answer) = match fate {
            FaultMode::Now(answer) => return answer,
            FaultMode::At(until, answer) => (until, answer),
            FaultMode::Die => {
                let _ = self.lock().signals.send(Signal::Died);
                return pending().await;
            }
        };
        let (wake, woken) = oneshot::channel();
        {
            let mut world = self.lock();
            world.parked.push(Parked { node, until, wake });
            let _ = world.signals.send(Signal::Parked);
        }
        match woken.await {
            Ok(()) => answer,
            Err(_) => pending().await,
        }
    }
}

impl World {
    /// Returns true in `percent` of cases, for failures. Always false once `calm`.
    pub fn ill(&mut self, percent: f64) -> bool {
        let hit = self.rng.random_bool(percent / 100.0);
        hit && !self.calm
    }

    pub fn chance(&mut self, percent: f64) -> bool {
        self.rng.random_bool(percent / 100.0)
    }

    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        self.rng.random_range(least..=most)
    }

    /// Returns a random duration, spread evenly over orders of magnitude: seconds are as likely as hours.
    pub fn span(&mut self, least: i64, most: i64) -> i64 {
        let (low, high) = ((least as f64).ln(), (most as f64).ln());
        self.rng.random_range(low..=high).exp() as i64
    }

    pub fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        if all.is_empty() {
            return None;
        }
        let place = self.rng.random_range(0..all.len());
        Some(all[place].clone())
    }

    pub fn serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub fn plan(&mut self, after: i64, happening: Happening) {
        let key = (self.now + after, self.serial());
        self.agenda.insert(key, happening);
    }

    pub fn note(&mut self, line: String) {
        (self.now, &line).hash(&mut self.digest);
        let at = self.now - START;
        let (day, time) = (at / DAY, at % DAY);
        let clock = format!(
            "{day}d {:02}:{:02}:{:02}.{:03}",
            time / HOUR,
            time / MINUTE % 60,
            time / SECOND % 60,
            time % SECOND
        );
        self.last_lines.push_back(format!("{clock}  {line}"));
        if self.last_lines.len() > LAST_LINES {
            self.last_lines.pop_front();
        }
    }

    pub fn digest(&self) -> u64 {
        self.digest.finish()
    }

    /// Plans the first failure of every kind.
    pub fn plan_troubles(&mut self) {
        for (failure, every) in [
            (Happening::ChannelDown, 3 * DAY),
            (Happening::ReceiverDown, 4 * DAY),
            (Happening::Crash, DAY),
            (Happening::Skew, DAY / 2),
            (Happening::Stop, 7 * DAY),
        ] {
            let after = self.between(1, 2 * every);
            self.plan(after, failure);
        }
    }
}
