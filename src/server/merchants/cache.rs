//! The merchants' apps as they were when last read: every request needs one, and they seldom change.

use std::sync::{Arc, Mutex, MutexGuard};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use crate::domain::error::Refusal;
use crate::domain::merchant::{MerchantApp, SealedApp};
use crate::domain::time::Timestamp;
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::store;
use crate::server::store::sealed::APP_SECRET;
use crate::server::vault::Vault;

/// A change of an app's settings is seen by every node within this time.
const KEPT_MS: i64 = 2_000;

/// The merchants' apps, read when they are asked for and kept for a moment.
pub struct Merchants {
    db: Db,
    vault: Vault,
    clock: Clock,
    last: Mutex<Option<(Timestamp, Reading)>>,
}

type Apps = Arc<[Arc<MerchantApp>]>;

/// The apps of one read.
#[derive(Clone)]
struct Read {
    apps: Apps,
    /// Apps whose secret did not open. Each fails by itself: the others are served.
    unopened: Arc<[Unopened]>,
}

struct Unopened {
    app_id: String,
    is_default: bool,
    why: Error,
}

/// A read of all apps, under way or done, that all wait for who ask meanwhile: when the apps grow too old
/// under load, the database is asked once.
type Reading = Shared<BoxFuture<'static, Result<Read>>>;

impl Merchants {
    /// Makes a cache that has read nothing yet.
    pub fn new(db: Db, vault: Vault, clock: Clock) -> Merchants {
        Merchants {
            db,
            vault,
            clock,
            last: Mutex::default(),
        }
    }

    /// Returns the app of a request; without an id the default one.
    ///
    /// # Errors
    /// [`Refusal::AppNotEnabled`] when there is none, or it is disabled.
    pub async fn enabled(&self, app_id: Option<&str>) -> Result<Arc<MerchantApp>> {
        let found = self.find(app_id).await?.filter(|app| app.enabled);
        found.ok_or(Error::Refused(Refusal::AppNotEnabled))
    }

    /// Returns the app that a channel's callback names, enabled or not: what was begun for it is heard of.
    ///
    /// # Errors
    /// [`Refusal::AppNotEnabled`] when there is none.
    pub async fn known(&self, app_id: &str) -> Result<Arc<MerchantApp>> {
        let found = self.find(Some(app_id)).await?;
        found.ok_or(Error::Refused(Refusal::AppNotEnabled))
    }

    /// Returns the app that a refund of ours belongs to, enabled or not: what was begun for it is
    /// brought to its end.
    pub async fn of(&self, app_id: &str) -> Result<Arc<MerchantApp>> {
        let found = self.find(Some(app_id)).await?;
        found.ok_or_else(|| Error::internal(format!("app {app_id} has vanished")))
    }

    /// Returns the app of this id; without an id the default one.
    async fn find(&self, app_id: Option<&str>) -> Result<Option<Arc<MerchantApp>>> {
        let wanted = |id: &str, is_default| app_id.map_or(is_default, |wanted| id == wanted);
        let read = self.read().await?;
        let mut unopened = read.unopened.iter();
        if let Some(app) = unopened.find(|app| wanted(&app.app_id, app.is_default)) {
            return Err(app.why.clone());
        }
        let mut apps = read.apps.iter();
        Ok(apps
            .find(|app| wanted(&app.app_id, app.is_default))
            .cloned())
    }

    /// Returns all apps, by id, but for those whose secret does not open.
    pub async fn all(&self) -> Result<Apps> {
        Ok(self.read().await?.apps)
    }

    async fn read(&self) -> Result<Read> {
        let reading = self.reading();
        let read = reading.clone().await;
        if read.is_err() {
            // A failure is for those who waited for it; the next asks again.
            let mut last = self.last();
            if last.as_ref().is_some_and(|(_, kept)| kept.ptr_eq(&reading)) {
                *last = None;
            }
        }
        read
    }

    /// Returns the last read, or begins another where that was too long ago.
    fn reading(&self) -> Reading {
        let now = self.clock.now();
        let mut last = self.last();
        match &*last {
            Some((at, reading)) if (now.0 - at.0).abs() < KEPT_MS => reading.clone(),
            _ => {
                let reading = read(self.db.clone(), self.vault.clone()).boxed().shared();
                *last = Some((now, reading.clone()));
                reading
            }
        }
    }

    fn last(&self) -> MutexGuard<'_, Option<(Timestamp, Reading)>> {
        self.last
            .lock()
            .expect("nothing panics while holding this lock")
    }
}

async fn read(db: Db, vault: Vault) -> Result<Read> {
    let stored = store::merchant::all(&mut *db.read().await?).await?;
    let (mut apps, mut unopened) = (Vec::new(), Vec::new());
    for app in stored {
        let (app_id, is_default) = (app.app_id.clone(), app.is_default);
        match opened(&vault, app) {
            Ok(app) => apps.push(Arc::new(app)),
            Err(why) => {
                tracing::error!(app_id, error = %why, "an app cannot be served");
                unopened.push(Unopened {
                    app_id,
                    is_default,
                    why,
                });
            }
        }
    }
    Ok(Read {
        apps: apps.into(),
        unopened: unopened.into(),
    })
}

fn opened(vault: &Vault, app: SealedApp) -> Result<MerchantApp> {
    let secret = vault.open(&APP_SECRET, &[&app.app_id], &app.secret)?;
    Ok(app.with_secret(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::Config;
    use crate::server::testing::{app_with, merchant};

    #[tokio::test]
    async fn the_apps_are_read_once_by_all_who_ask_and_again_when_they_are_old() {
        let (ctx, _database) = app_with(Config::default()).await;
        let (one, two) = tokio::join!(ctx.merchants.all(), ctx.merchants.all());
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.is_empty() && Arc::ptr_eq(&one, &two));

        merchant(&ctx).await;
        ctx.clock.advance_ms(KEPT_MS - 1);
        assert!(ctx.merchants.all().await.unwrap().is_empty());
        ctx.clock.advance_ms(1);
        assert_eq!(ctx.merchants.all().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_not_kept() {
        let (ctx, _database) = app_with(Config::default()).await;
        ctx.db.close().await;
        assert!(ctx.merchants.all().await.is_err());
        assert!(ctx.merchants.last().is_none());
    }
}
