//! The context of the server: the parts that all its modules share.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::server::channels::sandbox::SandboxSettings;
use crate::server::channels::{Adapters, CallLimits, Channels};
use crate::server::checkup::Checkup;
use crate::server::clock::Clock;
use crate::server::config::Config;
use crate::server::db::Db;
use crate::server::merchants::cache::Merchants;
use crate::server::node_lease::NodeLease;
use crate::server::numbers::{Numbers, Sequence};
use crate::server::outbound::{Networks, Outbound};
use crate::server::people::login_limits::LoginLimits;
use crate::server::rate_limits::RateLimits;
use crate::server::restoration::RestoredMode;
use crate::server::shares::Shares;
use crate::server::vault::Vault;

/// The running server: cheap to clone, all of it shared.
#[derive(Clone)]
pub struct Ctx(Arc<Inner>);

/// The parts of a [`Ctx`].
pub struct Inner {
    pub config: Config,
    pub db: Db,
    /// Seals and opens the secrets in the database.
    pub vault: Vault,
    pub clock: Clock,
    pub merchants: Merchants,
    pub numbers: Numbers,
    pub channels: Channels,
    pub outbound: Outbound,
    pub checkup: Checkup,
    /// Restored mode, in which nothing is submitted to channels.
    pub restored: RestoredMode,
    /// The logins that each address may have checked.
    pub logins: LoginLimits,
    /// The requests that each address and app may make.
    pub rate_limits: RateLimits,
    /// The places among the merchants' requests under way, which all apps share.
    pub app_places: Arc<Shares<String>>,
    /// Work that goes on when its caller goes away, and that a graceful stop waits for.
    pub tasks: TaskTracker,
    /// Cancelled as soon as a graceful stop begins: no further requests should be sent here.
    pub stopping: CancellationToken,
    /// Cancelled once a stop has been told for long enough: nothing more is accepted, and what has not arrived whole is
    /// not waited for.
    pub closing: CancellationToken,
}

/// The server's connections to the outside, and its numbers. Tests replace them.
pub struct Externals {
    pub numbers: Numbers,
    pub adapters: Adapters,
    pub outbound: Outbound,
}

impl std::ops::Deref for Ctx {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Ctx {
    /// Puts the server together on an open database.
    pub fn new(config: Config, db: Db, vault: Vault, clock: Clock) -> Ctx {
        let sandbox = config.sandbox.then_some(SandboxSettings {
            delay_ms: config.sbx_delay_ms,
            timeout_ms: config.sbx_timeout_ms,
        });
        let networks = match (config.private_notify, config.demo) {
            (true, _) => Networks::All,
            (false, true) => Networks::PublicAndLoopback,
            (false, false) => Networks::Public,
        };
        let externals = Externals {
            numbers: Numbers {
                sequence: Sequence::new(&config.number_prefix, &config.time_zone),
                lease: NodeLease::new(config.node, db.clone()),
            },
            adapters: Adapters::new(sandbox, db.clone(), clock.clone()),
            outbound: Outbound::new(networks),
        };
        Ctx::with(config, db, vault, clock, externals)
    }

    /// Puts the server together on an open database, with what reaches out of it.
    pub fn with(config: Config, db: Db, vault: Vault, clock: Clock, externals: Externals) -> Ctx {
        let limits = CallLimits {
            time_limit: Duration::from_millis(config.channel_time_limit_ms.unsigned_abs()),
            calls_at_once: config.channel_calls_at_once as usize,
        };
        Ctx(Arc::new(Inner {
            merchants: Merchants::new(db.clone(), vault.clone(), clock.clone()),
            numbers: externals.numbers,
            channels: Channels::new(
                externals.adapters,
                limits,
                db.clone(),
                vault.clone(),
                clock.clone(),
            ),
            outbound: externals.outbound,
            checkup: Checkup::default(),
            restored: RestoredMode::new(db.clone(), clock.clone()),
            logins: LoginLimits::default(),
            rate_limits: RateLimits::new(&config),
            app_places: Shares::new(config.max_in_flight as usize),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            closing: CancellationToken::new(),
            config,
            db,
            vault,
            clock,
        }))
    }
}
