//! Every text of the console, in both languages. One word for one thing, everywhere.

use crate::app::rpc::Cause;
use crate::domain::error::Reason;
use crate::domain::event::{Actor, Event, EventKind, Subject};
use crate::domain::filter::{Count, Sort};
use crate::domain::lang::{Lang, Text, text};
use crate::domain::merchant::Edition;
use crate::domain::money::Fen;
use crate::domain::operator::Role;
use crate::domain::order::{Channel, Method, Order, OrderStatus, RefundSide};
use crate::domain::refund::{Attention, FindingWord, Refund, RefundStatus};

// The frame.
pub const PRODUCT: &str = "Refundry";
pub const ORDERS: Text = text("订单", "Orders");
pub const REFUNDS: Text = text("退款", "Refunds");
pub const SKIP: Text = text("跳到正文", "Skip to content");
pub const MAIN_NAV: Text = text("主导航", "Main navigation");
pub const SEARCH: Text = text("搜索", "Search");
pub const SEARCH_HINT: Text = text(
    "订单号、商户单号或通道单号",
    "Our, merchant or channel number",
);
pub const APP: Text = text("应用", "App");
pub const OTHER_LANGUAGE: Text = text("English", "中文");
pub const VIEW: Text = text("显示", "View");
pub const THEME: Text = text("主题", "Theme");
pub const THEME_SYSTEM: Text = text("跟随系统", "System");
pub const THEME_LIGHT: Text = text("浅色", "Light");
pub const THEME_DARK: Text = text("深色", "Dark");
pub const DENSITY: Text = text("行距", "Rows");
pub const DENSITY_NORMAL: Text = text("标准", "Normal");
pub const DENSITY_COMPACT: Text = text("紧凑", "Compact");
pub const LOG_OUT: Text = text("退出登录", "Log out");
pub const KEYBOARD: Text = text("键盘快捷键", "Keyboard");
pub const NEEDS_PERSON: Text = text("待人工处理", "Needs a person");

// Things said everywhere.
pub const COPY: Text = text("复制", "Copy");
pub const COPIED: Text = text("已复制", "Copied");
pub const CLOSE_DIALOG: Text = text("关闭窗口", "Close");
pub const CANCEL: Text = text("取消", "Cancel");
pub const BACK: Text = text("返回", "Back");
pub const TRACE_ID: Text = text("跟踪号", "Trace id");
pub const NONE: Text = text("—", "—");
pub const YUAN: Text = text("元", "yuan");
pub const INTERNAL: Text = text(
    "服务器处理失败。请稍后再试；若仍失败，请把跟踪号交给技术人员。",
    "The server failed. Try again shortly; if it persists, give the trace id to your engineers.",
);
pub const UNREACHABLE: Text = text(
    "无法连接服务器。请检查网络后再试。",
    "The server cannot be reached. Check the network and try again.",
);
pub const UNREADABLE: Text = text(
    "页面已过期，请刷新后再试。",
    "This page is out of date. Reload it and try again.",
);
pub const NOT_FOUND: Text = text("没有这个页面", "No such page");
pub const NOT_FOUND_WHY: Text = text(
    "地址可能输入有误，或者链接已经失效。",
    "The address may be mistyped, or the link out of date.",
);
pub const TO_ORDERS: Text = text("查看订单", "Go to orders");
pub const NO_APPS: Text = text("还没有应用", "No apps yet");
pub const NO_APPS_WHY: Text = text(
    "订单和退款都属于某个应用。请管理员先用命令行添加一个应用。",
    "Orders and refunds belong to an app. Ask an administrator to add one on the command line.",
);

/// The keys and what they do.
pub const KEYS: &[(&[&str], Text)] = &[
    (&["/"], text("搜索", "Search")),
    (
        &["j", "k"],
        text("下一行、上一行", "Next row, previous row"),
    ),
    (&["Enter"], text("打开所在行", "Open the row")),
    (&["c"], text("复制单号", "Copy the number")),
    (&["r"], text("退款", "Refund")),
    (&["s"], text("同步", "Sync")),
    (&["?"], text("显示快捷键", "Show these keys")),
    (&["Esc"], text("关闭窗口", "Close")),
];

// Login.
pub const LOG_IN: Text = text("登录", "Log in");
pub const LOG_IN_TITLE: Text = text("登录 Refundry", "Log in to Refundry");
pub const NAME: Text = text("用户名", "Name");
pub const PASSWORD: Text = text("密码", "Password");

/// Why a login was refused: the word of the login page's address, after a point the minutes.
pub fn login_refused(word: &str, lang: Lang) -> Option<String> {
    let (word, minutes) = word.split_once('.').unwrap_or((word, "0"));
    let minutes: u16 = minutes.parse().ok()?;
    let fixed = match word {
        "wrong" => text("用户名或密码不正确", "Wrong name or password"),
        "busy" => text(
            "系统繁忙，请稍后再试",
            "Too busy at the moment; try again shortly",
        ),
        "internal" => INTERNAL,
        "locked" => {
            return Some(match lang {
                Lang::Zh => format!("失败次数过多，请 {minutes} 分钟后再试"),
                Lang::En => format!("Too many failed attempts; try again in {minutes} minutes"),
            });
        }
        _ => return None,
    };
    Some(fixed.get(lang).to_owned())
}

// Lists.
pub const FILTERS: Text = text("筛选", "Filters");
pub const APPLY: Text = text("筛选", "Apply");
pub const SHOW: Text = text("显示", "Show");
pub const CLEAR_FILTERS: Text = text("清除全部筛选", "Clear all filters");
pub const FIRST_PAGE: Text = text("首页", "First");
pub const PREVIOUS_PAGE: Text = text("上一页", "Previous");
pub const NEXT_PAGE: Text = text("下一页", "Next");
pub const PAGES: Text = text("翻页", "Pages");
pub const NUMBER: Text = text("单号", "Number");
pub const ANY_NUMBER: Text = text("任意单号", "any number");
pub const TITLE: Text = text("标题", "Title");
pub const TITLE_BEGINS: Text = text("标题开头", "title begins");
pub const CHANNEL: Text = text("通道", "Channel");
pub const ANY_CHANNEL: Text = text("全部通道", "all channels");
pub const STATUS: Text = text("状态", "Status");
pub const ANY_STATUS: Text = text("全部状态", "any status");
pub const REFUND_SIDE: Text = text("退款状态", "Refund status");
pub const ANY_REFUND_SIDE: Text = text("全部退款状态", "any refund status");
pub const AMOUNT: Text = text("金额", "Amount");
pub const AMOUNT_YUAN: Text = text("金额（元）", "Amount (yuan)");
pub const AMOUNT_FROM: Text = text("最低金额", "lowest amount");
pub const AMOUNT_TO: Text = text("最高金额", "highest amount");
pub const AT_LEAST: Text = text("最低", "min");
pub const AT_MOST: Text = text("最高", "max");
pub const TIME: Text = text("时间", "Time");
pub const TIME_FROM: Text = text("开始日期", "from date");
pub const TIME_TO: Text = text("结束日期", "to date");
pub const DATE_HINT: Text = text("年-月-日", "yyyy-mm-dd");
pub const TODAY: Text = text("今天", "today");
pub const LAST_7_DAYS: Text = text("近 7 天", "7 days");
pub const LAST_30_DAYS: Text = text("近 30 天", "30 days");
pub const UP_TO: Text = text("至", "to");
pub const SORTED: Text = text("排序", "sorted by");
pub const NOTHING_MATCHES: Text = text("没有符合条件的结果", "Nothing matches");
pub const FIX_FILTERS: Text = text(
    "有筛选条件填写不正确，请按提示修改。",
    "A filter cannot be understood. Correct it where it is marked.",
);
pub const TOO_MANY: Text = text(
    "匹配的单号过多，只检查了其中一部分。请输入更多字符。",
    "So many numbers begin like this that only some were looked at. Type more of it.",
);

// Orders.
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

// An order.
pub const METHOD: Text = text("支付方式", "Payment method");
pub const PAID_AT: Text = text("支付时间", "Paid");
pub const ATTACH: Text = text("附加数据", "Attached data");
pub const TIMELINE: Text = text("时间线", "Timeline");
pub const SYNC: Text = text("同步", "Sync");
pub const TIMES_IN: Text = text("时区", "Time zone");
pub const PAID_AMOUNT: Text = text("已付金额", "Paid");
pub const REFUNDED_AMOUNT: Text = text("已退金额", "Refunded");
pub const HELD_AMOUNT: Text = text("退款中金额", "In progress");
pub const NO_REFUNDS_OF_ORDER: Text =
    text("这笔订单还没有退款。", "This order has no refunds yet.");

// A refund, and the form that asks for it.
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

/// What a button that refunds says.
pub fn refund_button(amount: Fen, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("退款 {amount}"),
        Lang::En => format!("Refund {amount}"),
    }
}

/// What exactly will happen when a refund of this amount is sent.
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

/// The word for a state of an order or a refund.
fn state(subject: Subject, word: &str) -> Option<Text> {
    match subject {
        Subject::Order => word.parse().ok().map(order_status),
        Subject::Refund => word.parse().ok().map(refund_status),
    }
}

/// Why what was asked for cannot be done any more. `status` is the word of a refund's state.
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

/// What came of a sync.
pub fn synced(event: &Event, lang: Lang) -> String {
    let said = event.finding.map(|said| channel_said(said, lang));
    let mut text = text("已同步。", "Synced.").get(lang).to_owned();
    if let Some(said) = said {
        text.push_str(match lang {
            Lang::Zh => "",
            Lang::En => " ",
        });
        text.push_str(&said);
    }
    let states = [&event.before, &event.after].map(|word| {
        let state = word.as_deref().and_then(|word| state(event.subject, word));
        state.unwrap_or(NONE).get(lang)
    });
    text.push_str(&match (states, lang) {
        (_, Lang::Zh) if !event.changed() => "，状态不变。".to_owned(),
        (_, Lang::En) if !event.changed() => "; the status is unchanged.".to_owned(),
        ([before, after], Lang::Zh) => format!("，状态由“{before}”改为“{after}”。"),
        ([before, after], Lang::En) => {
            format!("; the status was changed from “{before}” to “{after}”.")
        }
    });
    text
}

/// What the channel says, as a clause.
pub fn channel_said(said: FindingWord, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("通道：{}", finding(said).zh),
        Lang::En => format!("Channel: {}", finding(said).en),
    }
}

// Refunds.
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

/// The name of an edition of the gateway's protocol.
pub fn edition(edition: Edition) -> Text {
    match edition {
        Edition::Single => text("单商户版（2.x）", "Single (2.x)"),
        Edition::Open => text("开放版（3.x）", "Open (3.x)"),
    }
}

/// What the state of a refund means for the money.
pub fn what_it_means(refund: &Refund, lang: Lang) -> String {
    let Refund { amount, status, .. } = refund;
    let channel = channel(refund.channel).get(lang);
    match (status, lang) {
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
        (RefundStatus::Fail | RefundStatus::Close, Lang::Zh) if refund.attention.is_some() => {
            format!("{amount} 元已退回订单，但通道的说法不同：钱可能已经退出。")
        }
        (RefundStatus::Fail | RefundStatus::Close, Lang::En) if refund.attention.is_some() => {
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

/// Who refused a refund, and in what words.
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

/// What it means that a person has to look at a refund, and what to do.
pub fn what_to_do(attention: Attention) -> Text {
    match attention {
        Attention::Absent => text(
            "通道曾受理这笔退款，现在却查不到它，钱可能没有退出。金额仍为这笔退款占用。请到通道的商户平台核对，或联系通道；通道能查到后再同步。",
            "The channel had accepted this refund and now does not know it; the money may not have moved. The amount stays held. Check it in the channel's own console or ask the channel, and sync once the channel knows it again.",
        ),
        Attention::LateSuccess => text(
            "金额退回订单之后，通道又退款成功。我方状态和订单余额已经更正。请核对这笔订单的其他退款，确认没有为同一件事退了两次。",
            "The channel paid it out after the amount had gone back to the order. Our state and the order's balance were corrected. Check the order's other refunds: make sure that nothing was refunded twice.",
        ),
        Attention::Overpaid => text(
            "金额退回订单并被其他退款用掉之后，通道又退款成功：实际退出的钱多于付款。请核对这笔订单的全部退款，与付款人或通道追回多退的部分。",
            "The channel paid it out after the amount had gone back to the order and was used by other refunds: more was paid out than was paid in. Go through all refunds of the order and recover the excess from the payer or the channel.",
        ),
        Attention::Contradicted => text(
            "通道现在的说法与之前不同，而钱已经退出或可能退出。我方状态没有因此改变。请对照下方时间线中的原话和通道的账单判断，必要时联系通道。",
            "The channel now says something else than before, about money that has moved or may move. Our state was left as it is. Compare its words in the timeline below with the channel's bill, and ask the channel where they differ.",
        ),
    }
}

/// What exactly will happen when a failed refund is retried.
pub fn what_retry_does(refund: &Refund, order: &Order, lang: Lang) -> String {
    let Refund {
        refund_no, amount, ..
    } = refund;
    let channel = channel(refund.channel).get(lang);
    let order_no = &order.order_no;
    let n = refund.attempt + 1;
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

/// Why a failed refund cannot be retried.
pub fn too_little_left(order: &Order, lang: Lang) -> String {
    let left = order.refundable();
    match lang {
        Lang::Zh => format!("订单只剩 {left} 元可退，不够重试这笔退款。"),
        Lang::En => format!(
            "Only {left} yuan of the order are left to refund: too little to retry this one."
        ),
    }
}

/// What exactly will happen when a failed refund is closed.
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

/// What the button that retries says.
pub fn retry_button(amount: Fen, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("重试退款 {amount}"),
        Lang::En => format!("Retry refund of {amount}"),
    }
}

/// Says, to those who cannot see it, that the state of the refund on the page has changed.
pub fn state_is_now(status: RefundStatus, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("退款状态已变为：{}", refund_status(status).zh),
        Lang::En => format!("The refund's status is now: {}", refund_status(status).en),
    }
}

/// What came of what an operator did to a refund, by the events since, newest first. None where
/// nothing came of it, or not yet.
pub fn outcome<'a>(since: impl Iterator<Item = &'a Event> + Clone, lang: Lang) -> Option<String> {
    let act = since.clone().find(|event| {
        let acts = [EventKind::Sync, EventKind::Retried, EventKind::Closed];
        acts.contains(&event.kind) && matches!(event.actor, Actor::Operator(_))
    })?;
    let after = since.filter(|event| event.seq > act.seq);
    let resubmitted = after
        .clone()
        .any(|event| event.kind == EventKind::Resubmitted);
    let answer = after
        .filter(|event| event.kind == EventKind::Answered)
        .find_map(|event| event.finding);
    let mut said = vec![match act.kind {
        EventKind::Sync => synced(act, lang),
        EventKind::Retried => text("已重新提交。", "Submitted again.")
            .get(lang)
            .to_owned(),
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
    said.extend(answer.map(|finding| match lang {
        Lang::Zh => format!("{}。", channel_said(finding, lang)),
        Lang::En => format!("{}.", channel_said(finding, lang)),
    }));
    Some(said.join(match lang {
        Lang::Zh => "",
        Lang::En => " ",
    }))
}

/// What to do where a page cannot be shown.
pub fn advice(cause: Cause) -> Option<Text> {
    let advice = match cause {
        Cause::NoSuchOrder | Cause::NoSuchRefund => text(
            "请检查单号是否完整，以及是否属于当前应用。",
            "Check that the number is complete, and that it belongs to this app.",
        ),
        Cause::NoSuchApp => text(
            "请检查地址中的应用编号，或让管理员启用该应用。",
            "Check the app's id in the address, or ask an administrator to enable the app.",
        ),
        Cause::Forbidden => text(
            "需要时请让管理员调整您的角色。",
            "Ask an administrator to change your role if you need it.",
        ),
        _ => return None,
    };
    Some(advice)
}

/// The name of a channel.
pub fn channel(channel: Channel) -> Text {
    match channel {
        Channel::WechatPay => text("微信支付", "WeChat Pay"),
        Channel::AliPay => text("支付宝", "Alipay"),
        Channel::UnionPay => text("云闪付", "UnionPay"),
        Channel::Sandbox => text("沙箱", "Sandbox"),
    }
}

/// The name of a payment method.
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

/// The word for the state of an order.
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

/// The word for the refund side of an order.
pub fn refund_side(side: RefundSide) -> Text {
    match side {
        RefundSide::NoRefund => text("未退款", "None"),
        RefundSide::Refunding => text("退款中", "In progress"),
        RefundSide::PartialRefund => text("部分退款", "Partial"),
        RefundSide::Refunded => text("已退款", "Refunded"),
    }
}

/// The word for the state of a refund.
pub fn refund_status(status: RefundStatus) -> Text {
    match status {
        RefundStatus::Progress => text("退款中", "In progress"),
        RefundStatus::Success => text("退款成功", "Succeeded"),
        RefundStatus::Fail => text("退款失败", "Failed"),
        RefundStatus::Close => text("已关闭", "Closed"),
    }
}

/// Why a person has to look at a refund, in a few words.
pub fn attention(attention: Attention) -> Text {
    match attention {
        Attention::Absent => text("通道查无此退款", "Unknown to the channel"),
        Attention::LateSuccess => text("金额退还后通道又成功", "Succeeded after it was given up"),
        Attention::Overpaid => text("实际退出超过已付金额", "More paid out than paid in"),
        Attention::Contradicted => text("通道前后说法不一致", "The channel contradicts itself"),
    }
}

/// What happened, for the timeline.
pub fn event(kind: EventKind) -> Text {
    match kind {
        EventKind::Recorded => text("登记订单", "Order recorded"),
        EventKind::Requested => text("申请退款", "Refund requested"),
        EventKind::Repeated => text("重复申请", "Requested again"),
        EventKind::Answered => text("通道应答", "Channel answered"),
        EventKind::Callback => text("通道回调", "Channel called back"),
        EventKind::Sync => text("同步", "Synced"),
        EventKind::Resubmitted => text("重新提交", "Submitted again"),
        EventKind::Retried => text("重试", "Retried"),
        EventKind::Closed => text("关闭", "Closed"),
    }
}

/// What the channel says, in a word.
pub fn finding(finding: FindingWord) -> Text {
    match finding {
        FindingWord::Accepted => text("已受理", "accepted"),
        FindingWord::Success => text("成功", "succeeded"),
        FindingWord::Fail => text("失败", "failed"),
        FindingWord::Close => text("已关闭", "closed"),
        FindingWord::NotFound => text("查无此单", "not found"),
        FindingWord::Unknown => text("结果未知", "outcome unknown"),
    }
}

/// Who or what an event comes from.
pub fn actor(actor: &Actor, lang: Lang) -> String {
    match actor {
        Actor::Merchant => text("商户", "Merchant").get(lang).to_owned(),
        Actor::Channel => text("通道", "Channel").get(lang).to_owned(),
        Actor::System => text("系统", "System").get(lang).to_owned(),
        Actor::Operator(name) => name.clone(),
    }
}

/// The name of a role.
pub fn role(role: Role) -> Text {
    match role {
        Role::Viewer => text("查看员", "Viewer"),
        Role::Operator => text("操作员", "Operator"),
        Role::Admin => text("管理员", "Administrator"),
    }
}

/// What a list is sorted by.
pub fn sort(sort: Sort) -> Text {
    match sort {
        Sort::TimeDesc => text("时间从新到旧", "newest first"),
        Sort::TimeAsc => text("时间从旧到新", "oldest first"),
        Sort::AmountDesc => text("金额从大到小", "largest first"),
        Sort::AmountAsc => text("金额从小到大", "smallest first"),
    }
}

/// A count as it is shown: `1 000+` where counting stopped.
pub fn count(count: Count) -> String {
    let digits = count.rows.to_string();
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    if count.more {
        grouped.push('+');
    }
    grouped
}

/// An amount within a sentence.
pub fn yuan(amount: Fen, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("{amount} 元"),
        Lang::En => format!("{amount} yuan"),
    }
}

/// What the cross beside an active filter does.
pub fn remove_filter(filter: Text, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("去掉筛选：{}", filter.zh),
        Lang::En => format!("Remove filter: {}", filter.en.to_lowercase()),
    }
}

/// What the button beside a number does.
pub fn copy(what: Text, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("复制{}", what.zh),
        Lang::En => format!("Copy {}", what.en.to_lowercase()),
    }
}

/// What is wrong with a field, as it stands at the field.
pub fn problem(reason: &Reason, lang: Lang) -> String {
    reason.text(lang)
}

/// How long ago, for people.
pub fn ago(seconds: i64, lang: Lang) -> String {
    let (n, zh, one, many) = match seconds {
        ..0 => return text("将来", "in the future").get(lang).to_owned(),
        0..60 => (seconds, "秒", "second", "seconds"),
        60..3_600 => (seconds / 60, "分钟", "minute", "minutes"),
        3_600..86_400 => (seconds / 3_600, "小时", "hour", "hours"),
        _ => (seconds / 86_400, "天", "day", "days"),
    };
    match lang {
        Lang::Zh => format!("{n} {zh}前"),
        Lang::En => format!("{n} {} ago", if n == 1 { one } else { many }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_ages_read_well() {
        let all = |rows, more| count(Count { rows, more });
        assert_eq!(all(0, false), "0");
        assert_eq!(all(999, false), "999");
        assert_eq!(all(1000, true), "1\u{202f}000+");
        assert_eq!(ago(1, Lang::En), "1 second ago");
        assert_eq!(ago(7_300, Lang::En), "2 hours ago");
        assert_eq!(ago(90, Lang::Zh), "1 分钟前");
        assert_eq!(ago(-5, Lang::Zh), "将来");
    }
}
