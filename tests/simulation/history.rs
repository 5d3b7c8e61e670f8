//! A history: wishes, events and due work take turns until its days are over. Then all failures end, and whatever is
//! open must settle by itself.

use std::collections::{BTreeMap, HashMap};
use std::thread;
use std::time::Duration;

use refundry::domain::order::{Channel, Order};
use refundry::domain::refund::NewRefund;
use refundry::server::error::Error;
use refundry::server::{notices, refunds};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::errors::Errors;
use crate::inspector::{Inspector, Work};
use crate::nodes::{Action, CHANNELS, Node, Outcome, merchant};
use crate::support::{self, database::TestDatabase};
use crate::world::{Counts, DAY, HOUR, Happening, MINUTE, SECOND, Shared, Signal};

/// Days without failures at the end, enough to settle what is open and to ask once more after each success.
const CALM_DAYS: u64 = 4;
/// Maximum number of turns between two checks.
const TURNS: u32 = 40;

pub struct History {
    seed: u64,
    pub world: Shared,
    signals: mpsc::UnboundedReceiver<Signal>,
    nodes: Vec<Node>,
    /// Use-cases that have begun and are not done, by number.
    begun: HashMap<u64, Begun>,
    pub orders: Vec<Order>,
    pub asked: Vec<NewRefund>,
    /// Refunds that a merchant got accepted, with their amounts.
    pub accepted: BTreeMap<String, i64>,
    pub inspector: Inspector,
    pub errors: Errors,
    url: String,
    /// Dropped last, when all connections are closed.
    _database: Database,
}

/// The database of a history.
enum Database {
    File(TempDir),
    Server(TestDatabase),
}

impl Drop for History {
    /// Prints the last lines of a failed history, and the command that replays it.
    fn drop(&mut self) {
        if thread::panicking() {
            let lines: Vec<_> = self.world.lock().last_lines.drain(..).collect();
            let seed = self.seed;
            crate::say(&format!(
                "{}\nthe history of seed {seed} fails; again: \
                 REFUNDRY_SIM_SEED={seed} cargo test --test simulation",
                lines.join("\n")
            ));
        }
    }
}

struct Begun {
    node: usize,
    work: Option<Work>,
    callback: Option<Happening>,
}

impl History {
    /// Runs a history of `days` days. Returns its counts and its digest.
    pub fn live(seed: u64, days: u64) -> (Counts, u64) {
        let errors = Errors::default();
        errors.heard_during(|| History::live_heard(seed, days, errors.clone()))
    }

    fn live_heard(seed: u64, days: u64, errors: Errors) -> (Counts, u64) {
        let mut history = History::begin(seed, errors);
        let troubled = days.saturating_sub(CALM_DAYS).max(1);
        for day in 1..=troubled {
            history.run_until(day);
            history.check();
        }
        history.world.lock().calm_down();
        for day in troubled + 1..=troubled + CALM_DAYS {
            history.run_until(day);
            history.check();
        }
        history.check_end();
        let mut world = history.world.lock();
        world.counts.days = troubled + CALM_DAYS;
        (world.counts, world.digest())
    }

    fn begin(seed: u64, errors: Errors) -> History {
        let (sender, signals) = mpsc::unbounded_channel();
        let world = Shared::new(seed, sender);
        let database = match support::database::server() {
            Some(_) => Database::Server(TestDatabase::new()),
            None => Database::File(temporary_folder()),
        };
        let url = match &database {
            Database::Server(database) => database.url(),
            Database::File(folder) => {
                format!("sqlite://{}/sim.db?mode=rwc", folder.path().display())
            }
        };
        let count = world.lock().between(2, 3);
        let mut nodes: Vec<_> = (0..count as usize).map(Node::new).collect();
        for node in &mut nodes {
            node.boot(&url, &world);
        }
        nodes[0].run(
            world.lock().now,
            support::add_app(&nodes[0].ctx(), merchant()),
        );
        {
            let mut world = world.lock();
            world.plan(SECOND, Happening::Wish);
            world.plan_troubles();
        }
        History {
            seed,
            world,
            signals,
            nodes,
            begun: HashMap::new(),
            orders: Vec::new(),
            asked: Vec::new(),
            accepted: BTreeMap::new(),
            inspector: Inspector::open(&url),
            errors,
            url,
            _database: database,
        }
    }

    fn run_until(&mut self, day: u64) {
        let end = crate::world::START + day as i64 * DAY;
        let (mut turns, mut at_once) = (0, 0);
        loop {
            if self.answer_parked() || self.let_happen() || self.work() {
                at_once += 1;
                assert!(at_once < 10_000, "what is due is not done");
                turns += 1;
                if turns % TURNS == 0 {
                    self.check();
                }
                continue;
            }
            at_once = 0;
            let next = self.next().min(end);
            self.world.lock().now = next;
            if next == end {
                return;
            }
        }
    }

    /// Returns the time at which something can be done next.
    fn next(&mut self) -> i64 {
        let due = self.inspector.due();
        let world = self.world.lock();
        let happening = world.agenda.keys().next().map(|(at, _)| *at);
        let answer = world.parked.iter().map(|parked| parked.until).min();
        let this = &*self;
        let nodes = this.nodes.iter().enumerate();
        let work = nodes.flat_map(|(number, node)| {
            due.iter()
                .filter(move |(work, _)| this.is_free(number, *work))
                .map(|(_, at)| at - node.skew)
        });
        let next = happening.into_iter().chain(answer).chain(work).min();
        next.unwrap_or(i64::MAX).max(world.now)
    }

    fn is_free(&self, node: usize, work: Work) -> bool {
        let at_it = |begun: &Begun| begun.node == node && begun.work == Some(work);
        self.nodes[node].is_up() && !self.begun.values().any(at_it)
    }

    /// Delivers an answer whose time has come. Returns true where there was one.
    fn answer_parked(&mut self) -> bool {
        let parked = {
            let mut world = self.world.lock();
            let now = world.now;
            let place = world.parked.iter().position(|parked| parked.until <= now);
            place.map(|place| world.parked.remove(place))
        };
        let Some(parked) = parked else { return false };
        let _ = parked.wake.send(());
        self.drive(parked.node, false);
        true
    }

    /// Does one piece of work that is due in the database, as a node's jobs would. Returns true where there was one.
    fn work(&mut self) -> bool {
        let now = self.world.lock().now;
        for (work, at) in self.inspector.due() {
            let sees = |number: &usize| {
                self.is_free(*number, work) && now + self.nodes[*number].skew >= at
            };
            let free: Vec<_> = (0..self.nodes.len()).filter(sees).collect();
            let Some(node) = self.world.lock().pick(&free) else {
                continue;
            };
            let action: Action = match work {
                Work::Sync(channel) => Box::new(move |ctx| {
                    Box::pin(async move {
                        refunds::sync_due(&ctx, &format!("DEMO-{channel}"))
                            .await
                            .map(|_| Outcome::Nothing)
                    })
                }),
                Work::Notices => Box::new(|ctx| {
                    Box::pin(async move {
                        let sent = notices::send_due(&ctx, &merchant().app_id).await;
                        sent.map(|_| Outcome::Nothing)
                    })
                }),
                Work::Overdue => Box::new(|ctx| {
                    Box::pin(
                        async move { refunds::flag_overdue(&ctx).await.map(|_| Outcome::Nothing) },
                    )
                }),
            };
            self.begin_on(node, format!("{work:?}"), Some(work), None, action);
            return true;
        }
        false
    }

    /// Runs one event that the agenda has for now. Returns true where there was one.
    fn let_happen(&mut self) -> bool {
        let happening = {
            let mut world = self.world.lock();
            let now = world.now;
            match world.agenda.first_entry() {
                Some(first) if first.key().0 <= now => first.remove(),
                _ => return false,
            }
        };
        let mut world = self.world.lock();
        match happening {
            Happening::WishOnce => {
                drop(world);
                self.wish();
            }
            Happening::Wish => {
                let after = match world.chance(30.0) {
                    true => world.span(10, MINUTE),
                    false => world.between(1, DAY / 3),
                };
                world.plan(after, Happening::Wish);
                drop(world);
                self.wish();
            }
            Happening::Arrive { no } => {
                world.note(format!("{no} arrives at last"));
                world
                    .book
                    .entry(no.clone())
                    .and_modify(|entry| entry.under_way -= 1);
                world.arrive(&no);
            }
            Happening::End { no, state } => world.reach(&no, state),
            Happening::Deliver(told) => {
                world.note(format!("arrives at last: {told:?}"));
                world.deliver(told);
            }
            Happening::CallBack {
                channel,
                body,
                tries,
            } => {
                drop(world);
                self.call_back(channel, body, tries);
            }
            Happening::ChannelDown => {
                let (channel, after) = (world.pick(&CHANNELS), world.between(1, 6 * DAY));
                let lasts = world.span(MINUTE, 16 * HOUR);
                let until = world.now + lasts;
                world
                    .down
                    .insert(channel.expect("there are channels"), until);
                world.counts.outages += 1;
                world.note(format!("{channel:?} is down for {} s", lasts / SECOND));
                world.plan(after, Happening::ChannelDown);
            }
            Happening::ReceiverDown => {
                let (lasts, after) = (world.span(MINUTE, 12 * HOUR), world.between(1, 8 * DAY));
                world.receiver_down = world.now + lasts;
                // Makes refunds that reach a second state while the notice of the first one waits.
                for _ in 0..8 {
                    let after = world.between(1, lasts);
                    world.plan(after, Happening::WishOnce);
                }
                world.counts.outages += 1;
                world.note(format!(
                    "the merchant's system is down for {} s",
                    lasts / SECOND
                ));
                world.plan(after, Happening::ReceiverDown);
            }
            Happening::Crash => {
                let after = world.between(1, 2 * DAY);
                world.plan(after, Happening::Crash);
                let up: Vec<_> = (0..self.nodes.len())
                    .filter(|node| self.nodes[*node].is_up())
                    .collect();
                let node = world.pick(&up);
                let down_for = world.span(SECOND, 20 * MINUTE);
                drop(world);
                if let Some(node) = node {
                    self.die(node, down_for);
                }
            }
            Happening::Stop => {
                let (lasts, after) = (world.span(MINUTE, 10 * HOUR), world.between(1, 14 * DAY));
                world.plan(after, Happening::Stop);
                drop(world);
                for node in 0..self.nodes.len() {
                    if self.nodes[node].is_up() {
                        self.die(node, lasts);
                    }
                }
            }
            Happening::Boot { node } => {
                world.note(format!("node {node} is up"));
                drop(world);
                self.nodes[node].boot(&self.url, &self.world);
            }
            Happening::Skew => {
                let after = world.between(1, DAY);
                world.plan(after, Happening::Skew);
                let node = world.between(0, self.nodes.len() as i64 - 1) as usize;
                self.nodes[node].skew = world.between(-2 * SECOND, 2 * SECOND);
                world.note(format!(
                    "node {node}'s clock is set to {} ms",
                    self.nodes[node].skew
                ));
            }
        }
        true
    }

    /// Kills a node with all the work that it had begun. A channel that was calling it calls again.
    fn die(&mut self, node: usize, down_for: i64) {
        let mut world = self.world.lock();
        world.note(format!("node {node} dies for {} s", down_for / SECOND));
        world.counts.crashes += 1;
        world.parked.retain(|parked| parked.node != node);
        let mut gone: Vec<_> = self
            .begun
            .extract_if(|_, begun| begun.node == node)
            .collect();
        gone.sort_by_key(|(id, _)| *id);
        for (_, begun) in gone {
            if let Some(callback) = begun.callback {
                let after = world.span(MINUTE, 2 * HOUR);
                world.plan(after, callback);
            }
        }
        world.plan(down_for, Happening::Boot { node });
        drop(world);
        self.nodes[node].die();
    }

    fn call_back(&mut self, channel: Channel, body: String, tries: u32) {
        let again = Happening::CallBack {
            channel,
            body: body.clone(),
            tries: tries + 1,
        };
        self.world.lock().counts.callbacks += 1;
        let name = format!("callback {body}");
        let action: Action = Box::new(move |ctx| {
            Box::pin(async move {
                let (app_id, headers) = (merchant().app_id, HashMap::new());
                let reply =
                    refunds::callback(&ctx, &app_id, channel, None, &headers, body.as_bytes())
                        .await;
                reply.map(|reply| Outcome::Reply(reply.status))
            })
        });
        if !self.begin_anywhere(name, Some(again.clone()), action) && tries < 6 {
            let mut world = self.world.lock();
            let after = world.span(MINUTE, 2 * HOUR);
            world.plan(after, again);
        }
    }

    /// Begins a use-case on any node that is up. Returns false where none is.
    pub fn begin_anywhere(
        &mut self,
        name: String,
        callback: Option<Happening>,
        action: Action,
    ) -> bool {
        let up: Vec<_> = (0..self.nodes.len())
            .filter(|node| self.nodes[*node].is_up())
            .collect();
        let Some(node) = self.world.lock().pick(&up) else {
            return false;
        };
        self.begin_on(node, name, None, callback, action);
        true
    }

    fn begin_on(
        &mut self,
        node: usize,
        name: String,
        work: Option<Work>,
        callback: Option<Happening>,
        action: Action,
    ) {
        let id = {
            let mut world = self.world.lock();
            let id = world.serial();
            world.note(format!("node {node} begins {id}: {name}"));
            id
        };
        let scheduled = matches!(work, Some(Work::Sync(_)));
        self.begun.insert(
            id,
            Begun {
                node,
                work,
                callback,
            },
        );
        self.nodes[node].begin(action, id, &self.world);
        self.drive(node, scheduled);
    }

    /// Runs a node until it waits for an answer, is done or dies.
    fn drive(&mut self, node: usize, scheduled: bool) {
        let now = {
            let mut world = self.world.lock();
            world.scheduled = scheduled;
            world.now
        };
        let signal = in_real_time(self.signals.recv());
        let signal = self.nodes[node].run(now, signal);
        match signal {
            Signal::Parked => {}
            Signal::Died => {
                let down_for = self.world.lock().span(SECOND, 20 * MINUTE);
                self.die(node, down_for);
            }
            Signal::Done(id, outcome) => self.done(id, outcome),
        }
    }

    fn done(&mut self, id: u64, outcome: Result<Outcome, Error>) {
        let begun = self.begun.remove(&id).expect("what is done was begun");
        let is_callback = begun.callback.is_some();
        let told = match &outcome {
            Ok(Outcome::Order(order)) => format!("order {}", order.order_no),
            Ok(Outcome::Refund(refund)) => format!(
                "{} {} v{}",
                refund.refund_no,
                refund.status.as_str(),
                refund.version
            ),
            Ok(Outcome::Reply(status)) => format!("reply {status}"),
            Ok(Outcome::Nothing) => "done".to_owned(),
            Err(Error::Refused(refusal)) if !is_callback => format!("refused: {refusal:?}"),
            Err(error) => panic!("{error:?}"),
        };
        self.world.lock().note(format!("{id} ends: {told}"));
        match outcome {
            Ok(Outcome::Order(order)) => self.orders.push(*order),
            Ok(Outcome::Refund(refund)) => {
                self.accepted.insert(refund.biz_refund_no, refund.amount.0);
            }
            Ok(Outcome::Reply(status)) => assert_eq!(status, 200, "a true callback is taken"),
            _ => {}
        }
    }
}

/// Waits for a signal in real time, so that a server that hangs fails the history instead of stopping it.
async fn in_real_time(signal: impl Future<Output = Option<Signal>>) -> Signal {
    let signal = tokio::time::timeout(Duration::from_secs(120), signal).await;
    signal
        .expect("the node hangs")
        .expect("the world has a sender")
}

/// Makes a temporary folder, in memory where that is possible: the disk is not simulated.
fn temporary_folder() -> TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    folder.expect("a temporary folder")
}
