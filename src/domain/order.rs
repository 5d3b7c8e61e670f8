//! Payment orders and their refund side, which is derived from three amounts and never stored.

use serde::{Deserialize, Serialize};

use crate::domain::money::Fen;
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

string_enum! {
    /// The channel by which an order was paid, and by which its money goes back.
    Channel {
        WechatPay = "wechat_pay",
        AliPay = "ali_pay",
        UnionPay = "union_pay",
        /// Moves no money: for demonstration and tests.
        Sandbox = "sandbox",
    }
}

impl Channel {
    /// Tells whether requests must name the payer's address.
    pub fn needs_client_ip(self) -> bool {
        matches!(self, Channel::WechatPay)
    }
}

string_enum! {
    /// The way in which the payer paid.
    Method {
        Wap = "wap",
        App = "app",
        Web = "web",
        QrCode = "qr_code",
        BarCode = "bar_code",
        Jsapi = "jsapi",
    }
}

string_enum! {
    /// The state of a payment order.
    OrderStatus {
        Wait = "wait",
        Progress = "progress",
        Success = "success",
        Close = "close",
        Cancel = "cancel",
        Timeout = "timeout",
        Fail = "fail",
    }
}

string_enum! {
    /// The refund side of a payment order.
    RefundSide {
        NoRefund = "no_refund",
        Refunding = "refunding",
        PartialRefund = "partial_refund",
        Refunded = "refunded",
    }
}

/// A payment order. `refunded + held <= amount`, none of them negative; what was paid out beyond the amount stands
/// apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub app_id: String,
    /// Our number.
    pub order_no: String,
    /// The merchant's number.
    pub biz_order_no: String,
    /// The channel's number.
    pub out_order_no: Option<String>,
    pub channel: Channel,
    /// The channel account at which it was paid.
    pub account_id: String,
    pub method: Option<Method>,
    pub title: String,
    /// The amount that was paid, or that is to be paid while the order is not paid yet.
    pub amount: Fen,
    /// The amount that refunds have given back.
    pub refunded: Fen,
    /// The amount that refunds in progress hold.
    pub held: Fen,
    /// Amount that channels paid out though the order had too little left for it.
    pub overpaid: Fen,
    pub status: OrderStatus,
    pub pay_time: Option<Timestamp>,
    pub attach: Option<String>,
    /// The time that lists sort by: when the order was paid, or else when it was recorded. Never changed.
    pub created_at: Timestamp,
    /// The moment at which we learned of the order, by our clock.
    pub recorded_at: Timestamp,
    /// Counts the order's events.
    pub version: i64,
}

impl Order {
    /// Returns what could still be refunded, were nothing else in the way. Zero unless the order is paid. What was
    /// overpaid is not refunded again when a refund fails afterwards and leaves room.
    pub fn refundable(&self) -> Fen {
        match self.status {
            OrderStatus::Success => {
                (self.amount - self.refunded - self.held - self.overpaid).max(Fen::ZERO)
            }
            _ => Fen::ZERO,
        }
    }

    /// Returns what was paid out or is held beyond the order's amount.
    pub fn excess(&self) -> Fen {
        (self.refunded + self.held + self.overpaid - self.amount).max(Fen::ZERO)
    }

    /// Returns the refund side of the order.
    pub fn refund_side(&self) -> RefundSide {
        if self.held > Fen::ZERO {
            RefundSide::Refunding
        } else if self.refunded == Fen::ZERO {
            RefundSide::NoRefund
        } else if self.refunded < self.amount {
            RefundSide::PartialRefund
        } else {
            RefundSide::Refunded
        }
    }
}

/// A payment as a merchant, a file or a channel tells us of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Our number for it; where there is none, one is made.
    pub order_no: Option<String>,
    pub biz_order_no: String,
    pub out_order_no: Option<String>,
    pub channel: Channel,
    pub method: Option<Method>,
    pub title: String,
    pub amount: Fen,
    pub status: OrderStatus,
    pub pay_time: Option<Timestamp>,
    pub attach: Option<String>,
}

/// The number by which a request names an order. Where several are given the first of this list wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderKey {
    OrderNo(String),
    BizOrderNo(String),
    OutOrderNo(String),
}

impl OrderKey {
    /// Returns the number.
    pub fn number(&self) -> &str {
        match self {
            OrderKey::OrderNo(no) | OrderKey::BizOrderNo(no) | OrderKey::OutOrderNo(no) => no,
        }
    }
}
