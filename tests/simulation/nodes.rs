//! Nodes: real servers without HTTP, on one database. A node runs only while the driver lets it, until it waits for an
//! answer, dies or is done. So everything runs in one order, which the seed decides.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::BoxFuture;
use rand::RngExt;
use refundry::domain::merchant::{AppChannel, MerchantApp};
use refundry::domain::order::{Channel, Order};
use refundry::domain::refund::Refund;
use refundry::domain::time::Timestamp;
use refundry::server::channels::Adapters;
use refundry::server::channels::adapter::ChannelAdapter;
use refundry::server::clock::Clock;
use refundry::server::config::Config;
use refundry::server::ctx::{Ctx, Externals};
use refundry::server::db::Db;
use refundry::server::error::Error;
use refundry::server::node_lease::NodeLease;
use refundry::server::numbers::{Numbers, Sequence};
use refundry::server::outbound::Outbound;
use refundry::server::vault::Vault;
use tokio::runtime::{Builder, Runtime};

use crate::bank::Teller;
use crate::receiver::Postman;
use crate::support;
use crate::world::{DAY, Shared, Signal};

pub const CHANNELS: [Channel; 2] = [Channel::AliPay, Channel::WechatPay];
pub const OVERDUE_AFTER: i64 = DAY;

/// The result of a use-case.
pub enum Outcome {
    Order(Box<Order>),
    Refund(Box<Refund>),
    /// Status code of a callback's reply.
    Reply(u16),
    Nothing,
}

pub type Action = Box<dyn FnOnce(Ctx) -> BoxFuture<'static, Result<Outcome, Error>>>;

/// Returns the only merchant's app.
pub fn merchant() -> MerchantApp {
    // The simulated channels take the place of real ones, so no account is in test mode.
    let channels = CHANNELS.map(|channel| AppChannel {
        test_mode: false,
        ..support::test_channel("DEMO", channel)
    });
    MerchantApp {
        notify_url: Some("https://merchant.example/refunds".to_owned()),
        channels: channels.to_vec(),
        ..support::demo_app()
    }
}

/// A node, running or dead.
pub struct Node {
    number: usize,
    clock: Clock,
    /// Milliseconds by which the node's clock is ahead.
    pub skew: i64,
    running: Option<(Runtime, Ctx)>,
}

impl Node {
    pub fn new(number: usize) -> Node {
        Node {
            number,
            clock: Clock::manual(Timestamp(0)),
            skew: 0,
            running: None,
        }
    }

    pub fn is_up(&self) -> bool {
        self.running.is_some()
    }

    pub fn boot(&mut self, url: &str, world: &Shared) {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let config = Config {
            // Measured in real time, so it must never be reached.
            channel_time_limit_ms: 60_000,
            // One at a time: otherwise chance would decide which sync calls first.
            syncs_at_once: 1,
            notices_at_once: 1,
            overdue_after_ms: OVERDUE_AFTER,
            recheck_after_ms: DAY,
            ..Config::default()
        };
        let adapter = |channel| {
            let (world, node) = (world.clone(), self.number);
            let adapter: Arc<dyn ChannelAdapter> = Arc::new(Teller {
                world,
                node,
                channel,
            });
            (channel, adapter)
        };
        let (shared, node) = (world.clone(), self.number);
        let first = world.lock().rng.random_range(0..1_000_000);
        let adapters = Adapters::of(HashMap::from(CHANNELS.map(adapter)));
        let outbound = Outbound::by(Box::new(Postman {
            world: shared,
            node,
        }));
        let clock = self.clock.clone();
        let ctx = runtime.block_on(async {
            let db = Db::open(url, Some(2), 16).await;
            let db = db.expect("the database opens");
            let numbers = Numbers {
                sequence: Sequence::beginning_at(&config.number_prefix, &config.time_zone, first),
                lease: NodeLease::new(config.node, db.clone()),
            };
            let externals = Externals {
                numbers,
                adapters,
                outbound,
            };
            Ctx::with(config, db, Vault::published(), clock, externals)
        });
        self.running = Some((runtime, ctx));
    }

    /// Ends all the work that the node had begun, and its connections.
    pub fn die(&mut self) {
        self.running = None;
    }

    /// Begins a use-case. It runs once the driver runs the node.
    pub fn begin(&self, action: Action, id: u64, world: &Shared) {
        let (runtime, ctx) = self.running.as_ref().expect("the node is up");
        let signals = world.lock().signals.clone();
        let work = action(ctx.clone());
        runtime.spawn(async move {
            let outcome = work.await;
            let _ = signals.send(Signal::Done(id, outcome));
        });
    }

    /// Runs the node's tasks until `until` is done.
    pub fn run<T>(&self, now: i64, until: impl Future<Output = T>) -> T {
        if let Clock::Manual(at) = &self.clock {
            at.store(now + self.skew, Ordering::SeqCst);
        }
        let (runtime, _) = self.running.as_ref().expect("the node is up");
        runtime.block_on(until)
    }

    pub fn ctx(&self) -> Ctx {
        self.running.as_ref().expect("the node is up").1.clone()
    }
}
