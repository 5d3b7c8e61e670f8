//! Helpers shared by the tests within the server's code.

#[path = "../../tests/support/database.rs"]
#[allow(dead_code)] // other tests use the rest
pub mod database;

use crate::demo;
use crate::domain::merchant::MerchantApp;
use crate::domain::time::Timestamp;
use crate::server::clock::Clock;
use crate::server::config::Config;
use crate::server::ctx::Ctx;
use crate::server::db::Db;
use crate::server::merchants;
use crate::server::store;
use crate::server::testing::database::TestDatabase;
use crate::server::vault::Vault;

/// Makes an app on a fresh database, with a clock that the test moves. The database is deleted when it is dropped.
pub async fn app_with(config: Config) -> (Ctx, TestDatabase) {
    let database = TestDatabase::new();
    let db = Db::open(&database.url(), None, 256)
        .await
        .expect("a fresh database opens");
    let start = Timestamp(1_760_000_000_000);
    (
        Ctx::new(config, db, Vault::published(), Clock::manual(start)),
        database,
    )
}

/// Returns the demonstration's app, which is added if it does not exist.
pub async fn merchant(ctx: &Ctx) -> MerchantApp {
    let merchant = demo::merchant();
    let wanted = merchants::sealed(ctx, merchant.clone()).expect("a secret");
    let accounts = demo::accounts().into_iter();
    let accounts: Vec<_> = accounts
        .map(|account| merchants::accounts::sealed(ctx, account).expect("a secret"))
        .collect();
    ctx.db
        .write((wanted, accounts), move |conn, (wanted, accounts)| {
            Box::pin(async move {
                let known = store::merchant::all(conn).await?;
                if !known.iter().any(|known| known.app_id == wanted.app_id) {
                    for account in &accounts {
                        store::account::insert(conn, account, Timestamp::default()).await?;
                    }
                    store::merchant::insert(conn, &wanted, Timestamp::default()).await?;
                }
                Ok(())
            })
        })
        .await
        .expect("the app can be added");
    merchant
}
