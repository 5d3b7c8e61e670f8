//! Openings that let anybody in. A demonstration's published secret and login keep a server from starting; weak secrets and
//! apps without signatures are named in the log at each start.

use crate::server::ctx::Ctx;
use crate::server::error::Error;
use crate::server::merchants::PUBLISHED_SECRET;
use crate::server::people::DEMO_HASH;
use crate::server::{guessable, store};

/// The reason why a database is not served: a demonstration has published how to get in.
#[derive(Debug, thiserror::Error)]
pub enum ExposureError {
    #[error(
        "the secret of the app {app_id} is the demonstration's, which is published; \
         replace it: refundry app new-secret {app_id} --keep-old 0s"
    )]
    Secret { app_id: String },
    #[error(
        "the old secret of the app {app_id} is the demonstration's, which is published; \
         end it: refundry app drop-old-secret {app_id}"
    )]
    OldSecret { app_id: String },
    #[error(
        "the operator {name} has the demonstration's login, which is published; \
         set a password: refundry user password {name}, or remove it: refundry user delete {name}"
    )]
    Login { name: String },
    #[error(transparent)]
    Broken(#[from] Error),
}

/// Refuses a database with a published secret or login, and names weak secrets and apps without signatures in the log.
/// A demonstration is not checked.
pub async fn check(ctx: &Ctx) -> Result<(), ExposureError> {
    for app in ctx.merchants.all().await?.iter() {
        let app_id = app.app_id.clone();
        if app.secret.is(PUBLISHED_SECRET) {
            return Err(ExposureError::Secret { app_id });
        }
        let old = app.old_secret.as_ref();
        if old.is_some_and(|old| old.secret.is(PUBLISHED_SECRET)) {
            return Err(ExposureError::OldSecret { app_id });
        }
        if !app.needs_signature() {
            tracing::warn!(
                "anybody may refund by the app {app_id}, whose requests need no signature; \
                 demand them: refundry app set {app_id} --unsigned off"
            );
        }
        if guessable::secret(app.secret.reveal()).is_some() {
            tracing::warn!(
                "the secret of the app {app_id} is easy to guess; replace it: refundry app new-secret {app_id}"
            );
        }
    }
    let mut conn = ctx.db.read().await?;
    let with_demo_login = store::operator::with_password_hash(&mut conn, DEMO_HASH).await;
    match with_demo_login.map_err(Error::from)? {
        Some(name) => Err(ExposureError::Login { name }),
        None => Ok(()),
    }
}
