//! The data of an order's page.

use serde::{Deserialize, Serialize};

use crate::console::view::{Entry, Stamp};
use crate::domain::movement::Movement;
use crate::domain::order::Order;
use crate::domain::refund::Refund;

/// An order with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    pub order: Order,
    /// True where the sandbox stands in for the order's channel, so that no money moves.
    pub test_mode: bool,
    pub paid: Option<Stamp>,
    pub recorded: Stamp,
    /// The time zone of all times.
    pub zone: String,
    /// The order's refunds, newest first.
    pub refunds: Vec<RefundOfOrder>,
    /// The movements of the order's balance, newest first.
    pub movements: Vec<MovementOfOrder>,
    /// The order's events, newest first.
    pub timeline: Vec<Entry>,
    /// True where the operator may refund and sync.
    pub may_move_money: bool,
    /// The reason why no amount of the order can be refunded, in the operator's language.
    pub obstacle: Option<String>,
    /// Merchant's refund number for the refund that this page can request: the order's number with the number of the
    /// refund within the order. It is the same in every tab until the order has one more refund, so that a form sent
    /// several times requests one refund.
    pub biz_refund_no: String,
}

/// One of an order's refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOfOrder {
    pub refund: Refund,
    pub created: Stamp,
}

/// One of the movements of an order's balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovementOfOrder {
    pub movement: Movement,
    pub at: Stamp,
}
