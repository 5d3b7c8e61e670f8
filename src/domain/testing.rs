//! Examples shared by the tests within the code.

use crate::domain::money::Fen;
use crate::domain::order::{Channel, Order, OrderStatus};
use crate::domain::time::Timestamp;

/// Makes a paid order of the sandbox.
pub fn paid_order(amount: Fen) -> Order {
    Order {
        app_id: "A".to_owned(),
        order_no: "P1".to_owned(),
        biz_order_no: "B1".to_owned(),
        out_order_no: None,
        channel: Channel::Sandbox,
        account_id: "A-sandbox".to_owned(),
        method: None,
        title: "tea".to_owned(),
        amount,
        refunded: Fen::ZERO,
        held: Fen::ZERO,
        overpaid: Fen::ZERO,
        status: OrderStatus::Success,
        pay_time: None,
        attach: None,
        created_at: Timestamp(0),
        recorded_at: Timestamp(0),
        version: 1,
    }
}
