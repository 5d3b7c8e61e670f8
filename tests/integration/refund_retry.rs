//! Retrying a failed refund: one press leads to one submission, however often its request arrives.

use crate::support::{Core, new_refund};
use refundry::domain::event::Actor;
use refundry::domain::money::Fen;
use refundry::domain::refund::{Refund, RefundStatus};
use refundry::domain::time::Timestamp;
use refundry::server::clock::Clock;
use refundry::server::error::Result;
use refundry::server::refunds::{self, OnRepeat};

async fn failed(core: &Core) -> Refund {
    let order = core.order("FAIL", "1", Fen(1_000)).await;
    let new = new_refund(&order, "R1", Fen(100));
    let refund = refunds::issue(
        &core.ctx,
        &core.merchant,
        new,
        OnRepeat::Retry,
        Actor::Merchant,
    )
    .await
    .expect("a refund");
    assert_eq!(
        (refund.status, refund.submissions.count()),
        (RefundStatus::Fail, 1)
    );
    refund
}

async fn retry(core: &Core, refund: &Refund, seen: Option<i64>) -> Result<Refund> {
    let actor = Actor::Operator("li.na".to_owned());
    refunds::retry(&core.ctx, &core.merchant, &refund.refund_no, seen, actor).await
}

#[tokio::test]
async fn a_second_press_of_the_same_button_submits_nothing() {
    let core = Core::start(Clock::manual(Timestamp(1_700_000_000_000))).await;
    let refund = failed(&core).await;
    let first = retry(&core, &refund, Some(1)).await.expect("a retry");
    assert_eq!(
        (first.status, first.submissions.count()),
        (RefundStatus::Fail, 2)
    );
    let second = retry(&core, &refund, Some(1)).await.expect("how it stands");
    assert_eq!(
        (second.version, second.submissions.count()),
        (first.version, 2)
    );

    // The page loaded since has a button for another attempt.
    let third = retry(&core, &refund, Some(2)).await.expect("a retry");
    assert_eq!(third.submissions.count(), 3);
}

#[tokio::test]
async fn two_presses_at_once_submit_once() {
    let core = Core::start(Clock::manual(Timestamp(1_700_000_000_000))).await;
    let refund = failed(&core).await;
    let (one, other) = tokio::join!(
        retry(&core, &refund, Some(1)),
        retry(&core, &refund, Some(1))
    );
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    let after = retry(&core, &refund, Some(1)).await.expect("how it stands");
    assert_eq!(after.submissions.count(), 2);
}
