//! Random histories through the real use-cases, on a real database, against the sandbox's own ledger: requests (some
//! at the same time), repeats, losses, callbacks twice and out of order, syncs, retries, closings and bookings. After
//! each history the balance and the ledger must agree.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Core, assert_balances_are_sums, new_refund};
use futures::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use refundry::domain::event::Actor;
use refundry::domain::money::Fen;
use refundry::domain::order::{Channel, Order, OrderKey};
use refundry::domain::refund::{Refund, RefundKey, RefundStatus};
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use refundry::server::error::Error;
use refundry::server::refunds::{BookingRequest, OnRepeat};
use refundry::server::{orders, refunds};

const BEHAVIOURS: [&str; 11] = [
    "OK",
    "ASYNC",
    "ASYNC-NOCB",
    "FAIL",
    "LATEFAIL",
    "CLOSED",
    "TIMEOUT",
    "LOST",
    "FLAKY",
    "ABSENT",
    "REVERSED",
];

#[derive(Clone, Debug)]
enum Step {
    /// Requests for one refund by several callers at the same time.
    Ask {
        number: usize,
        amount: i64,
        callers: usize,
    },
    /// Requests for different refunds at the same time.
    AskMany {
        first: usize,
        amount: i64,
        refunds: usize,
    },
    Sync(usize),
    Callback {
        number: usize,
        status: &'static str,
    },
    Retry(usize),
    Close(usize),
    /// A booking of overpaid or returned money, where there is any.
    Book(usize),
    Wait {
        ms: i64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0usize..6;
    prop_oneof![
        4 => (number.clone(), 1i64..700, 1usize..4)
            .prop_map(|(number, amount, callers)| Step::Ask { number, amount, callers }),
        1 => (number.clone(), 1i64..500, 2usize..6)
            .prop_map(|(first, amount, refunds)| Step::AskMany { first, amount, refunds }),
        4 => number.clone().prop_map(Step::Sync),
        3 => (number.clone(), prop_oneof![Just("success"), Just("fail"), Just("close")])
            .prop_map(|(number, status)| Step::Callback { number, status }),
        2 => number.clone().prop_map(Step::Retry),
        1 => number.clone().prop_map(Step::Close),
        1 => number.prop_map(Step::Book),
        2 => (1i64..5_000).prop_map(|ms| Step::Wait { ms }),
    ]
}

/// Returns `None` for a refusal, which is a valid answer. Any other error is a defect.
fn expect_no_defect<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::Refused(_)) => None,
        Err(error) => panic!("{error}"),
    }
}

struct Case<'a> {
    core: &'a Core,
    order: Order,
    name: String,
}

impl Case<'_> {
    fn biz_refund_no(&self, number: usize) -> String {
        format!("{}-{}", self.name, number % 6)
    }

    async fn refund(&self, number: usize) -> Option<Refund> {
        let key = RefundKey::BizRefundNo(self.biz_refund_no(number));
        expect_no_defect(refunds::find(&self.core.ctx, &self.core.merchant, &key).await)
            .map(|(refund, _)| refund)
    }

    async fn ask(&self, number: usize, amount: i64) {
        let new = new_refund(&self.order, &self.biz_refund_no(number), Fen(amount));
        expect_no_defect(
            refunds::issue(
                &self.core.ctx,
                &self.core.merchant,
                new,
                OnRepeat::Retry,
                Actor::Merchant,
            )
            .await,
        );
    }

    async fn run(&self, step: &Step) {
        let Core { ctx, merchant, .. } = self.core;
        match *step {
            Step::Ask {
                number,
                amount,
                callers,
            } => {
                join_all((0..callers).map(|_| self.ask(number, amount))).await;
            }
            Step::AskMany {
                first,
                amount,
                refunds,
            } => {
                join_all((first..first + refunds).map(|number| self.ask(number, amount))).await;
            }
            Step::Sync(number) => {
                let key = RefundKey::BizRefundNo(self.biz_refund_no(number));
                expect_no_defect(refunds::sync(ctx, merchant, &key, Actor::System).await);
            }
            Step::Callback { number, status } => {
                let Some(refund) = self.refund(number).await else {
                    return;
                };
                // The sandbox tells only what its ledger says: late or twice, but never a lie.
                let book = ctx
                    .channels
                    .sandbox()
                    .unwrap()
                    .book(refund.channel_no())
                    .await
                    .unwrap();
                let truthful = book.is_some_and(|entry| entry.status == status);
                let (headers, body) = callback(&refund, if truthful { status } else { return });
                let reply = refunds::callback(
                    ctx,
                    &merchant.app_id,
                    Channel::Sandbox,
                    None,
                    &headers,
                    &body,
                )
                .await;
                assert_eq!(expect_no_defect(reply).map(|reply| reply.status), Some(200));
            }
            Step::Retry(number) => {
                let Some(refund) = self.refund(number).await else {
                    return;
                };
                expect_no_defect(
                    refunds::retry(ctx, merchant, &refund.refund_no, None, Actor::System).await,
                );
            }
            Step::Close(number) => {
                let Some(refund) = self.refund(number).await else {
                    return;
                };
                expect_no_defect(
                    refunds::close(ctx, merchant, &refund.refund_no, Actor::System).await,
                );
            }
            Step::Book(number) => {
                let Some(refund) = self.refund(number).await else {
                    return;
                };
                let Some(booking) = refund.bookable() else {
                    return;
                };
                let key = OrderKey::OrderNo(refund.order_no.clone());
                let order = orders::find(ctx, merchant, &key).await.expect("the order");
                let request = BookingRequest {
                    booking,
                    version: refund.version,
                    refundable: order.refundable(),
                    remark: "bill".to_owned(),
                };
                let no = &refund.refund_no;
                expect_no_defect(refunds::book(ctx, merchant, no, request, Actor::System).await);
            }
            Step::Wait { ms } => ctx.clock.advance_ms(ms),
        }
    }

    async fn check(&self) {
        let Core { ctx, merchant, .. } = self.core;
        let key = OrderKey::OrderNo(self.order.order_no.clone());
        let order = orders::find(ctx, merchant, &key).await.expect("the order");
        let refunds = refunds::of_order(ctx, &merchant.app_id, &order.order_no)
            .await
            .expect("its refunds");
        let sum = |status| {
            Fen(refunds
                .iter()
                .filter(|r| r.status == status)
                .map(|r| r.amount.0)
                .sum())
        };
        assert_eq!(order.held, sum(RefundStatus::Progress));
        assert_eq!(order.refunded + order.overpaid, sum(RefundStatus::Success));
        assert!(order.refunded + order.held <= order.amount);
        assert_balances_are_sums(ctx).await;
        let mut moved = Fen::ZERO;
        for refund in &refunds {
            if let Some(entry) = ctx
                .channels
                .sandbox()
                .unwrap()
                .book(refund.channel_no())
                .await
                .unwrap()
            {
                assert!(
                    entry.moved <= 1,
                    "{} moved {} times",
                    refund.refund_no,
                    entry.moved
                );
                assert_eq!(entry.amount, refund.amount.0);
                moved = moved + Fen(entry.moved * entry.amount);
            }
            let events = refunds::timeline(ctx, &merchant.app_id, &refund.refund_no)
                .await
                .expect("events");
            let seqs: Vec<_> = events.iter().rev().map(|event| event.seq).collect();
            assert_eq!(
                seqs,
                (1..=refund.version).collect::<Vec<_>>(),
                "every version has its event"
            );
        }
        assert!(moved <= order.amount, "{moved} moved of {}", order.amount);
    }

    /// Moves the clock and syncs all open refunds: only those that the channel has lost stay open.
    async fn settle_all(&self) {
        for _ in 0..3 {
            self.core.ctx.clock.advance_ms(10_000);
            for number in 0..6 {
                self.run(&Step::Sync(number)).await;
            }
        }
        for number in 0..6 {
            self.run(&Step::Book(number)).await;
        }
        for number in 0..6 {
            let Some(refund) = self.refund(number).await else {
                continue;
            };
            let sandbox = self.core.ctx.channels.sandbox().unwrap();
            let book = sandbox.book(refund.channel_no()).await.unwrap();
            let says = book.map(|entry| entry.status);
            match refund.status {
                RefundStatus::Progress => {
                    assert!(
                        refund.review_reason.is_some() && says.is_none(),
                        "{refund:?}"
                    )
                }
                // The channel closed the refund, refused it, or has never received it.
                RefundStatus::Close => assert!(
                    matches!(says, Some("close" | "fail") | None),
                    "{refund:?} {says:?}"
                ),
                status => assert_eq!(says, Some(status.as_str()), "{refund:?}"),
            }
        }
        self.check().await;
    }
}

fn callback(refund: &Refund, status: &str) -> (HashMap<String, String>, Vec<u8>) {
    let body = format!(
        r#"{{"refundNo":"{}","amount":{},"status":"{status}","outRefundNo":"X"}}"#,
        refund.channel_no(),
        refund.amount.0
    );
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"123456").unwrap();
    mac.update(body.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    (
        HashMap::from([("sandbox-signature".to_owned(), signature)]),
        body.into_bytes(),
    )
}

#[test]
fn the_balance_holds_and_each_refund_moves_at_most_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let core = runtime.block_on(Core::start(Clock::manual(Timestamp(1_700_000_000_000))));
    let cases = AtomicUsize::new(0);
    let config = ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let histories = (
        0..BEHAVIOURS.len(),
        proptest::collection::vec(step(), 1..25),
    );
    proptest!(config, |((behaviour, steps) in histories)| {
        let name = cases.fetch_add(1, Ordering::Relaxed).to_string();
        runtime.block_on(async {
            let order = core.order(BEHAVIOURS[behaviour], &name, Fen(1_000)).await;
            let case = Case { core: &core, order, name };
            for step in &steps {
                case.run(step).await;
                case.check().await;
            }
            case.settle_all().await;
        });
    });
}
