//! The orders and refunds of the month: one or more of everything that an operator may meet or want to try, and
//! ordinary business around them.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::domain::order::OrderStatus;

const ORDERS: usize = 400;
const REFUNDS: usize = 250;
const DAYS: i64 = 30;

/// The course of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Submitted, with no event since.
    Submitted,
    CalledBack,
    /// Submitted, and synced later.
    Synced,
    Retried,
    /// Refused, and closed by hand.
    GivenUp,
    /// Refused by the channel's answer, then found paid out by a sync.
    LateSuccess,
    /// As `LateSuccess`, but another refund used the amount meanwhile.
    Overpaid,
    /// As `Overpaid`, and booked.
    OverpaidAndBooked,
    /// Paid out, then taken back by the channel.
    Reversed,
    /// As `Reversed`, and booked.
    Returned,
    /// Paid out, then denied, then confirmed.
    Contradicted,
    /// Called back with another amount.
    AmountDiffers,
}

/// The plan of an order: the sandbox's treatment, and the refunds.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Beginning of the order's channel number, which decides the sandbox's treatment.
    pub behaviour: &'static str,
    pub status: OrderStatus,
    pub refunds: Vec<Course>,
    /// Earliest and latest age of the payment, in hours.
    pub hours_ago: (i64, i64),
    /// Set where one refund takes the whole amount.
    pub whole: bool,
}

/// Channel numbers that an operator can try, by their beginning, each with the expected behaviour.
pub const BEHAVIOURS: &[(&str, &str)] = &[
    ("SBX-OK-", "直接成功"),
    ("SBX-ASYNC-", "受理后回调成功"),
    ("SBX-ASYNC-NOCB-", "受理后成功，无回调"),
    ("SBX-FAIL-", "通道拒绝"),
    ("SBX-LATEFAIL-", "受理后失败"),
    ("SBX-CLOSED-", "受理后被通道关闭"),
    ("SBX-TIMEOUT-", "超时，通道已退"),
    ("SBX-LOST-", "超时，通道未收到"),
    ("SBX-FLAKY-", "连接时断时续"),
    ("SBX-ABSENT-", "受理后通道查无此单"),
    ("SBX-REVERSED-", "成功后被通道退回"),
];

/// Makes the plans: first those that an operator may want to see and try, then ordinary business.
pub fn plans(rng: &mut StdRng) -> Vec<Plan> {
    use Course::*;
    let plan = |behaviour, refunds: &[Course], hours_ago| Plan {
        behaviour,
        status: OrderStatus::Success,
        refunds: refunds.to_vec(),
        hours_ago,
        whole: false,
    };
    let month = (30, 24 * DAYS - 12);
    let mut plans = Vec::new();
    for (behaviour, _) in BEHAVIOURS {
        plans.push(plan(behaviour, &[], (0, 2)));
        plans.push(plan(behaviour, &[], (3, 60)));
    }
    let mut repeat = |times: usize, plan: Plan| plans.extend(std::iter::repeat_n(plan, times));
    // In progress, for an operator to sync.
    for behaviour in ["SBX-TIMEOUT-", "SBX-LOST-", "SBX-FLAKY-", "SBX-ABSENT-"] {
        repeat(2, plan(behaviour, &[Submitted], (6, 30)));
    }
    repeat(3, plan("SBX-ASYNC-NOCB-", &[Submitted], (6, 30)));
    repeat(2, plan("SBX-LATEFAIL-", &[Submitted], (6, 30)));
    repeat(2, plan("SBX-CLOSED-", &[Submitted], (6, 30)));
    // For an operator to review.
    repeat(2, plan("SBX-ABSENT-", &[Submitted], (30, 60)));
    repeat(3, plan("SBX-ABSENT-", &[Synced], (30, 120)));
    repeat(2, plan("SBX-OK-", &[LateSuccess], (48, 240)));
    repeat(
        1,
        Plan {
            whole: true,
            ..plan("SBX-OK-", &[Overpaid, Submitted], (48, 240))
        },
    );
    repeat(2, plan("SBX-OK-", &[Contradicted], (72, 240)));
    repeat(
        1,
        Plan {
            whole: true,
            ..plan("SBX-OK-", &[OverpaidAndBooked, Submitted], (72, 240))
        },
    );
    repeat(1, plan("SBX-REVERSED-", &[Reversed], (72, 240)));
    repeat(1, plan("SBX-REVERSED-", &[Returned], (72, 240)));
    repeat(1, plan("SBX-ASYNC-NOCB-", &[AmountDiffers], (48, 240)));
    // Failed, and settled.
    repeat(9, plan("SBX-FAIL-", &[Submitted], month));
    repeat(4, plan("SBX-FAIL-", &[Retried], month));
    repeat(7, plan("SBX-FAIL-", &[GivenUp], month));
    repeat(6, plan("SBX-LATEFAIL-", &[Synced], month));
    repeat(6, plan("SBX-CLOSED-", &[Synced], month));
    repeat(9, plan("SBX-TIMEOUT-", &[Synced], month));
    repeat(5, plan("SBX-LOST-", &[Synced], month));
    repeat(5, plan("SBX-FLAKY-", &[Synced], month));
    // Orders that were not paid.
    for (status, times) in [
        (OrderStatus::Wait, 4),
        (OrderStatus::Progress, 3),
        (OrderStatus::Close, 9),
        (OrderStatus::Cancel, 6),
        (OrderStatus::Timeout, 7),
        (OrderStatus::Fail, 5),
    ] {
        let open = matches!(status, OrderStatus::Wait | OrderStatus::Progress);
        let hours_ago = if open { (0, 3) } else { month };
        repeat(
            times,
            Plan {
                status,
                ..plan("SBX-OK-", &[], hours_ago)
            },
        );
    }
    // Ordinary business.
    let mut refunds: usize = plans.iter().map(|plan| plan.refunds.len()).sum();
    while refunds < REFUNDS {
        let (behaviour, course) = match rng.random_range(0..4) {
            0 => ("SBX-ASYNC-", CalledBack),
            1 => ("SBX-ASYNC-NOCB-", Synced),
            _ => ("SBX-OK-", Submitted),
        };
        let times = *[1, 1, 1, 1, 2, 2, 3].choose(rng).expect("not empty");
        let times = times.min(REFUNDS - refunds);
        let whole = times == 1 && rng.random_bool(0.6);
        plans.push(Plan {
            whole,
            ..plan(behaviour, &vec![course; times], month)
        });
        refunds += times;
    }
    while plans.len() < ORDERS {
        let behaviour = if rng.random_bool(0.7) {
            "SBX-OK-"
        } else {
            "SBX-ASYNC-"
        };
        plans.push(plan(behaviour, &[], (0, 24 * DAYS - 12)));
    }
    plans.shuffle(rng);
    plans
}
