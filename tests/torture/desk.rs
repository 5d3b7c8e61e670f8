//! A whole refund desk under test: its database, its nodes, its merchants, and a clock that can be stepped.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use refundry::domain::event::Actor;
use refundry::domain::merchant::MerchantApp;
use refundry::domain::order::Channel;
use refundry::domain::people::{Grant, Role};
use refundry::server::config::{Config, KeySettings};
use refundry::server::people::sessions::COOKIE;
use refundry::server::run::serve;
use refundry::server::{people, vault};
use tempfile::TempDir;

use crate::load::Town;
use crate::merchant::Merchant;
use crate::node::{Node, log_tail};
use crate::stepped_clock;
use crate::support::http::{PRIVATE_SECRET, cookie};
use crate::support::{add_app, demo_app, test_channel};

/// The app whose merchants ask for refunds.
pub const SHOP: &str = "SHOP";
/// A second app.
pub const OTHER: &str = "OTHER";

/// The administrator, who sets the sandbox's faults.
const ADMIN: &str = "admin";
const PASSWORD: &str = "blue horse battery";

/// Settings with short times for the sandbox and the channel, so that leases end soon, and with notices to this
/// machine.
const FLAGS: [&str; 7] = [
    "--sandbox",
    "--sbx-delay=300ms",
    "--sbx-timeout=60ms",
    "--channel-time-limit=1s",
    "--private-notify",
    // All merchants of a test have one address.
    "--requests-per-second=0",
    "--app-requests-per-second=0",
];

/// Maximum time from the end of a fault until a refund is accepted.
const RECOVERY: Duration = Duration::from_secs(15);

/// A desk. Dropping it kills its nodes and deletes its folder.
pub struct Desk {
    nodes: Vec<Option<Node>>,
    flags: Vec<String>,
    /// File of the clock, once the nodes run by one that can be stepped.
    clock: Option<PathBuf>,
    pub database_url: String,
    pub town: Arc<Town>,
    pub merchant: Merchant,
    pub kills: u32,
    begun: Instant,
    pub folder: TempDir,
}

impl Desk {
    /// Makes a desk on an embedded database in a folder of its own, with one node that is not started.
    pub async fn embedded(flags: &[&str]) -> Desk {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/desk.db?mode=rwc", folder.path().display());
        Desk::on(folder, url, 1, flags).await
    }

    /// Makes a desk of `nodes` nodes on a database, with the apps [`SHOP`] and [`OTHER`].
    pub async fn on(folder: TempDir, database_url: String, nodes: usize, flags: &[&str]) -> Desk {
        let merchant = Merchant::start().await;
        let keys_file = folder.path().join("keys");
        vault::make_file(&keys_file).unwrap();
        let config = Config {
            database_url: Some(database_url.clone().into()),
            keys: KeySettings {
                file: Some(keys_file),
                text: None,
            },
            ..Config::default()
        };
        let ctx = serve::open(config).await.unwrap();
        for app_id in [SHOP, OTHER] {
            let new = MerchantApp {
                app_id: app_id.to_owned(),
                mch_no: None,
                secret: PRIVATE_SECRET.into(),
                is_default: app_id == SHOP,
                notify_url: Some(merchant.url.clone()),
                channels: vec![test_channel(app_id, Channel::Sandbox)],
                ..demo_app()
            };
            add_app(&ctx, new).await;
        }
        let admin = Grant::everywhere(Role::Admin);
        let added = people::add(&ctx, ADMIN, admin, PASSWORD, Actor::System).await;
        added.unwrap();
        ctx.db.close().await;
        let name = |flag: &str| flag.split('=').next().map(str::to_owned);
        let own = FLAGS
            .iter()
            .filter(|own| flags.iter().all(|flag| name(flag) != name(own)));
        Desk {
            nodes: (0..nodes).map(|_| None).collect(),
            flags: own.chain(flags).map(|&flag| flag.to_owned()).collect(),
            clock: None,
            database_url,
            town: Town::new(),
            merchant,
            kills: 0,
            begun: Instant::now(),
            folder,
        }
    }

    /// Starts the nodes that are not running.
    pub async fn start(&mut self) {
        for n in 0..self.nodes.len() {
            if self.nodes[n].is_none() {
                self.start_node(n).await;
            }
        }
    }

    async fn start_node(&mut self, n: usize) {
        let mut flags = self.flags.clone();
        flags.push(format!("--database-url={}", self.database_url));
        flags.push(format!(
            "--keys-file={}",
            self.folder.path().join("keys").display()
        ));
        flags.push(format!("--node={n}"));
        let environment = self
            .clock
            .as_deref()
            .map(stepped_clock::environment)
            .unwrap_or_default();
        let node = Node::start(self.folder.path(), &flags, &environment).await;
        let mut addresses = self.town.nodes.lock().unwrap();
        addresses.resize(self.nodes.len(), node.address.clone());
        addresses[n].clone_from(&node.address);
        drop(addresses);
        self.nodes[n] = Some(node);
    }

    /// Logs the administrator in at a node, and returns the session's cookie.
    pub async fn log_in(&self, node: &str) -> String {
        let form = format!(
            "name={ADMIN}&password={}&next=%2F",
            PASSWORD.replace(' ', "+")
        );
        let post = self.town.http.post(format!("{node}/api/login"));
        let post = post
            .header("Origin", node)
            .header("Content-Type", "application/x-www-form-urlencoded");
        let answer = post.body(form).send().await.unwrap();
        cookie(&answer, COOKIE)
    }

    /// Kills a node as `kill -9` does.
    pub async fn kill(&mut self, n: usize) {
        let node = self.nodes[n].take().expect("a node that runs");
        node.kill().await;
        self.kills += 1;
    }

    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Fails if a node has ended by itself.
    pub fn assert_running(&mut self) {
        let log = log_tail(self.folder.path());
        for node in self.nodes.iter_mut().flatten() {
            assert!(node.is_running(), "a node has ended: {log}");
        }
    }

    /// Waits until a refund of an order is accepted again.
    pub async fn recovers(&self, order: &str) {
        let begun = Instant::now();
        loop {
            let answer = self.town.refund(SHOP, order).await;
            if answer.as_ref().is_some_and(|answer| answer["code"] == 0) {
                return;
            }
            let log = || log_tail(self.folder.path());
            assert!(begun.elapsed() < RECOVERY, "{answer:?}: {}", log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Restarts all nodes with a clock that can be stepped. Returns false where this machine has none.
    ///
    /// A PostgreSQL server in the same folder uses that clock from its start, because a node whose clock differs from
    /// its database's does no work of its own.
    pub async fn with_stepped_clock(&mut self) -> bool {
        if !stepped_clock::is_installed() {
            return false;
        }
        self.clock = Some(stepped_clock::in_folder(self.folder.path()));
        for n in 0..self.nodes.len() {
            if let Some(node) = self.nodes[n].take() {
                node.kill().await;
            }
        }
        self.start().await;
        true
    }

    /// Returns true where the nodes' clock can be stepped.
    pub fn has_stepped_clock(&self) -> bool {
        self.clock.is_some()
    }

    /// Steps the nodes' clock, forwards or backwards.
    pub fn step_clock(&self, seconds: i64) {
        let clock = self.clock.as_deref().expect("a clock that can be stepped");
        let offset = self.town.clock_offset.fetch_add(seconds, Ordering::SeqCst) + seconds;
        stepped_clock::set(clock, offset);
    }

    /// Returns the time since the test began.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

/// Number of tests that share the time of `make torture`.
const LONG_TESTS: f32 = 8.0;

/// Returns true while a test should go on: for `rounds` rounds, or, in `make torture`, for its share of
/// `TORTURE_MINUTES`.
pub fn goes_on(desk: &Desk, round: u32, rounds: u32) -> bool {
    match std::env::var("TORTURE_MINUTES") {
        Ok(minutes) => {
            let minutes: f32 = minutes.parse().expect("a number of minutes");
            desk.elapsed().as_secs_f32() < minutes * 60.0 / LONG_TESTS
        }
        Err(_) => round < rounds,
    }
}
