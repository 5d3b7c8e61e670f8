//! A server on a fresh embedded database with many paid orders.

use clap::Parser;
use refundry::domain::event::{Actor, Event, EventKind, Subject};
use refundry::domain::merchant::{AppChannel, Edition, MerchantApp, SignType};
use refundry::domain::money::Fen;
use refundry::domain::order::{Channel, NewOrder, OrderStatus};
use refundry::domain::refund::{Refund, RefundStatus};
use refundry::domain::time::Millis;
use refundry::server::app::App;
use refundry::server::clock::Clock;
use refundry::server::config::Config;
use refundry::server::db::Db;
use refundry::server::{orders, store};

pub const MERCHANT: &str = "DEMO";
const ORDERS: usize = 40_000;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

pub struct Bench {
    pub app: App,
    _dir: tempfile::TempDir,
}

impl Bench {
    pub async fn start(batch: u32) -> Bench {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}/bench.db?mode=rwc", dir.path().display());
        let config = Cli::parse_from(["bench", "--sandbox"]).config;
        let db = Db::open(&url, 4, batch).await.expect("a database");
        let app = App::new(config, db.clone(), Clock::System);
        let merchant = merchant();
        let now = app.clock.now();
        db.write(move |conn| {
            let merchant = merchant.clone();
            Box::pin(async move { Ok(store::merchant::insert(conn, &merchant, now).await?) })
        })
        .await
        .expect("an app");
        let merchant = app.merchant_app(Some(MERCHANT)).await.expect("the app");
        for chunk in 0..ORDERS / 1_000 {
            let orders = (chunk * 1_000..(chunk + 1) * 1_000)
                .map(new_order)
                .collect();
            orders::record_all(&app, &merchant, orders, Actor::System)
                .await
                .expect("orders");
        }
        Bench { app, _dir: dir }
    }

    /// Refunds a second through the write door alone: the same two transactions, nothing else.
    pub async fn bare_door(&self, seconds: u64) -> usize {
        let db = self.app.db.clone();
        super::rate(seconds, move |n| {
            let db = db.clone();
            async move {
                let refund = refund(n);
                let intent = refund.clone();
                db.write(move |conn| {
                    let refund = intent.clone();
                    Box::pin(async move {
                        let held = store::order::hold_for_new(
                            conn,
                            MERCHANT,
                            &refund.order_no,
                            &refund.biz_refund_no,
                            refund.amount,
                            None,
                        );
                        assert!(held.await?);
                        store::refund::insert(conn, &refund).await?;
                        Ok(store::event::insert(conn, &event(&refund)).await?)
                    })
                })
                .await
                .expect("an intent");
                let refund = Refund {
                    status: RefundStatus::Success,
                    version: 2,
                    unanswered: 0,
                    ..refund
                };
                db.write(move |conn| {
                    let refund = refund.clone();
                    Box::pin(async move {
                        assert!(store::refund::update(conn, &refund).await?);
                        let held = Fen(-refund.amount.0);
                        store::order::move_balance(
                            conn,
                            MERCHANT,
                            &refund.order_no,
                            held,
                            refund.amount,
                        )
                        .await?;
                        Ok(store::event::insert(conn, &event(&refund)).await?)
                    })
                })
                .await
                .expect("an outcome");
            }
        })
        .await
    }
}

fn merchant() -> MerchantApp {
    MerchantApp {
        app_id: MERCHANT.to_owned(),
        name: "bench".to_owned(),
        mch_no: None,
        secret: "123456".to_owned(),
        sign_type: SignType::HmacSha256,
        enabled: true,
        is_default: true,
        sign_required: true,
        single_edition: true,
        edition: Edition::Open,
        req_time_leeway_ms: 300_000,
        notify_url: None,
        channels: vec![AppChannel {
            channel: Channel::Sandbox,
            enabled: true,
            refund_window_days: 365,
        }],
    }
}

fn new_order(n: usize) -> NewOrder {
    NewOrder {
        order_no: Some(format!("P{n}")),
        biz_order_no: format!("B{n}"),
        out_order_no: Some(format!("SBX-OK-{n}")),
        channel: Channel::Sandbox,
        method: None,
        title: format!("order {n}"),
        amount: Fen(10_000),
        status: OrderStatus::Success,
        pay_time: None,
        attach: None,
    }
}

fn refund(n: usize) -> Refund {
    Refund {
        app_id: MERCHANT.to_owned(),
        refund_no: format!("BARE{n}"),
        biz_refund_no: format!("BARE{n}"),
        out_refund_no: None,
        channel_no: format!("BARE{n}"),
        order_no: format!("P{n}"),
        channel: Channel::Sandbox,
        amount: Fen(100),
        reason: None,
        attach: None,
        notify_url: None,
        client_ip: None,
        edition: Edition::Open,
        status: RefundStatus::Progress,
        attempt: 1,
        unanswered: 1,
        acknowledged: false,
        attention: None,
        error_code: None,
        error_msg: None,
        created_at: Millis(0),
        submitted_at: Millis(0),
        finished_at: None,
        busy_until: Millis(0),
        version: 1,
    }
}

fn event(refund: &Refund) -> Event {
    Event {
        app_id: refund.app_id.clone(),
        subject: Subject::Refund,
        number: refund.refund_no.clone(),
        seq: refund.version,
        at: Millis(0),
        kind: EventKind::Requested,
        actor: Actor::Merchant,
        finding: None,
        said: None,
        before: None,
        after: Some(refund.status.word().to_owned()),
    }
}
