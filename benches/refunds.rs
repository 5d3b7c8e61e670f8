//! The rate of refunds: signed `/unipay/refund` requests on new orders over 64 connections to the program, each refund
//! durable. It is compared with the same load at one commit for each write, and with writes alone. Figures are ratios
//! within one run, as rates depend on the machine and its disk.

mod support;

use refundry::domain::event::{Actor, Event, EventKind, Subject};
use refundry::domain::merchant::Edition;
use refundry::domain::money::Fen;
use refundry::domain::movement::Amounts;
use refundry::domain::order::Channel;
use refundry::domain::refund::{
    NewestRequests, OutcomeKind, Refund, RefundStatus, Submission, Submissions,
};
use refundry::server::store;
use support::{Database, Server, now, over_http, rate, ratio, with_orders};

const APP: &str = "DEMO";
const ACCOUNT: &str = "DEMO-sandbox";
const SECONDS: u64 = 6;

/// Returns the rate of the same two transactions alone, without HTTP, signature, domain or channel.
async fn bare_door(database: &Database) -> usize {
    let ctx = database.reopen().await;
    let db = ctx.db.clone();
    rate(SECONDS, move |n| {
        let db = db.clone();
        async move {
            let (intent, intended) = intent(n);
            let mut outcome = Refund {
                status: RefundStatus::Success,
                out_refund_no: Some(format!("SBXR-BARE{n}")),
                settled_at: Some(now()),
                version: 2,
                ..intent.clone()
            };
            outcome.submissions.keep_answer(1, "success", now());
            let settled = Event {
                seq: 2,
                kind: EventKind::Answered,
                actor: Actor::Channel,
                outcome: Some(OutcomeKind::Success),
                said: Some(
                    r#"{"refundNo":"BARE","amount":100,"status":"success","moved":1}"#.to_owned(),
                ),
                after: Some("success".to_owned()),
                ..intended.clone()
            };
            let known = intent.clone();
            db.write((intent, intended), move |conn, (refund, event)| {
                Box::pin(async move {
                    let hold = store::order::hold_for_new(&refund, None);
                    let mut writes = store::refund::insertion(&refund);
                    writes.push(store::event::insertion(&event));
                    assert!(store::run_if(conn, hold, writes).await?);
                    Ok(())
                })
            })
            .await
            .expect("an intent");
            db.write(
                (known, outcome, settled),
                move |conn, (before, refund, event)| {
                    Box::pin(async move {
                        let mut writes = store::submission::changes(&before, &refund, None);
                        let change = Amounts {
                            held: -refund.amount,
                            refunded: refund.amount,
                            overpaid: Fen::ZERO,
                        };
                        let order_no = &refund.order_no;
                        writes.push(store::order::move_balance(APP, order_no, change));
                        writes.push(store::event::insertion(&event));
                        let update = store::refund::update(&refund);
                        assert!(store::run_if(conn, update, writes).await?);
                        Ok(())
                    })
                },
            )
            .await
            .expect("an outcome");
        }
    })
    .await
}

fn intent(n: usize) -> (Refund, Event) {
    let number = format!("BARE{n}");
    let submission = Submission {
        submitted_at: Some(now()),
        waits_for: None,
        leased_until: now(),
        ..Submission::first(number.clone(), String::new(), now())
    };
    let refund = Refund {
        app_id: APP.to_owned(),
        refund_no: number.clone(),
        biz_refund_no: number.clone(),
        out_refund_no: None,
        order_no: format!("P{n}"),
        channel: Channel::Sandbox,
        account_id: ACCOUNT.to_owned(),
        amount: Fen(100),
        reason: None,
        attach: None,
        notify_url: None,
        not_notify: false,
        client_ip: None,
        edition: Edition::Single,
        requests: NewestRequests::default(),
        status: RefundStatus::Progress,
        submissions: Submissions::of(submission),
        review_reason: None,
        reviewed: false,
        error_code: None,
        error_msg: None,
        created_at: now(),
        opened_at: now(),
        settled_at: None,
        channel_time: None,
        version: 1,
    };
    let event = Event {
        app_id: APP.to_owned(),
        subject: Subject::Refund,
        number,
        seq: 1,
        at: now(),
        kind: EventKind::Requested,
        actor: Actor::Merchant,
        outcome: None,
        said: None,
        before: None,
        after: Some("progress".to_owned()),
    };
    (refund, event)
}

#[tokio::main]
async fn main() {
    println!("refunds: 64 connections, {SECONDS} s a figure, every refund durable");
    let (one, many, bare) = (
        with_orders().await,
        with_orders().await,
        with_orders().await,
    );

    let server = Server::start(&one, &["--write-batch", "1"]).await;
    let alone = over_http(&server, SECONDS).await;
    drop(server);
    let server = Server::start(&many, &[]).await;
    let together = over_http(&server, SECONDS).await;
    let (memory, start) = (server.resident_mb(), server.first_answer);
    drop(server);
    let door = bare_door(&bare).await;

    println!("  signed refunds, one commit a write      {alone:>6} /s");
    println!(
        "  signed refunds, commits shared          {together:>6} /s   {} times, at least 3",
        ratio(together, alone)
    );
    println!("  bare write door                         {door:>6} /s");
    println!(
        "  signed refunds / bare door              {:>6} times   at least 0.5",
        ratio(together, door)
    );
    println!("  resident after the bench                {memory:>6} MB   under 60");
    println!(
        "  start to first answer                   {:>6} ms   under 300",
        start.as_millis()
    );
}
