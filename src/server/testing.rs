//! What tests beside the server's code have in common.

#[path = "../../tests/support/database.rs"]
#[allow(dead_code)] // other tests use the rest
pub mod database;

use self::database::TestDatabase;
use super::app::App;
use super::clock::Clock;
use super::config::Config;
use super::db::Db;
use super::{demo, store};
use crate::domain::merchant::MerchantApp;
use crate::domain::time::Millis;

/// An app on a fresh database, with a clock that the test moves. The database goes when it is dropped.
pub async fn app_with(config: Config) -> (App, TestDatabase) {
    let database = TestDatabase::new();
    let db = Db::open(&database.url(), None, 256)
        .await
        .expect("a fresh database opens");
    let start = Millis(1_760_000_000_000);
    (App::new(config, db, Clock::manual(start)), database)
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
