//! Texts of the list of refunds, of a refund's page, and of the refund form.

use crate::console::texts::events::state;
use crate::console::texts::{NONE, channel, channel_said, refund_status, synced};
use crate::domain::event::{Actor, Event, EventKind, Subject};
use crate::domain::lang::{Lang, Text, text};
use crate::domain::money::Fen;
use crate::domain::movement::Amounts;
use crate::domain::order::Order;
use crate::domain::refund::{Booking, Refund, RefundStatus, ReviewReason};

// Texts of the form.
pub const REFUND: Text = text("退款", "Refund");
pub const REFUND_NO: Text = text("退款单号", "Refund number");
pub const BIZ_REFUND_NO: Text = text("商户退款单号", "Merchant refund number");
pub const OUT_REFUND_NO: Text = text("通道退款单号", "Channel refund number");
pub const REFUND_AMOUNT: Text = text("退款金额（元）", "Amount (yuan)");
pub const REASON: Text = text("退款原因", "Reason");
pub const OPTIONAL: Text = text("选填", "optional");
pub const BIZ_REFUND_NO_HINT: Text = text(
    "已自动生成，也可改为自己的单号。同一单号只会退款一次。",
    "Made for you; replace it by your own if you like. One number is one refund.",
);
pub const REVIEW: Text = text("核对并退款", "Review refund");
pub const CONFIRM_REFUND: Text = text("确认退款", "Confirm the refund");
pub const CHANGE: Text = text("返回修改", "Change");
pub const SENDING: Text = text("正在提交退款", "Sending the refund");
pub const NOTHING_LEFT: Text = text("没有可退的金额。", "Nothing is left to refund.");
pub const ONLY_LOOKING: Text = text(
    "您的角色只能查看，不能退款。",
    "Your role may look, but not refund.",
);

/// Names the button that refunds.
pub fn refund_button(amount: Fen, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("退款 {amount}"),
        Lang::En => format!("Refund {amount}"),
    }
}

/// Describes exactly what a refund of this amount does.
pub fn what_will_happen(order: &Order, amount: Fen, lang: Lang) -> Vec<String> {
    let Order { order_no, .. } = order;
    let paid = order.amount;
    let channel = channel(order.channel).get(lang);
    let left = order.refundable() - amount;
    let mut said = Vec::new();
    match lang {
        Lang::Zh => {
            said.push(format!(
                "从订单 {order_no} 通过{channel}支付的 {paid} 元中，退还 {amount} 元给付款人。"
            ));
            if order.refunded > Fen::ZERO {
                said.push(format!("此前已退 {} 元。", order.refunded));
            }
            if order.held > Fen::ZERO {
                said.push(format!("另有 {} 元正在退款中。", order.held));
            }
            said.push(format!("退款后还可退 {left} 元。"));
        }
        Lang::En => {
            said.push(format!(
                "Refund {amount} of the {paid} yuan paid by {channel} for order {order_no} to the payer."
            ));
            if order.refunded > Fen::ZERO {
                said.push(format!("{} was refunded before.", order.refunded));
            }
            if order.held > Fen::ZERO {
                said.push(format!("{} is being refunded.", order.held));
            }
            said.push(format!("{left} stays refundable."));
        }
    }
    said
}

// Texts of the list, and of a refund's page.
pub const ALL: Text = text("全部", "All");
pub const NO_REFUNDS: Text = text("还没有退款", "No refunds yet");
pub const NO_REFUNDS_WHY: Text = text(
    "在订单页面发起退款，或商户系统申请退款后，退款会显示在这里。",
    "Refunds show up here once you make one on an order's page, or a merchant's system asks for one.",
);
pub const NO_REFUNDS_MATCH_WHY: Text = text(
    "没有退款符合以上全部条件。去掉一个条件，或检查单号是否完整；单号从开头匹配。",
    "No refund meets all of these. Remove one, or check the number: it is matched from its beginning.",
);
pub const NOTHING_TO_DO: Text = text("没有待人工处理的退款", "No refund needs a person");
pub const NOTHING_TO_DO_WHY: Text = text(
    "通道的说法与我方记录不一致、需要人来判断的退款会显示在这里。",
    "Refunds show up here when the channel and our record disagree and a person has to judge.",
);
pub const TO_REFUNDS: Text = text("查看退款", "Go to refunds");
pub const CHANNEL_NO: Text = text("提交给通道的单号", "Number given to the channel");
pub const ATTEMPTS: Text = text("提交次数", "Submissions");
pub const SUBMITTED: Text = text("最近提交时间", "Last submitted");
pub const FINISHED: Text = text("完成时间", "Finished");
pub const ERROR_CODE: Text = text("错误代码", "Error code");
pub const ERROR_MSG: Text = text("错误信息", "Error message");
pub const NOTIFY_URL: Text = text("通知地址", "Notify URL");
pub const CLIENT_IP: Text = text("客户端 IP", "Client IP");
pub const EDITION: Text = text("协议版本", "Edition");
pub const RETRY: Text = text("重试", "Retry");
pub const CLOSE: Text = text("关闭", "Close");
pub const RETRY_TITLE: Text = text("重试退款", "Retry the refund");
pub const CLOSE_TITLE: Text = text("关闭退款", "Close the refund");
pub const CLOSE_REFUND: Text = text("关闭退款", "Close refund");
pub const BACK_TO_REFUND: Text = text("返回退款", "Back to the refund");

/// Explains what the state of a refund means for the money.
pub fn refund_meaning(refund: &Refund, lang: Lang) -> String {
    let Refund { amount, status, .. } = refund;
    let channel = channel(refund.channel).get(lang);
    match (status, lang) {
        (RefundStatus::Progress, Lang::Zh) if refund.submissions.are_kept_back() => format!(
            "恢复模式：{amount} 元已占用，尚未提交{channel}。管理员结束恢复模式后，以原单号提交。"
        ),
        (RefundStatus::Progress, Lang::En) if refund.submissions.are_kept_back() => format!(
            "Restored mode: {amount} yuan are held and not submitted to {channel} yet. They are, under this number, once an administrator has ended restored mode."
        ),
        (RefundStatus::Progress, Lang::Zh) => {
            format!("{amount} 元已提交{channel}退还付款人，尚无最终结果。有结果后本页会自动更新。")
        }
        (RefundStatus::Progress, Lang::En) => format!(
            "{amount} yuan were submitted to {channel} and have no final outcome yet. This page updates by itself."
        ),
        (RefundStatus::Success, Lang::Zh) => format!("{amount} 元已由{channel}退还付款人。"),
        (RefundStatus::Success, Lang::En) => {
            format!("{amount} yuan were returned to the payer by {channel}.")
        }
        (RefundStatus::Fail | RefundStatus::Close, Lang::Zh) if refund.review_reason.is_some() => {
            format!("{amount} 元已退回订单，但通道的说法不同：钱可能已经退出。")
        }
        (RefundStatus::Fail | RefundStatus::Close, Lang::En) if refund.review_reason.is_some() => {
            format!(
                "The {amount} yuan went back to the order, but the channel says otherwise: money may have moved."
            )
        }
        (RefundStatus::Fail, Lang::Zh) => {
            format!("没有钱退出，{amount} 元已退回订单。可以重试，或者关闭。")
        }
        (RefundStatus::Fail, Lang::En) => format!(
            "No money moved; the {amount} yuan went back to the order. Retry it, or close it."
        ),
        (RefundStatus::Close, Lang::Zh) => {
            format!("这笔退款已关闭，不会再提交。{amount} 元已退回订单。")
        }
        (RefundStatus::Close, Lang::En) => format!(
            "It is closed and will not be submitted again. The {amount} yuan went back to the order."
        ),
    }
}

/// Quotes the channel's refusal of a refund.
pub fn refused_by(refund: &Refund, lang: Lang) -> String {
    let channel = channel(refund.channel).get(lang);
    let msg = refund.error_msg.as_deref().unwrap_or_default();
    match (refund.error_code.as_deref(), lang) {
        (None, Lang::Zh) => format!("{channel}答复：{msg}"),
        (None, Lang::En) => format!("{channel} said: {msg}"),
        (Some(code), Lang::Zh) => format!("{channel}答复：{msg}（{code}）"),
        (Some(code), Lang::En) => format!("{channel} said: {msg} ({code})"),
    }
}

/// Explains a reason for review, and what to do.
pub fn what_to_do(review_reason: ReviewReason) -> Text {
    match review_reason {
        ReviewReason::Absent => text(
            "通道曾受理这笔退款，现在却查不到它，钱可能没有退出。金额仍为这笔退款占用。请到通道的商户平台核对，或联系通道；通道能查到后再同步。",
            "The channel had accepted this refund and now does not know it; the money may not have moved. The amount stays held. Check it in the channel's own console or ask the channel, and sync once the channel knows it again.",
        ),
        ReviewReason::LateSuccess => text(
            "金额退回订单之后，通道又退款成功。我方状态和订单余额已经更正。请核对这笔订单的其他退款，确认没有为同一件事退了两次。",
            "The channel paid it out after the amount had gone back to the order. Our state and the order's balance were corrected. Check the order's other refunds: make sure that nothing was refunded twice.",
        ),
        ReviewReason::Overpaid => text(
            "金额退回订单并被其他退款用掉之后，通道又退款成功：实际退出的钱多于付款。请核对这笔订单的全部退款，与付款人或通道追回多退的部分；核实后登记多退，账目才与通道一致。",
            "The channel paid it out after the amount had gone back to the order and was used by other refunds: more was paid out than was paid in. Go through all refunds of the order and recover the excess from the payer or the channel. Once you are sure, book it as overpaid, so that our books agree with the channel's.",
        ),
        ReviewReason::Contradicted => text(
            "通道现在的说法与之前不同，而钱已经退出或可能退出。我方状态没有因此改变。请对照下方时间线中的原话和通道的账单判断，必要时联系通道；确认钱已退回后登记退回，付款人才能再次获得退款。",
            "The channel now says something else than before, about money that has moved or may move. Our state was left as it is. Compare its words in the timeline below with the channel's bill, and ask the channel where they differ. Once you are sure that the money came back, book it as returned: then the payer can be refunded again.",
        ),
        ReviewReason::AmountDiffers => text(
            "通道回调中的退款金额与我方申请的金额不同。我方状态没有因此改变。请在通道的商户平台核对实际退出的金额，必要时联系通道。这里只登记申请的金额：差额请凭账单另行处理，然后标为已查看。",
            "A callback of the channel names another amount than the one we asked for. Our state was left as it is. Check in the channel's own console what was paid out, and ask the channel where it differs. Only the amount asked for is booked here: settle a difference by the bill, and mark the refund as reviewed.",
        ),
        ReviewReason::Abnormal => text(
            "通道没能把钱退到付款人的账户，例如银行卡已注销。金额仍为这笔退款占用。请到通道的商户平台处理这笔异常退款，处理后再同步；在那之前不要另行退款。",
            "The channel could not bring the money to the payer: a bank card was closed, say. The amount stays held. Decide on the abnormal refund in the channel's own console, and sync afterwards; until then do not refund it in another way.",
        ),
        ReviewReason::Overdue => text(
            "这笔退款长时间没有结果，金额一直占用。系统会继续询问通道；请到通道的商户平台核对，或联系通道。",
            "This refund has had no outcome for a long time, and its amount stays held. The channel goes on being asked; check the refund in the channel's own console, or ask the channel.",
        ),
    }
}

/// Describes exactly what retrying a failed refund does.
pub fn what_retry_does(refund: &Refund, order: &Order, lang: Lang) -> String {
    let Refund {
        refund_no, amount, ..
    } = refund;
    let channel = channel(refund.channel).get(lang);
    let order_no = &order.order_no;
    let n = refund.submissions.count() + 1;
    let left = order.refundable() - refund.amount;
    match lang {
        Lang::Zh => format!(
            "以原单号 {refund_no} 第 {n} 次提交{channel}，把订单 {order_no} 的 {amount} 元退还付款人。之后订单还可退 {left} 元。"
        ),
        Lang::En => format!(
            "Submit refund {refund_no} to {channel} again, under its own number (submission {n}). {amount} yuan of order {order_no} go back to the payer; {left} stays refundable."
        ),
    }
}

/// Names the link to a booking and its dialog.
pub fn book(booking: Booking) -> Text {
    match booking {
        Booking::Overpaid => text("登记多退", "Book as overpaid"),
        Booking::Returned => text("登记退回", "Book as returned"),
    }
}

/// Names the button of a booking.
pub fn book_button(booking: Booking, amount: Fen, lang: Lang) -> String {
    match (booking, lang) {
        (Booking::Overpaid, Lang::Zh) => format!("登记多退 {amount}"),
        (Booking::Overpaid, Lang::En) => format!("Book {amount} as paid out"),
        (Booking::Returned, Lang::Zh) => format!("登记退回 {amount}"),
        (Booking::Returned, Lang::En) => format!("Book {amount} as returned"),
    }
}

pub const BOOK_TITLE: Text = text("登记实际结果", "Book what happened");
pub const BASIS: Text = text("依据", "Evidence");
pub const BASIS_HINT: Text = text(
    "如通道账单、银行流水号、工单号。会写入时间线。",
    "The channel's bill, a bank statement, a ticket's number. It is kept in the timeline.",
);
pub const NOTHING_TO_BOOK: Text = text(
    "这笔退款没有可以登记的内容。",
    "There is nothing to book for this refund.",
);
pub const OVERPAID_OF_REFUND: Text = text("其中多退", "Overpaid");

/// Describes exactly what a booking does. `change` is what it changes of the order's balance.
pub fn what_booking_does(
    refund: &Refund,
    order: &Order,
    booking: Booking,
    change: Amounts,
    lang: Lang,
) -> String {
    let Refund {
        refund_no, amount, ..
    } = refund;
    let channel = channel(refund.channel).get(lang);
    let order_no = &order.order_no;
    let (refunded, overpaid) = (change.refunded, change.overpaid);
    let after = Order {
        refunded: order.refunded + refunded,
        overpaid: order.overpaid + overpaid,
        ..order.clone()
    };
    let left = after.refundable();
    match (booking, lang) {
        (Booking::Overpaid, Lang::Zh) => format!(
            "登记{channel}已退出退款 {refund_no} 的 {amount} 元：{refunded} 元记入订单 {order_no} 的已退金额，{overpaid} 元超过订单可退金额，记为多退。之后订单还可退 {left} 元。退款状态改为“退款成功”，设有通知地址的商户会收到通知。不会向通道提交任何请求，也不会有钱退出。"
        ),
        (Booking::Overpaid, Lang::En) => format!(
            "Book that {channel} paid out the {amount} yuan of refund {refund_no}: {refunded} count as refunded of order {order_no}, and {overpaid}, for which the order had too little left, as overpaid. {left} stays refundable. The refund becomes “Succeeded”; a merchant with a notify URL is told. Nothing is sent to the channel, and no money moves."
        ),
        (Booking::Returned, Lang::Zh) => format!(
            "登记退款 {refund_no} 的 {amount} 元已被退回，付款人没有收到：从订单 {order_no} 的已退金额中减去，之后订单可退 {left} 元，可另行退款。退款状态改为“已关闭”，不能重试，设有通知地址的商户会收到通知。不会向通道提交任何请求，也不会有钱退出。"
        ),
        (Booking::Returned, Lang::En) => format!(
            "Book that the {amount} yuan of refund {refund_no} came back and the payer does not have them: they no longer count as refunded of order {order_no}, and {left} will be refundable, by a new refund. The refund becomes “Closed” and cannot be retried; a merchant with a notify URL is told. Nothing is sent to the channel, and no money moves."
        ),
    }
}

/// Says why a failed refund cannot be retried.
pub fn too_little_left(order: &Order, lang: Lang) -> String {
    let left = order.refundable();
    match lang {
        Lang::Zh => format!("订单只剩 {left} 元可退，不够重试这笔退款。"),
        Lang::En => format!(
            "Only {left} yuan of the order are left to refund: too little to retry this one."
        ),
    }
}

/// Describes exactly what closing a failed refund does.
pub fn what_closing_does(refund: &Refund, order: &Order, lang: Lang) -> String {
    let Refund {
        refund_no, amount, ..
    } = refund;
    let (order_no, left) = (&order.order_no, order.refundable());
    match lang {
        Lang::Zh => format!(
            "关闭退款 {refund_no}，以后不能再重试。不会有钱退出：{amount} 元失败时已退回订单 {order_no}，订单可退 {left} 元，仍可另行退款。"
        ),
        Lang::En => format!(
            "Close refund {refund_no} for good: it cannot be retried afterwards. No money moves. The {amount} yuan went back to order {order_no} when it failed; {left} yuan of it are refundable, by a new refund."
        ),
    }
}

/// Names the button that retries.
pub fn retry_button(amount: Fen, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("重试退款 {amount}"),
        Lang::En => format!("Retry refund of {amount}"),
    }
}

/// Announces a changed state to screen readers.
pub fn state_is_now(status: RefundStatus, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("退款状态已变为：{}", refund_status(status).zh),
        Lang::En => format!("The refund's status is now: {}", refund_status(status).en),
    }
}

/// Describes the outcome of an operator's last action, from the events since the action began, newest first. Returns
/// `None` where no action of an operator is among them.
pub fn outcome<'a>(since: impl Iterator<Item = &'a Event> + Clone, lang: Lang) -> Option<String> {
    let act = since.clone().find(|event| {
        let acts = [
            EventKind::Sync,
            EventKind::Retried,
            EventKind::Closed,
            EventKind::Reviewed,
            EventKind::Booked,
        ];
        acts.contains(&event.kind) && matches!(event.actor, Actor::Operator(_))
    })?;
    let after = since.filter(|event| event.seq > act.seq);
    let resubmitted = after
        .clone()
        .any(|event| event.kind == EventKind::Resubmitted);
    let answer = after
        .filter(|event| event.kind == EventKind::Answered)
        .find_map(|event| event.outcome);
    let mut said = vec![match act.kind {
        EventKind::Sync => synced(act, lang),
        EventKind::Retried if answer.is_none() => text(
            "已登记重试，等待提交。",
            "Retried; it waits to be submitted.",
        )
        .get(lang)
        .to_owned(),
        EventKind::Retried => text("已重新提交。", "Submitted again.")
            .get(lang)
            .to_owned(),
        EventKind::Reviewed => text("已记录：已查看。", "Noted as reviewed.")
            .get(lang)
            .to_owned(),
        EventKind::Booked => text("已登记。", "Booked.").get(lang).to_owned(),
        _ => text("退款已关闭。", "The refund is closed.")
            .get(lang)
            .to_owned(),
    }];
    if resubmitted {
        let again = text(
            "通道没有收到过这笔退款，已用原单号重新提交。",
            "The channel had never seen this refund: it was submitted again under its own number.",
        );
        said.push(again.get(lang).to_owned());
    }
    said.extend(answer.map(|outcome| match lang {
        Lang::Zh => format!("{}。", channel_said(outcome, lang)),
        Lang::En => format!("{}.", channel_said(outcome, lang)),
    }));
    Some(said.join(match lang {
        Lang::Zh => "",
        Lang::En => " ",
    }))
}

/// Says that an action is no longer possible. `status` is the stored name of the refund's state.
pub fn wrong_state(status: &str, lang: Lang) -> String {
    let status = state(Subject::Refund, status).unwrap_or(NONE);
    match lang {
        Lang::Zh => format!("这笔退款现在是“{}”，不能再这样处理。", status.zh),
        Lang::En => format!(
            "This refund is “{}” by now: that cannot be done any more.",
            status.en
        ),
    }
}
