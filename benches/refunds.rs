//! How fast refunds go, as ratios within one run:
//! the bare write door, the use-case, and signed requests over HTTP, batched and one commit a write.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use refundry::domain::event::Actor;
use refundry::domain::merchant::Edition;
use refundry::domain::money::Fen;
use refundry::domain::order::OrderKey;
use refundry::domain::refund::NewRefund;
use refundry::server::app::App;
use refundry::server::refunds;

use support::{Bench, MERCHANT};

const CLIENTS: usize = 64;

/// Runs `work(n)` for n = 0, 1, ... by 64 clients for a while, and returns how many a second.
async fn rate<F, W>(seconds: u64, work: W) -> usize
where
    F: Future<Output = ()> + Send + 'static,
    W: Fn(usize) -> F + Clone + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (next, work) = (next.clone(), work.clone());
            tokio::spawn(async move {
                while started.elapsed() < Duration::from_secs(seconds) {
                    work(next.fetch_add(1, Ordering::Relaxed)).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("a client panicked");
    }
    (next.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64()) as usize
}

fn new_refund(n: usize) -> NewRefund {
    NewRefund {
        order: OrderKey::BizOrderNo(format!("B{n}")),
        biz_refund_no: format!("R{n}"),
        amount: Fen(100),
        reason: None,
        attach: None,
        notify_url: None,
        client_ip: None,
        edition: Edition::Open,
        expected_refundable: None,
    }
}

async fn use_case(app: App) -> usize {
    let merchant = app
        .merchant_app(Some(MERCHANT))
        .await
        .expect("the app is there");
    rate(5, move |n| {
        let (app, merchant) = (app.clone(), merchant.clone());
        async move {
            let refund = refunds::issue(&app, &merchant, new_refund(n), Actor::Merchant)
                .await
                .expect("a refund");
            assert_eq!(refund.status.word(), "success");
        }
    })
    .await
}

#[tokio::main]
async fn main() {
    let batched = Bench::start(256).await;
    let apart = Bench::start(1).await;
    println!("bare door      {}", batched.bare_door(5).await);
    println!("bare door, 1   {}", apart.bare_door(5).await);
    println!("use-case       {}", use_case(batched.app.clone()).await);
    println!("use-case, 1    {}", use_case(apart.app.clone()).await);
}
