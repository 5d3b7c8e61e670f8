//! What every room of the server is handed.

use std::sync::{Arc, RwLock};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::error::Refusal;
use crate::domain::merchant::MerchantApp;
use crate::domain::time::Timestamp;
use crate::server::channels::Channels;
use crate::server::channels::breaker::Breakers;
use crate::server::clock::Clock;
use crate::server::config::Config;
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::notices::Notices;
use crate::server::numbers::Numbers;
use crate::server::people::lockout::AddressLimits;
use crate::server::store;

/// The running server: cheap to clone, all of it shared.
#[derive(Clone)]
pub struct Ctx(Arc<Inner>);

/// What an [`Ctx`] holds.
pub struct Inner {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub numbers: Numbers,
    pub channels: Channels,
    pub breakers: Breakers,
    pub notices: Notices,
    /// The logins that each address may have checked.
    pub logins: AddressLimits,
    /// Work that goes on when its caller goes away, and that a graceful stop waits for.
    pub tasks: TaskTracker,
    /// Cancelled as soon as a graceful stop begins: no further requests should be sent here.
    pub stopping: CancellationToken,
    merchants: RwLock<Merchants>,
}

/// What a server hears and says that its database does not hold.
pub struct Externals {
    pub numbers: Numbers,
    pub channels: Channels,
    pub notices: Notices,
}

/// The apps as they were when last read.
#[derive(Default)]
struct Merchants {
    read_at: Option<Timestamp>,
    apps: Vec<Arc<MerchantApp>>,
}

/// A change of an app's settings is seen by every node within this time.
const MERCHANTS_KEPT_MS: i64 = 2_000;

impl std::ops::Deref for Ctx {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Ctx {
    /// Puts the server together on an open database.
    pub fn new(config: Config, db: Db, clock: Clock) -> Ctx {
        let externals = Externals {
            numbers: Numbers::new(&config, db.clone()),
            channels: Channels::new(&config, db.clone(), clock.clone()),
            notices: Notices::new(&config),
        };
        Ctx::with(config, db, clock, externals)
    }

    /// Puts the server together on an open database, with what reaches out of it.
    pub fn with(config: Config, db: Db, clock: Clock, externals: Externals) -> Ctx {
        Ctx(Arc::new(Inner {
            numbers: externals.numbers,
            channels: externals.channels,
            breakers: Breakers::default(),
            notices: externals.notices,
            logins: AddressLimits::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            merchants: RwLock::default(),
            config,
            db,
            clock,
        }))
    }

    /// The app of a request; without an id the default one.
    ///
    /// # Errors
    /// [`Refusal::AppNotEnabled`] when there is none, or it is disabled.
    pub async fn merchant_app(&self, app_id: Option<&str>) -> Result<Arc<MerchantApp>> {
        let wanted = |app: &&Arc<MerchantApp>| app_id.map_or(app.is_default, |id| app.app_id == id);
        let apps = self.merchant_apps().await?;
        let found = apps.iter().find(wanted).filter(|app| app.enabled);
        found.cloned().ok_or(Error::Refused(Refusal::AppNotEnabled))
    }

    /// The app that a refund of ours belongs to, enabled or not: what was begun for it is brought to
    /// its end.
    pub async fn merchant_app_of(&self, app_id: &str) -> Result<Arc<MerchantApp>> {
        let apps = self.merchant_apps().await?;
        let found = apps.into_iter().find(|app| app.app_id == app_id);
        found.ok_or_else(|| Error::internal(format!("app {app_id} has vanished")))
    }

    /// All apps, by id.
    pub async fn merchant_apps(&self) -> Result<Vec<Arc<MerchantApp>>> {
        let now = self.clock.now();
        {
            let kept = self
                .merchants
                .read()
                .expect("nothing panics while holding this lock");
            if kept
                .read_at
                .is_some_and(|at| (now.0 - at.0).abs() < MERCHANTS_KEPT_MS)
            {
                return Ok(kept.apps.clone());
            }
        }
        let mut conn = self.db.read().await?;
        let apps: Vec<_> = store::merchant::all(&mut conn)
            .await?
            .into_iter()
            .map(Arc::new)
            .collect();
        let mut kept = self
            .merchants
            .write()
            .expect("nothing panics while holding this lock");
        *kept = Merchants {
            read_at: Some(now),
            apps: apps.clone(),
        };
        Ok(apps)
    }
}
