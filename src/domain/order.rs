//! Payment orders and their refund side. The refund side is derived from three amounts and never stored.

use serde::{Deserialize, Serialize};

use crate::domain::money::Fen;
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

string_enum! {
    /// The channel by which an order was paid, and by which refunds are made.
    Channel {
        WechatPay = "wechat_pay",
        AliPay = "ali_pay",
        UnionPay = "union_pay",
        /// A channel that moves no money: for demonstrations and tests.
        Sandbox = "sandbox",
    }
}

impl Channel {
    /// Returns true where requests must name the payer's address.
    pub fn needs_client_ip(self) -> bool {
        matches!(self, Channel::WechatPay)
    }
}

string_enum! {
    /// The payer's method of payment.
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

/// A payment order. `refunded + held <= amount`, and none of them is negative. What was paid out beyond the amount is
/// in `overpaid`.
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
    /// Channel account that received the payment.
    pub account_id: String,
    pub method: Option<Method>,
    pub title: String,
    /// Amount that was paid, or is to be paid while the order is unpaid.
    pub amount: Fen,
    /// Amount that refunds have paid back.
    pub refunded: Fen,
    /// Amount that refunds in progress hold.
    pub held: Fen,
    /// Amount that channels paid out although the order had too little left.
    pub overpaid: Fen,
    pub status: OrderStatus,
    pub pay_time: Option<Timestamp>,
    pub attach: Option<String>,
    /// Sort key of lists: the time of payment, or of recording where that is unknown. Never changes.
    pub created_at: Timestamp,
    /// Time at which the order was recorded, by our clock.
    pub recorded_at: Timestamp,
    /// Number of the order's events.
    pub version: i64,
}

impl Order {
    /// Returns the amount that can still be refunded as far as the balance is concerned. Zero unless the order is paid.
    /// An overpaid amount stays deducted: it cannot be refunded again, even where a later failure frees some of the
    /// balance.
    pub fn refundable(&self) -> Fen {
        match self.status {
            OrderStatus::Success => {
                (self.amount - self.refunded - self.held - self.overpaid).max(Fen::ZERO)
            }
            _ => Fen::ZERO,
        }
    }

    /// Returns the amount that was paid out or is held beyond the order's amount.
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

/// A payment as a merchant, a file or a channel reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Our number. Where there is none, one is made.
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

/// The number by which a request names an order. Of several, the first of this list is used.
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
