//! Support for tests and benches: a server on a fresh database, with one app.
#![allow(dead_code)] // each test uses its part

pub mod database;
pub mod demo;
pub mod http;
pub mod receiver;

use clap::Parser;
use refundry::domain::account::ChannelAccount;
use refundry::domain::event::Actor;
use refundry::domain::merchant::{AppChannel, Edition, MerchantApp, SignType};
use refundry::domain::money::Fen;
use refundry::domain::order::{Channel, NewOrder, Order, OrderKey, OrderStatus};
use refundry::domain::refund::NewRefund;
use refundry::server::balances::{self, Pace};
use refundry::server::clock::Clock;
use refundry::server::config::Config;
use refundry::server::ctx::Ctx;
use refundry::server::db::Db;
use refundry::server::vault::Vault;
use refundry::server::{merchants, orders, store};

use self::database::TestDatabase;

/// Returns the settings that the command line makes of these flags.
pub fn config(flags: &[&str]) -> Config {
    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }
    Cli::parse_from(["test", "--sandbox"].iter().chain(flags)).config
}

/// A server without HTTP: the use-cases on a database of their own.
pub struct Core {
    pub ctx: Ctx,
    pub merchant: MerchantApp,
    database: TestDatabase,
}

impl Core {
    /// Starts a core whose sandbox settles at once and times out at once.
    pub async fn start(clock: Clock) -> Core {
        Core::with(
            config(&["--sbx-delay", "2s", "--sbx-timeout", "0ms"]),
            clock,
        )
        .await
    }

    pub async fn with(config: Config, clock: Clock) -> Core {
        let core = Core::without_app(config, clock).await;
        add_app(&core.ctx, core.merchant.clone()).await;
        core
    }

    /// Starts a core without any app.
    pub async fn without_app(config: Config, clock: Clock) -> Core {
        let database = TestDatabase::new();
        Core {
            ctx: app_on(&database, config, clock).await,
            merchant: demo_app(),
            database,
        }
    }

    /// Starts another node on the same database.
    pub async fn another_node(&self, config: Config) -> Ctx {
        app_on(&self.database, config, self.ctx.clock.clone()).await
    }

    /// Returns the database's address, for a second connection.
    pub fn url(&self) -> String {
        self.database.url()
    }

    /// Records a paid order whose numbers end in `name`, with the sandbox's `behaviour` (`OK`, `ASYNC`, ...).
    pub async fn order(&self, behaviour: &str, name: &str, amount: Fen) -> Order {
        let new = paid_order(behaviour, name, amount);
        orders::record(&self.ctx, &self.merchant, new, Actor::Merchant)
            .await
            .expect("an order")
    }
}

/// Opens the use-cases on a database.
pub async fn app_on(database: &TestDatabase, config: Config, clock: Clock) -> Ctx {
    let db = Db::open(
        &database.url(),
        config.database_connections,
        config.write_batch,
    )
    .await
    .expect("a database");
    Ctx::new(config, db, Vault::published(), clock)
}

/// Adds an app, and those of its channel accounts that do not exist yet.
pub async fn add_app(ctx: &Ctx, merchant: MerchantApp) {
    let now = ctx.clock.now();
    let sealed = |account| merchants::accounts::sealed(ctx, account).expect("a secret");
    let accounts: Vec<_> = accounts(&merchant).into_iter().map(sealed).collect();
    let merchant = merchants::sealed(ctx, merchant).expect("a secret");
    ctx.db
        .write((merchant, accounts), move |conn, (merchant, accounts)| {
            Box::pin(async move {
                for account in &accounts {
                    store::account::insert(conn, account, now).await?;
                }
                Ok(store::merchant::insert(conn, &merchant, now).await?)
            })
        })
        .await
        .expect("an app");
}

/// Fails where an order's balance is not the sum of its movements.
pub async fn assert_balances_are_sums(ctx: &Ctx) {
    let mut wrong = Vec::new();
    balances::compare(&ctx.db, Pace::Full, &mut |found| wrong.push(found.clone()))
        .await
        .expect("the orders");
    assert_eq!(wrong, [], "orders whose movements do not add up");
}

/// Makes the accounts of an app's channels.
pub fn accounts(merchant: &MerchantApp) -> Vec<ChannelAccount> {
    let account = |settings: &AppChannel| {
        let AppChannel {
            channel,
            account_id,
            test_mode,
            ..
        } = settings;
        ChannelAccount {
            test_mode: *test_mode,
            ..ChannelAccount::in_test_mode(account_id, *channel, "123456".into())
        }
    };
    merchant.channels.iter().map(account).collect()
}

/// Makes the settings of an app for a channel in test mode, with an account of its own.
pub fn test_channel(app_id: &str, channel: Channel) -> AppChannel {
    let account_id = format!("{app_id}-{channel}");
    AppChannel::by(
        &ChannelAccount::in_test_mode(&account_id, channel, "123456".into()),
        365,
    )
}

/// Returns the app of the demonstration's data.
pub fn demo_app() -> MerchantApp {
    MerchantApp {
        app_id: "DEMO".to_owned(),
        name: "Demo".to_owned(),
        mch_no: Some("M0000000001".to_owned()),
        secret: "123456".into(),
        old_secret: None,
        sign_type: SignType::HmacSha256,
        enabled: true,
        is_default: true,
        sign_required: true,
        single_edition: true,
        edition: Edition::Open,
        req_time_leeway_ms: 300_000,
        notify_url: None,
        notify_hosts: Vec::new(),
        channels: vec![test_channel("DEMO", Channel::Sandbox)],
    }
}

/// Makes a paid order of the sandbox.
pub fn paid_order(behaviour: &str, name: &str, amount: Fen) -> NewOrder {
    NewOrder {
        order_no: None,
        biz_order_no: format!("B-{name}"),
        out_order_no: Some(format!("SBX-{behaviour}-{name}")),
        channel: Channel::Sandbox,
        method: None,
        title: format!("订单 {name}"),
        amount,
        status: OrderStatus::Success,
        pay_time: None,
        attach: None,
    }
}

/// Makes a request for a refund of an order.
pub fn new_refund(order: &Order, biz_refund_no: &str, amount: Fen) -> NewRefund {
    NewRefund {
        order: OrderKey::OrderNo(order.order_no.clone()),
        biz_refund_no: biz_refund_no.to_owned(),
        amount,
        reason: None,
        attach: None,
        notify_url: None,
        not_notify: false,
        request: None,
        client_ip: None,
        edition: Edition::Open,
        expected_refundable: None,
    }
}
