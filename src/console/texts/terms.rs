//! Names of the domain's terms: states, channels, roles.

use crate::domain::event::{Actor, EventKind};
use crate::domain::lang::{Lang, Text, text};
use crate::domain::merchant::Edition;
use crate::domain::movement::{MovementEvidence, MovementKind};
use crate::domain::order::{Channel, Method, OrderStatus, RefundSide};
use crate::domain::people::Role;
use crate::domain::refund::{OutcomeKind, RefundStatus, ReviewReason};

/// Names an edition of the gateway's protocol.
pub fn edition(edition: Edition) -> Text {
    match edition {
        Edition::Single => text("单商户版（2.x）", "Single (2.x)"),
        Edition::Open => text("开放版（3.x）", "Open (3.x)"),
    }
}

/// Names a channel.
pub fn channel(channel: Channel) -> Text {
    match channel {
        Channel::WechatPay => text("微信支付", "WeChat Pay"),
        Channel::AliPay => text("支付宝", "Alipay"),
        Channel::UnionPay => text("云闪付", "UnionPay"),
        Channel::Sandbox => text("沙箱", "Sandbox"),
    }
}

pub const TEST_MODE: Text = text("测试模式", "Test mode");
pub const NO_MONEY_MOVES: Text = text(
    "测试模式：沙箱代替支付通道，付款人不会收到款项。",
    "Test mode: the sandbox stands in for the channel; the payer receives nothing.",
);

/// Marks a channel's name as in test mode: `微信支付（测试）`.
pub fn in_test_mode(channel: &str, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("{channel}（测试）"),
        Lang::En => format!("{channel} (test)"),
    }
}

/// States which channels of an app are in test mode. `all` is true where none of the app's channels moves money.
pub fn test_channels(channels: &[Channel], all: bool, lang: Lang) -> String {
    let names: Vec<_> = channels.iter().map(|&one| channel(one).get(lang)).collect();
    match (lang, all) {
        (Lang::Zh, true) => "沙箱代替支付通道，没有资金变动".to_owned(),
        (Lang::Zh, false) => format!(
            "沙箱代替{}，没有资金变动；其它通道是真实的",
            names.join("、")
        ),
        (Lang::En, true) => "The sandbox stands in for the channels; no money moves".to_owned(),
        (Lang::En, false) => format!(
            "The sandbox stands in for {}; no money moves there. The other channels are real",
            names.join(", ")
        ),
    }
}

/// Names a payment method.
pub fn method(method: Method) -> Text {
    match method {
        Method::Wap => text("手机网页", "Mobile web"),
        Method::App => text("App 支付", "App"),
        Method::Web => text("电脑网页", "Web"),
        Method::QrCode => text("扫码支付", "QR code"),
        Method::BarCode => text("付款码", "Bar code"),
        Method::Jsapi => text("公众号/小程序", "JSAPI"),
    }
}

/// Names the state of an order.
pub fn order_status(status: OrderStatus) -> Text {
    match status {
        OrderStatus::Wait => text("待支付", "Unpaid"),
        OrderStatus::Progress => text("支付中", "Paying"),
        OrderStatus::Success => text("已支付", "Paid"),
        OrderStatus::Close => text("已关闭", "Closed"),
        OrderStatus::Cancel => text("已撤销", "Cancelled"),
        OrderStatus::Timeout => text("已超时", "Timed out"),
        OrderStatus::Fail => text("支付失败", "Failed"),
    }
}

/// Names the refund side of an order.
pub fn refund_side(side: RefundSide) -> Text {
    match side {
        RefundSide::NoRefund => text("未退款", "None"),
        RefundSide::Refunding => text("退款中", "In progress"),
        RefundSide::PartialRefund => text("部分退款", "Partial"),
        RefundSide::Refunded => text("已退款", "Refunded"),
    }
}

/// Names the state of a refund.
pub fn refund_status(status: RefundStatus) -> Text {
    match status {
        RefundStatus::Progress => text("退款中", "In progress"),
        RefundStatus::Success => text("退款成功", "Succeeded"),
        RefundStatus::Fail => text("退款失败", "Failed"),
        RefundStatus::Close => text("已关闭", "Closed"),
    }
}

/// Names a reason for review.
pub fn review_reason(review_reason: ReviewReason) -> Text {
    match review_reason {
        ReviewReason::Absent => text("通道查无此退款", "Unknown to the channel"),
        ReviewReason::LateSuccess => {
            text("金额退还后通道又成功", "Succeeded after it was given up")
        }
        ReviewReason::Overpaid => text("实际退出超过已付金额", "More paid out than paid in"),
        ReviewReason::Contradicted => text("通道前后说法不一致", "The channel contradicts itself"),
        ReviewReason::AmountDiffers => text("通道所说金额不符", "The channel names another amount"),
        ReviewReason::Abnormal => text("退款异常，未到付款人", "Did not reach the payer"),
        ReviewReason::Overdue => text("退款中时间过长", "In progress for too long"),
    }
}

/// Names an event.
pub fn event(kind: EventKind) -> Text {
    match kind {
        EventKind::Recorded => text("登记订单", "Order recorded"),
        EventKind::Requested => text("申请退款", "Refund requested"),
        EventKind::Repeated => text("重复申请", "Requested again"),
        EventKind::Answered => text("通道应答", "Channel answered"),
        EventKind::Callback => text("通道回调", "Channel called back"),
        EventKind::Sync => text("同步", "Synced"),
        EventKind::Submitted => text("提交", "Submitted"),
        EventKind::Resubmitted => text("重新提交", "Submitted again"),
        EventKind::PutOff => text("推迟提交", "Submission put off"),
        EventKind::Retried => text("重试", "Retried"),
        EventKind::Closed => text("关闭", "Closed"),
        EventKind::Flagged => text("超时未决，转人工", "Open too long: raised to a person"),
        EventKind::Reviewed => text("已查看", "Reviewed"),
        EventKind::Booked => text("人工登记", "Booked"),
    }
}

/// Names a kind of movement.
pub fn movement_kind(kind: MovementKind) -> Text {
    match kind {
        MovementKind::Held => text("占用", "Held"),
        MovementKind::Released => text("释放", "Released"),
        MovementKind::Refunded => text("已退", "Refunded"),
        MovementKind::Returned => text("退回", "Returned"),
        MovementKind::Overpaid => text("多退", "Overpaid"),
    }
}

/// Names the evidence of a movement.
pub fn movement_evidence(evidence: MovementEvidence) -> Text {
    match evidence {
        MovementEvidence::Request => text("退款申请", "Request"),
        MovementEvidence::Answer => text("通道应答", "Channel's answer"),
        MovementEvidence::Callback => text("通道回调", "Callback"),
        MovementEvidence::Sync => text("同步", "Sync"),
        MovementEvidence::Operator => text("人工", "Operator"),
    }
}

/// Names a channel's outcome.
pub fn outcome_kind(outcome: OutcomeKind) -> Text {
    match outcome {
        OutcomeKind::Accepted => text("已受理", "accepted"),
        OutcomeKind::Success => text("成功", "succeeded"),
        OutcomeKind::Fail => text("失败", "failed"),
        OutcomeKind::Close => text("已关闭", "closed"),
        OutcomeKind::NotFound => text("查无此单", "not found"),
        OutcomeKind::Abnormal => text("异常", "abnormal"),
        OutcomeKind::RetryLater => text("稍后再提交", "to be submitted later"),
        OutcomeKind::Unknown => text("结果未知", "outcome unknown"),
    }
}

/// Names the actor of an event.
pub fn actor(actor: &Actor, lang: Lang) -> String {
    match actor {
        Actor::Merchant => text("商户", "Merchant").get(lang).to_owned(),
        Actor::Channel => text("通道", "Channel").get(lang).to_owned(),
        Actor::System => text("系统", "System").get(lang).to_owned(),
        Actor::Unknown => text("未知", "Unknown").get(lang).to_owned(),
        Actor::Operator(name) => name.clone(),
        Actor::CommandLine(user) => match lang {
            Lang::Zh => format!("命令行（{user}）"),
            Lang::En => format!("Command line ({user})"),
        },
    }
}

/// Names a role.
pub fn role(role: Role) -> Text {
    match role {
        Role::Viewer => text("查看员", "Viewer"),
        Role::Operator => text("操作员", "Operator"),
        Role::Auditor => text("审计员", "Auditor"),
        Role::Admin => text("管理员", "Administrator"),
    }
}
