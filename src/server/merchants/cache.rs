//! The merchants' apps as they were when last read: every request needs one, and they seldom change.

use std::sync::{Arc, Mutex, MutexGuard};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use crate::domain::error::Refusal;
use crate::domain::merchant::MerchantApp;
use crate::domain::time::Timestamp;
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::store;

/// A change of an app's settings is seen by every node within this time.
const KEPT_MS: i64 = 2_000;

/// The merchants' apps, read when they are asked for and kept for a moment.
pub struct Merchants {
    db: Db,
    clock: Clock,
    last: Mutex<Option<(Timestamp, Reading)>>,
}

type Apps = Arc<[Arc<MerchantApp>]>;

/// A read of all apps, under way or done, that all wait for who ask meanwhile: when the apps grow too old
/// under load, the database is asked once.
type Reading = Shared<BoxFuture<'static, Result<Apps>>>;

impl Merchants {
    /// Makes a cache that has read nothing yet.
    pub fn new(db: Db, clock: Clock) -> Merchants {
        Merchants {
            db,
            clock,
            last: Mutex::default(),
        }
    }

    /// Returns the app of a request; without an id the default one.
    ///
    /// # Errors
    /// [`Refusal::AppNotEnabled`] when there is none, or it is disabled.
    pub async fn enabled(&self, app_id: Option<&str>) -> Result<Arc<MerchantApp>> {
        let wanted = |app: &&Arc<MerchantApp>| app_id.map_or(app.is_default, |id| app.app_id == id);
        let apps = self.all().await?;
        let found = apps.iter().find(wanted).filter(|app| app.enabled);
        found.cloned().ok_or(Error::Refused(Refusal::AppNotEnabled))
    }

    /// Returns the app that a channel's callback names, enabled or not: what was begun for it is heard of.
    ///
    /// # Errors
    /// [`Refusal::AppNotEnabled`] when there is none.
    pub async fn known(&self, app_id: &str) -> Result<Arc<MerchantApp>> {
        let found = self.find(app_id).await?;
        found.ok_or(Error::Refused(Refusal::AppNotEnabled))
    }

    /// Returns the app that a refund of ours belongs to, enabled or not: what was begun for it is
    /// brought to its end.
    pub async fn of(&self, app_id: &str) -> Result<Arc<MerchantApp>> {
        let found = self.find(app_id).await?;
        found.ok_or_else(|| Error::internal(format!("app {app_id} has vanished")))
    }

    async fn find(&self, app_id: &str) -> Result<Option<Arc<MerchantApp>>> {
        let apps = self.all().await?;
        Ok(apps.iter().find(|app| app.app_id == app_id).cloned())
    }

    /// Returns all apps, by id.
    pub async fn all(&self) -> Result<Apps> {
        let reading = self.reading();
        let apps = reading.clone().await;
        if apps.is_err() {
            // A failure is for those who waited for it; the next asks again.
            let mut last = self.last();
            if last.as_ref().is_some_and(|(_, kept)| kept.ptr_eq(&reading)) {
                *last = None;
            }
        }
        apps
    }

    /// Returns the last read, or begins another where that was too long ago.
    fn reading(&self) -> Reading {
        let now = self.clock.now();
        let mut last = self.last();
        match &*last {
            Some((at, reading)) if (now.0 - at.0).abs() < KEPT_MS => reading.clone(),
            _ => {
                let reading = read(self.db.clone()).boxed().shared();
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

async fn read(db: Db) -> Result<Apps> {
    let mut conn = db.read().await?;
    let apps = store::merchant::all(&mut conn).await?;
    Ok(apps.into_iter().map(Arc::new).collect())
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
