//! What tests beside the server's code have in common.

use tempfile::TempDir;

use super::app::App;
use super::clock::Clock;
use super::config::Config;
use super::db::Db;
use super::{demo, store};
use crate::domain::merchant::MerchantApp;
use crate::domain::time::Millis;

/// An app on a fresh database, with a clock that the test moves. The folder goes when it is dropped.
pub async fn app_with(config: Config) -> (App, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}/test.db?mode=rwc", folder.path().display());
    let db = Db::open(&url, 4, 256)
        .await
        .expect("a fresh database opens");
    let start = Millis(1_760_000_000_000);
    (App::new(config, db, Clock::manual(start)), folder)
}

/// The demonstration's app, added where it is not there yet.
pub async fn merchant(app: &App) -> MerchantApp {
    let merchant = demo::merchant();
    let wanted = merchant.clone();
    app.db
        .write(move |conn| {
            let wanted = wanted.clone();
            Box::pin(async move {
                let known = store::merchant::all(conn).await?;
                if !known.iter().any(|known| known.app_id == wanted.app_id) {
                    store::merchant::insert(conn, &wanted, Millis::default()).await?;
                }
                Ok(())
            })
        })
        .await
        .expect("the app can be added");
    merchant
}
