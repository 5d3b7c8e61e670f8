//! The invariants that hold at all times, and those that hold once all failures have ended.

use std::collections::{BTreeMap, HashMap, HashSet};

use sqlx::Row as _;

use crate::bank::State;
use crate::history::History;
use crate::inspector::{NoticeRow, Row};
use crate::receiver::Told;
use crate::world::SECOND;

/// SQL statements that find violations, each with the violation's name.
const NEVER: [(&str, &str); 4] = [
    (
        "an order's balance is not that of its refunds",
        "SELECT order_no AS no FROM pay_order o WHERE refunded + held > amount
           OR held <> (SELECT COALESCE(SUM(amount), 0) FROM refund r
             WHERE r.order_no = o.order_no AND r.status = 'progress')
           OR refunded <> (SELECT COALESCE(SUM(amount), 0) FROM refund r
             WHERE r.order_no = o.order_no AND r.status = 'success')",
    ),
    (
        "a refund's timeline has a gap",
        "SELECT refund_no AS no FROM refund r WHERE version <>
           (SELECT COUNT(*) FROM event e WHERE e.subject = 'refund' AND e.number = r.refund_no
             AND e.seq BETWEEN 1 AND r.version)",
    ),
    (
        "a state was reached and no notice written",
        "SELECT number AS no FROM event e WHERE subject = 'refund' AND before <> after AND after <> 'progress'
           AND NOT EXISTS (SELECT 1 FROM notice n
             WHERE n.refund_no = e.number AND n.seq = e.seq AND n.status = e.after)",
    ),
    (
        "a notice tells of no state that was reached",
        "SELECT refund_no AS no FROM notice n WHERE NOT EXISTS (SELECT 1 FROM event e
           WHERE e.subject = 'refund' AND e.number = n.refund_no AND e.seq = n.seq AND e.after = n.status
             AND e.before <> e.after)",
    ),
];

impl History {
    /// Checks the invariants that hold at all times.
    pub fn check(&mut self) {
        assert_eq!(self.errors.text(), "", "errors were logged");
        for (wrong, sql) in NEVER {
            if let Some(row) = self.inspector.rows(sql).first() {
                panic!("{wrong}: {}", row.get::<String, _>("no"));
            }
        }
        let refunds = self.inspector.refunds();
        self.check_accepted(&refunds);
        self.check_book(&refunds);
        let notices = self.inspector.notices();
        self.check_told(&notices);
    }

    fn check_accepted(&self, refunds: &[Row]) {
        let known: HashMap<_, _> = refunds
            .iter()
            .map(|row| (&row.biz_refund_no, row.amount))
            .collect();
        for (biz_refund_no, amount) in &self.accepted {
            let there = known.get(biz_refund_no);
            assert_eq!(
                there,
                Some(amount),
                "{biz_refund_no} was accepted and is not there"
            );
        }
    }

    /// Compares the channel's book with our records.
    fn check_book(&self, refunds: &[Row]) {
        let world = self.world.lock();
        let ours: HashMap<_, _> = refunds.iter().map(|row| (&row.channel_no, row)).collect();
        let mut paid: BTreeMap<&str, i64> = BTreeMap::new();
        let mut moved: BTreeMap<&str, u32> = BTreeMap::new();
        for (no, entry) in &world.book {
            let row = ours
                .get(no)
                .unwrap_or_else(|| panic!("{no} was submitted and not written down"));
            assert_eq!(
                (&row.order_no, row.amount),
                (&entry.order_no, entry.amount),
                "{no}"
            );
            assert!(entry.moved <= 1, "{no} moved money {} times", entry.moved);
            *moved.entry(&row.biz_refund_no).or_default() += entry.moved;
            // A refund that was closed on the channel's own statement is paid out at the channel's cost, or flagged.
            let against_its_word = entry.denied && row.status == "close";
            if matches!(entry.state, State::Success { .. }) && !against_its_word {
                *paid.entry(&entry.order_no).or_default() += entry.amount;
            }
        }
        for (biz_refund_no, times) in moved {
            assert!(times <= 1, "{biz_refund_no} moved money {times} times");
        }
        for order in &self.orders {
            let paid = paid
                .get(order.order_no.as_str())
                .copied()
                .unwrap_or_default();
            assert!(
                paid <= order.amount.0,
                "{}: paid out {paid} of {}",
                order.order_no,
                order.amount.0
            );
        }
        for row in refunds {
            let entry = world.book.get(&row.channel_no);
            let state = entry.map_or(State::Unseen, |entry| entry.state);
            // Otherwise an amount was given back that was still to be paid, and no sync came in time to see it.
            assert!(
                !matches!(
                    row.review_reason.as_deref(),
                    Some("late_success" | "overpaid")
                ) || entry.is_some_and(|entry| entry.denied),
                "{row:?} was paid late, and its channel never denied it"
            );
            let may_pay = state.may_pay() || entry.is_some_and(|entry| entry.under_way > 0);
            match row.status.as_str() {
                "success" => assert!(
                    matches!(state, State::Success { .. } | State::Reversed),
                    "{row:?} succeeded, and is {state:?} at the channel"
                ),
                "fail" | "close" => {
                    let denied = row.status == "close" && entry.is_some_and(|entry| entry.denied);
                    assert!(
                        !may_pay || denied,
                        "{row:?} gave its amount back, and is {state:?} at the channel"
                    )
                }
                _ => {}
            }
        }
    }

    /// Checks the notices that arrived at the merchant's system: only true ones, and those of each refund in order.
    fn check_told(&self, notices: &[NoticeRow]) {
        let world = self.world.lock();
        let mut known: HashMap<Told, &NoticeRow> = HashMap::new();
        let mut of_refund: HashMap<&str, Vec<&NoticeRow>> = HashMap::new();
        for notice in notices {
            let twice = known.insert(told(notice), notice);
            assert!(
                twice.is_none(),
                "two notices cannot be told apart: {notice:?}"
            );
            of_refund.entry(&notice.refund_no).or_default().push(notice);
            let tried = notice.state != "given_up" || notice.attempts >= 16;
            assert!(tried, "given up too soon: {notice:?}");
        }
        let mut last: HashMap<&str, i64> = HashMap::new();
        for told in &world.told {
            let notice = known
                .get(told)
                .unwrap_or_else(|| panic!("told of what never was: {told:?}"));
            let before = last.insert(&notice.refund_no, notice.seq).unwrap_or(0);
            assert!(
                notice.seq >= before,
                "{notice:?} was told after that of version {before}"
            );
            let passed = &of_refund[notice.refund_no.as_str()];
            let passed = passed.iter().find(|other| {
                other.seq > before
                    && other.seq < notice.seq
                    && !matches!(other.state.as_str(), "given_up" | "superseded")
            });
            assert!(passed.is_none(), "{notice:?} was told before {passed:?}");
        }
    }

    /// Checks the end of the history: all refunds are settled but those that the channel has lost, and all notices have
    /// arrived.
    pub fn check_end(&mut self) {
        let refunds = self.inspector.refunds();
        let notices = self.inspector.notices();
        let breakers = self
            .inspector
            .rows("SELECT account_id, opened_at FROM breaker");
        let mut world = self.world.lock();
        for row in &refunds {
            let entry = world.book.get(&row.channel_no);
            let state = entry.map_or(State::Unseen, |entry| entry.state);
            let denied = entry.is_some_and(|entry| entry.denied);
            let raised = row.review_reason.as_deref();
            let agrees = match (row.status.as_str(), state) {
                ("success", State::Success { .. }) => true,
                ("success", State::Reversed) => raised == Some("contradicted"),
                ("fail", State::Fail | State::Reversed) => true,
                ("close", State::Success { .. }) => denied && raised == Some("overpaid"),
                ("close", state) => !state.may_pay(),
                ("progress", State::Lost) => raised.is_some(),
                _ => false,
            };
            assert!(agrees, "at the end {row:?} is {state:?} at the channel");
            world.counts.raised += u64::from(raised.is_some());
            world.counts.overpaid += u64::from(raised == Some("overpaid"));
        }
        let told_of: HashSet<_> = notices.iter().map(|notice| &notice.refund_no).collect();
        world.counts.further += (notices.len() - told_of.len()) as u64;
        for notice in &notices {
            let received = world.told.contains(&told(notice));
            let superseded = notice.state == "superseded"
                && notices
                    .iter()
                    .any(|later| later.refund_no == notice.refund_no && later.seq > notice.seq);
            assert!(
                received || superseded || notice.state == "given_up",
                "never received: {notice:?}"
            );
            assert_ne!(notice.state, "waiting", "{notice:?}");
            world.counts.given_up += u64::from(notice.state == "given_up");
        }
        for row in breakers {
            let opened_at: i64 = row.get("opened_at");
            let account: String = row.get("account_id");
            assert!(
                world.scheduled_answer_at < opened_at + 10 * SECOND,
                "{account} has answered, and its breaker is open"
            );
        }
        world.note(format!("{refunds:?} {notices:?}"));
    }
}

fn told(notice: &NoticeRow) -> Told {
    Told {
        refund_no: notice.refund_no.clone(),
        status: notice.status.clone(),
        error_msg: notice.error_msg.clone().filter(|msg| !msg.is_empty()),
    }
}
