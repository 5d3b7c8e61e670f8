//! Texts of the list of orders and of an order's page.

use crate::domain::lang::{Text, text};

// The list.
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

// The page of one.
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
pub const NO_REFUNDS_OF_ORDER: Text =
    text("这笔订单还没有退款。", "This order has no refunds yet.");
