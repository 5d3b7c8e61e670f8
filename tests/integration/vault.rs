//! Secrets at rest: sealed in the database, bound to their row, and resealed while requests are signed.

use std::path::Path;

use crate::support::database::TestDatabase;
use crate::support::http::{TestApp, merchant};
use crate::support::{accounts, add_app, config};
use refundry::domain::event::Actor;
use refundry::domain::merchant::MerchantApp;
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use refundry::server::ctx::Ctx;
use refundry::server::db::Db;
use refundry::server::error::Error;
use refundry::server::merchants;
use refundry::server::vault::{self, KeysError, Vault};
use serde_json::json;
use sqlx::Row;

const SECRET: &str = "horse-battery-staple-7xQ2";
const START: Timestamp = Timestamp(1_760_000_000_000);

/// Makes a node on a database, with the keys of a file.
async fn node(database: &TestDatabase, keys: &Path) -> Ctx {
    let db = Db::open(&database.url(), None, 256).await.unwrap();
    let vault = Vault::of_file(keys).unwrap();
    Ctx::new(config(&[]), db, vault, Clock::manual(START))
}

/// Makes a separate file of keys.
fn keys(database: &TestDatabase, name: &str) -> std::path::PathBuf {
    let path = database.keys_file().with_file_name(name);
    vault::make_file(&path).unwrap();
    path
}

fn app(app_id: &str) -> MerchantApp {
    merchant(app_id).with_secret(SECRET.into())
}

/// Adds an app, as the command line does.
async fn add(ctx: &Ctx, app_id: &str) {
    let (app, by) = (app(app_id), Actor::System);
    let accounts = accounts(&app);
    merchants::add(ctx, app, accounts, by).await.unwrap();
}

async fn stored_secret(ctx: &Ctx, app_id: &str) -> String {
    let mut conn = ctx.db.read().await.unwrap();
    let row = sqlx::query("SELECT secret FROM merchant_app WHERE app_id = $1").bind(app_id);
    row.fetch_one(&mut *conn).await.unwrap().get(0)
}

#[tokio::test]
async fn a_secret_is_not_in_the_database_in_clear() {
    let database = TestDatabase::new();
    let ctx = node(&database, &database.keys_file()).await;
    add(&ctx, "SHOP").await;
    let stored = stored_secret(&ctx, "SHOP").await;
    assert!(
        stored.starts_with("v1.") && !stored.contains("horse"),
        "{stored}"
    );
    let opened = ctx.merchants.enabled(Some("SHOP")).await.unwrap();
    assert!(opened.secret.is(SECRET));
    let folder = database.keys_file().parent().unwrap().to_owned();
    let holds = |bytes: Vec<u8>| bytes.windows(5).any(|five| five == b"horse");
    // First with the write-ahead log beside the embedded database, then without.
    for _ in 0..2 {
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().path();
            assert!(!holds(std::fs::read(&file).unwrap()), "{file:?}");
        }
        ctx.db.close().await;
    }
}

#[tokio::test]
async fn a_secret_that_was_moved_to_another_app_does_not_open_and_the_others_are_served() {
    let database = TestDatabase::new();
    let ctx = node(&database, &database.keys_file()).await;
    for app_id in ["ONE", "TWO"] {
        add(&ctx, app_id).await;
    }
    let moved = "UPDATE merchant_app SET secret = (SELECT secret FROM merchant_app WHERE app_id = 'ONE') \
                 WHERE app_id = 'TWO'";
    let written = ctx.db.write((), move |conn, ()| {
        Box::pin(async move { Ok(sqlx::query(moved).execute(conn).await.map(drop)?) })
    });
    written.await.unwrap();
    assert!(ctx.merchants.enabled(Some("ONE")).await.is_ok());
    let why = ctx.merchants.enabled(Some("TWO")).await.unwrap_err();
    assert!(matches!(why, Error::Internal(_)), "{why}");
    assert!(why.to_string().contains("another place"), "{why}");
}

#[tokio::test]
async fn a_key_that_is_not_there_is_named_and_no_file_is_made_in_its_place() {
    let database = TestDatabase::new();
    let mine = keys(&database, "mine");
    let ctx = node(&database, &mine).await;
    add(&ctx, "SHOP").await;
    let id = ctx.vault.ids().unwrap().remove(0);

    let others = Vault::of_file(&keys(&database, "others")).unwrap();
    let why = others.check(&ctx.db).await.unwrap_err();
    assert!(matches!(&why, KeysError::Unknown { id: lost, .. } if *lost == id));
    assert!(
        why.to_string().contains("merchant_app.secret SHOP"),
        "{why}"
    );

    std::fs::remove_file(&mine).unwrap();
    let lost = Vault::of_new_file(&mine, &ctx.db).await.map(drop);
    assert!(matches!(lost, Err(KeysError::Lost(_))), "{lost:?}");
    assert!(!mine.exists());
}

#[tokio::test]
async fn all_secrets_are_sealed_anew_while_requests_are_signed() {
    let database = TestDatabase::new();
    let file = keys(&database, "rotated");
    let ctx = node(&database, &file).await;
    add_app(&ctx, crate::support::demo_app()).await;
    // More rows than are resealed at once.
    for n in 0..250 {
        add_app(&ctx, app(&format!("SHOP{n}"))).await;
    }
    let test = TestApp::serve_app(ctx.clone()).await;
    let biz_order_no = test.order("SBX-OK-1").await;

    // Another process rotates the keys: the node has to find the new key by itself.
    let other = node(&database, &file).await;
    let new = other.vault.add_key().unwrap();
    let mut progress = |_| {};
    let mut rotation = Box::pin(vault::reseal(&other.db, &other.vault, &mut progress));
    let mut resealed = None;
    let mut after = 0;
    while after < 3 {
        // Late enough for the apps to be read again.
        test.clock.advance_ms(2_000);
        let fields = json!({"bizOrderNo": biz_order_no});
        let request = test.open("/unipay/query/payOrder", fields);
        let answer = match resealed {
            Some(_) => {
                after += 1;
                request.await
            }
            None => {
                let (answer, ended) =
                    tokio::join!(request, futures::future::poll_immediate(&mut rotation));
                resealed = ended;
                answer
            }
        };
        assert_eq!(answer.code(), 0, "{}", answer.text);
        assert!(answer.open_signature_holds("hmac_sha256"));
    }
    // Each app has its own secret and that of its account.
    assert_eq!(resealed.unwrap().unwrap(), 2 * 251);
    let used = vault::sealed_by(&other.db).await.unwrap();
    assert_eq!(used.keys().collect::<Vec<_>>(), [&new]);

    // The old key can be removed.
    let text = std::fs::read_to_string(&file).unwrap();
    let kept: Vec<_> = text.lines().filter(|line| line.starts_with(&new)).collect();
    std::fs::write(&file, kept.join("\n")).unwrap();
    let again = node(&database, &file).await;
    again.vault.check(&again.db).await.unwrap();
    let shop = again.merchants.enabled(Some("SHOP7")).await.unwrap();
    assert!(shop.secret.is(SECRET));
    // A second rotation has nothing left to do.
    let rest = vault::reseal(&again.db, &again.vault, &mut |_| {}).await;
    assert_eq!(rest.unwrap(), 0);
}
