use clap::Parser;
use refundry::domain::event::Actor;
use refundry::domain::filter::*;
use refundry::domain::merchant::*;
use refundry::domain::money::Fen;
use refundry::domain::order::*;
use refundry::domain::refund::*;
use refundry::server::app::App;
use refundry::server::clock::Clock;
use refundry::server::config::Config;
use refundry::server::db::Db;
use refundry::server::{orders, refunds, store};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

#[tokio::test]
async fn smoke() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/t.db?mode=rwc", dir.path().display());
    let config = Cli::parse_from(["x", "--sandbox", "--sbx-timeout", "50ms"]).config;
    let db = Db::open(&url, 4, 256).await.unwrap();
    let clock = Clock::System;
    let app = App::new(config, db.clone(), clock.clone());
    let m = MerchantApp {
        app_id: "DEMO".into(),
        name: "demo".into(),
        mch_no: None,
        secret: "123456".into(),
        sign_type: SignType::HmacSha256,
        enabled: true,
        is_default: true,
        sign_required: true,
        single_edition: true,
        edition: Edition::Open,
        req_time_leeway_ms: 300000,
        notify_url: None,
        channels: vec![AppChannel {
            channel: Channel::Sandbox,
            enabled: true,
            refund_window_days: 365,
        }],
    };
    let now = clock.now();
    let m2 = m.clone();
    db.write(move |c| {
        let m = m2.clone();
        Box::pin(async move { Ok(store::merchant::insert(c, &m, now).await?) })
    })
    .await
    .unwrap();
    for (i, out) in [
        "OK", "ASYNC", "FAIL", "LATEFAIL", "CLOSED", "TIMEOUT", "LOST", "FLAKY", "ABSENT",
    ]
    .iter()
    .enumerate()
    {
        let o = orders::record(
            &app,
            &m,
            NewOrder {
                order_no: None,
                biz_order_no: format!("B{i}"),
                out_order_no: Some(format!("SBX-{out}-{i}")),
                channel: Channel::Sandbox,
                method: None,
                title: "茶".into(),
                amount: Fen(1000),
                status: OrderStatus::Success,
                pay_time: None,
                attach: None,
            },
            Actor::Merchant,
        )
        .await
        .unwrap();
        let r = refunds::issue(
            &app,
            &m,
            NewRefund {
                order: OrderKey::OrderNo(o.order_no),
                biz_refund_no: format!("R{i}"),
                amount: Fen(300),
                reason: None,
                attach: None,
                notify_url: None,
                client_ip: None,
                edition: Edition::Open,
                expected_refundable: None,
            },
            Actor::Merchant,
        )
        .await
        .unwrap();
        let s = refunds::sync(
            &app,
            &m,
            &RefundKey::RefundNo(r.refund_no.clone()),
            Actor::System,
        )
        .await
        .unwrap();
        println!("{out}: {} -> {:?} {}", r.status, s.finding, s.refund.status);
    }
    let p = orders::list(
        &app,
        "DEMO",
        &OrderFilter {
            number: Some("SBX-".into()),
            title: Some("茶".into()),
            ..Default::default()
        },
        &Place::First,
    )
    .await
    .unwrap();
    println!("{} {:?} {}", p.rows.len(), p.count, p.too_many);
    let p = refunds::list(
        &app,
        "DEMO",
        &RefundFilter {
            number: Some("B1".into()),
            ..Default::default()
        },
        &Place::First,
    )
    .await
    .unwrap();
    println!("{} {:?} {}", p.rows.len(), p.count, p.too_many);
}
