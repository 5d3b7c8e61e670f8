//! Texts of the list of orders and of an order's page.

use crate::domain::lang::{Lang, Text, text};
use crate::domain::money::Fen;

// Texts of the list.
pub const ORDER: Text = text("订单", "Order");
pub const ORDER_NO: Text = text("订单号", "Order number");
pub const BIZ_ORDER_NO: Text = text("商户订单号", "Merchant order number");
pub const OUT_ORDER_NO: Text = text("通道订单号", "Channel order number");
pub const CREATED: Text = text("创建时间", "Created");
pub const REFUNDABLE: Text = text("可退金额", "Refundable");
pub const NO_ORDERS: Text = text("还没有订单", "No orders yet");
pub const NO_ORDERS_WHY: Text = text(
    "商户系统登记支付订单，或管理员用命令行导入 CSV 文件后，订单会显示在这里。",
    "Orders show up here once a merchant's system records them, or an administrator imports a CSV file on the command line.",
);
pub const NO_ORDERS_MATCH_WHY: Text = text(
    "没有订单符合以上全部条件。去掉一个条件，或检查单号是否完整；单号从开头匹配。",
    "No order meets all of these. Remove one, or check the number: it is matched from its beginning.",
);

// Texts of an order's page.
pub const METHOD: Text = text("支付方式", "Payment method");
pub const PAID_AT: Text = text("支付时间", "Paid");
pub const RECORDED_AT: Text = text("登记时间", "Recorded");
pub const ATTACH: Text = text("附加数据", "Attached data");
pub const TIMELINE: Text = text("时间线", "Timeline");
pub const SYNC: Text = text("同步", "Sync");
pub const TIMES_IN: Text = text("时区", "Time zone");
pub const ORDER_AMOUNT: Text = text("订单金额", "Amount");
pub const PAID_AMOUNT: Text = text("已付金额", "Paid");
pub const REFUNDED_AMOUNT: Text = text("已退金额", "Refunded");
pub const HELD_AMOUNT: Text = text("退款中金额", "In progress");
pub const OVERPAID_AMOUNT: Text = text("多退金额", "Overpaid");
pub const MOVEMENTS: Text = text("资金变动", "Money movements");
pub const MOVED_AT: Text = text("时间", "Time");
pub const MOVEMENT_KIND: Text = text("类型", "Kind");
pub const MOVEMENT_AMOUNT: Text = text("金额（元）", "Amount (yuan)");
pub const EVIDENCE: Text = text("依据", "Evidence");

/// Says by how much what was paid out and is being refunded exceeds what was paid in.
pub fn excess(excess: Fen, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("已退出和退款中的金额合计比已付多 {excess} 元。"),
        Lang::En => {
            format!("{excess} yuan more were paid out or are being refunded than were paid in.")
        }
    }
}

/// Says which part of a movement is overpaid.
pub fn overpaid_part(overpaid: Fen, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("其中多退 {overpaid}"),
        Lang::En => format!("{overpaid} of it overpaid"),
    }
}

pub const NO_REFUNDS_OF_ORDER: Text =
    text("这笔订单还没有退款。", "This order has no refunds yet.");
