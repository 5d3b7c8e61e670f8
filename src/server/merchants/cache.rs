//! The merchants' apps, kept in memory for a moment: every request needs one, and they seldom change.

use std::sync::Arc;

use futures::FutureExt;

use crate::domain::error::Refusal;
use crate::domain::merchant::{MerchantApp, OldSecret, SealedApp};
use crate::domain::secret::Sealed;
use crate::server::clock::Clock;
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::recent::Recent;
use crate::server::store;
use crate::server::store::sealed::{APP_OLD_SECRET, APP_SECRET};
use crate::server::vault::Vault;

/// The merchants' apps. Reads them when they are needed and keeps them for a moment.
pub struct Merchants(Recent<Read>);

type Apps = Arc<[Arc<MerchantApp>]>;

/// The result of one reading.
#[derive(Clone)]
struct Read {
    apps: Apps,
    /// Apps whose secret could not be opened. All other apps are served.
    unopened: Arc<[Unopened]>,
}

struct Unopened {
    app_id: String,
    is_default: bool,
    why: Error,
}

impl Merchants {
    /// Makes the apps, with nothing read yet.
    pub fn new(db: Db, vault: Vault, clock: Clock) -> Merchants {
        Merchants(Recent::new(clock, move || {
            read(db.clone(), vault.clone()).boxed()
        }))
    }

    /// Returns the app of a request. `None` means the default app.
    ///
    /// # Errors
    /// [`Refusal::AppNotEnabled`] where there is no such app, or it is disabled.
    pub async fn enabled(&self, app_id: Option<&str>) -> Result<Arc<MerchantApp>> {
        let found = self.find(app_id).await?.filter(|app| app.enabled);
        found.ok_or(Error::Refused(Refusal::AppNotEnabled))
    }

    /// Returns the app that a channel's callback names, enabled or not: refunds that have begun are brought to their
    /// end.
    ///
    /// # Errors
    /// [`Refusal::AppNotEnabled`] where there is no such app.
    pub async fn known(&self, app_id: &str) -> Result<Arc<MerchantApp>> {
        let found = self.find(Some(app_id)).await?;
        found.ok_or(Error::Refused(Refusal::AppNotEnabled))
    }

    /// Returns the app of a stored refund, enabled or not: refunds that have begun are brought to their end.
    pub async fn of(&self, app_id: &str) -> Result<Arc<MerchantApp>> {
        let found = self.find(Some(app_id)).await?;
        found.ok_or_else(|| Error::internal(format!("app {app_id} has vanished")))
    }

    /// Returns the app of this id. `None` means the default app.
    async fn find(&self, app_id: Option<&str>) -> Result<Option<Arc<MerchantApp>>> {
        let wanted = |id: &str, is_default| app_id.map_or(is_default, |wanted| id == wanted);
        let read = self.0.get().await?;
        let mut unopened = read.unopened.iter();
        if let Some(app) = unopened.find(|app| wanted(&app.app_id, app.is_default)) {
            return Err(app.why.clone());
        }
        let mut apps = read.apps.iter();
        Ok(apps
            .find(|app| wanted(&app.app_id, app.is_default))
            .cloned())
    }

    /// Returns all apps whose secret can be opened, by id.
    pub async fn all(&self) -> Result<Apps> {
        Ok(self.0.get().await?.apps)
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
    let key = [app.app_id.as_str()];
    let secret = vault.open(&APP_SECRET, &key, &app.secret)?;
    let open_old = |old: &OldSecret<Sealed>| {
        let secret = vault.open(&APP_OLD_SECRET, &key, &old.secret)?;
        let until = old.until;
        Ok::<_, Error>(OldSecret { secret, until })
    };
    let old_secret = app.old_secret.as_ref().map(open_old).transpose()?;
    Ok(MerchantApp {
        old_secret,
        ..app.with_secret(secret)
    })
}
