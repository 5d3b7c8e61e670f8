//! Texts of the review queue, notices, callbacks and sync records.

use crate::console::texts::{channel, outcome_kind, sentence, yuan};
use crate::domain::breaker::Breaker;
use crate::domain::callback::Verdict;
use crate::domain::lang::{Lang, Text, text};
use crate::domain::merchant::{Edition, SignType};
use crate::domain::notice::NoticeState;
use crate::domain::order::{Channel, Order};
use crate::domain::refund::{OutcomeKind, Refund};

// Texts of the navigation.
pub const REVIEW_QUEUE: Text = text("未决退款", "Undecided");
pub const NOTICES: Text = text("通知", "Notices");
pub const CALLBACKS: Text = text("回调", "Callbacks");
pub const SYNCS: Text = text("同步记录", "Sync records");

// Texts of the review queue.
pub const REVIEW_QUEUE_TITLE: Text = text("未决退款", "Undecided refunds");
pub const IN_PROGRESS: Text = text("退款中", "In progress");
pub const OPEN_FOR: Text = text("已持续", "Open for");
pub const HELD_YUAN: Text = text("占用（元）", "Held (yuan)");
pub const LAST_EVIDENCE: Text = text("最近证据", "Last evidence");
pub const NEXT_PROBE: Text = text("下次询问", "Next probe");
pub const RAISED: Text = text("待处理", "Raised");
pub const ACTIONS: Text = text("操作", "Actions");
pub const REVIEW_QUEUE_EMPTY: Text = text("没有未决的退款", "Nothing is undecided");
pub const REVIEW_QUEUE_EMPTY_WHY: Text = text(
    "通道尚未给出最终结果的退款会显示在这里，最早的在最前。",
    "Refunds whose channel has not told a final outcome show up here, the oldest first.",
);
pub const DUE_NOW: Text = text("即将", "due now");
pub const CLOSE_IT: Text = text("关闭…", "Close…");
pub const REVIEW_IT: Text = text("已查看…", "Reviewed…");
pub const BOOK_IT: Text = text("登记…", "Book…");

/// Reports a channel that does not answer. `since` and `probe` are times in the operator's zone.
pub fn breaker_open(
    silent: Channel,
    breaker: &Breaker,
    since: &str,
    probe: &str,
    lang: Lang,
) -> String {
    let channel = channel(silent).get(lang);
    let said = &breaker.said;
    match lang {
        Lang::Zh => format!(
            "{channel}自 {since} 起没有应答，暂停询问，下次试探：{probe}。最近听到的是：{said}"
        ),
        Lang::En => format!(
            "{channel} has not answered since {since}. Asking is on hold; it is probed next at {probe}. Heard last: {said}"
        ),
    }
}

/// Announces the next probe of a refund whose channel does not answer.
pub fn probed_then(probe: &str, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("通道无应答，{probe} 试探"),
        Lang::En => format!("Channel silent, probed at {probe}"),
    }
}

// Texts of a refund's page.
pub const OPENED: Text = text("退款中起始", "In progress since");
pub const REVIEWED: Text = text("已查看", "Reviewed");
pub const NOT_REVIEWED: Text = text("未查看", "Not reviewed");
pub const REVIEW_STATE: Text = text("人工查看", "Review");
pub const REVIEW_ACT: Text = text("标为已查看", "Mark as reviewed");
pub const REVIEW_TITLE: Text = text("标为已查看", "Mark as reviewed");
pub const REMARK: Text = text("备注", "Remark");
pub const WHAT_REVIEW_DOES: Text = text(
    "记录您已查看这笔退款的提示，它将不再列入待人工处理。退款状态和金额都不会改变。",
    "Notes that you have looked at what was raised about this refund; it no longer counts as needing a person. Its state and its money stay as they are.",
);

/// Describes exactly what closing a refund in progress does.
pub fn what_closing_open_does(refund: &Refund, order: &Order, lang: Lang) -> String {
    let channel = channel(refund.channel).get(lang);
    let amount = yuan(refund.amount, lang);
    let (refund_no, order_no) = (&refund.refund_no, &order.order_no);
    let left = order.refundable() + refund.amount;
    match lang {
        Lang::Zh => format!(
            "此刻先向{channel}查询退款 {refund_no}，并把通道的原话记入时间线。只有通道答复查无此单才会关闭：占用的 {amount}退回订单 {order_no}，之后订单可退 {left} 元。通道若有其他答复或没有应答，则不关闭；若答复已有结果，以该结果为准。"
        ),
        Lang::En => format!(
            "{channel} is asked for refund {refund_no} now, and its words go into the timeline. Only if it says that it does not know the refund is it closed: the {amount} held go back to order {order_no}, of which {left} are then refundable. Whatever else it says, or if it does not answer, the refund is not closed; an outcome that it tells is taken over."
        ),
    }
}

// Texts of notices.
pub const NOTICE: Text = text("通知", "Notice");
pub const NOTICE_STATUS: Text = text("告知的状态", "Reported status");
pub const NOTICE_STATE: Text = text("通知状态", "Notice");
pub const NOTICE_ATTEMPTS: Text = text("发送次数", "Attempts");
pub const NEXT_ATTEMPT: Text = text("下次发送", "Next attempt");
pub const LAST_FAILURE: Text = text("最近问题", "Last error");
pub const WRITTEN: Text = text("生成时间", "Written");
pub const ENDED: Text = text("结束时间", "Ended");
pub const SEND_AGAIN: Text = text("再次发送", "Send again");
pub const BACK_TO_NOTICE: Text = text("返回通知", "Back to the notice");
pub const ONLY_LOOKING_HERE: Text = text(
    "您的角色只能查看，不能发送通知。",
    "Your role may look, but not send notices.",
);
pub const SENT_AGAIN: Text = text(
    "已再次发送，结果见下方第一条。",
    "Sent again; the first line below says how it went.",
);
pub const NOTICE_ATTEMPTS_TITLE: Text = text("发送记录", "Attempts");
pub const NO_ATTEMPTS_YET: Text = text("还没有发送过。", "It has not been sent yet.");
pub const REQUEST_BODY: Text = text("发出的内容", "Sent");
pub const ADDRESS: Text = text("地址", "Address");
pub const ANSWER_BODY: Text = text("收到的应答", "Received");
pub const NO_ANSWER: Text = text("没有应答", "no answer");
pub const DELIVERED: Text = text("已送达", "Delivered");
pub const NOT_DELIVERED: Text = text("未送达", "Not delivered");
pub const NO_NOTICES: Text = text("还没有通知", "No notices yet");
pub const NO_NOTICES_WHY: Text = text(
    "退款有了结果，且商户填写过通知地址时，会在这里记录每一次通知。",
    "Once a refund has an outcome and its merchant has named an address, what was told shows up here.",
);
pub const NO_NOTICES_MATCH_WHY: Text = text(
    "没有通知符合以上全部条件。去掉一个条件，或检查单号是否完整；单号从开头匹配。",
    "No notice meets all of these. Remove one, or check the number: it is matched from its beginning.",
);
pub const HOW_SIGNED: Text = text("签名说明", "How it is signed");
pub const SIGNED_TEXT: Text = text("签名原文", "Signed text");
pub const SIGN: Text = text("签名", "Signature");
pub const SIGN_DIFFERS: Text = text(
    "用应用现在的密钥算不出这个签名：发出之后密钥或签名方式已经更换。",
    "The app's present secret does not give this signature: the secret or the digest was changed since.",
);

/// Returns the word for the state of a notice.
pub fn notice_state(state: NoticeState) -> Text {
    match state {
        NoticeState::Waiting => text("待送达", "Waiting"),
        NoticeState::Delivered => text("已送达", "Delivered"),
        NoticeState::GivenUp => text("已放弃", "Given up"),
        NoticeState::Superseded => text("已被取代", "Superseded"),
        NoticeState::NoAddress => text("没有地址", "No address"),
    }
}

/// Explains the state of a notice, and what to do.
pub fn notice_meaning(state: NoticeState) -> Text {
    match state {
        NoticeState::Waiting => text(
            "商户系统还没有应答 SUCCESS，会按间隔继续发送。",
            "The merchant's system has not answered SUCCESS yet; it goes on being sent.",
        ),
        NoticeState::Delivered => text(
            "商户系统已应答 SUCCESS。",
            "The merchant's system has answered SUCCESS.",
        ),
        NoticeState::GivenUp => text(
            "多次发送都没有收到 SUCCESS，不再自动发送。请商户检查地址，之后再次发送。",
            "It was sent as often as it is, and SUCCESS never came back. Have the merchant check the address, then send it again.",
        ),
        NoticeState::Superseded => text(
            "送达之前退款已有新的状态，由后一条通知代替，不再发送。",
            "Before it arrived the refund reached another state. The later notice takes its place; this one is not sent any more.",
        ),
        NoticeState::NoAddress => text(
            "退款和应用都没有通知地址。为应用设置地址后可再次发送。",
            "Neither the refund nor its app names an address. Give the app one, then send it again.",
        ),
    }
}

/// Describes exactly what sending a notice again does.
pub fn what_sending_does(url: &str, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!(
            "立即把这条通知发往 {url}，并记录发出和收到的内容。商户系统可能因此收到同一条通知多次。"
        ),
        Lang::En => format!(
            "Sends this notice to {url} at once, and records what goes out and comes back. The merchant's system may get the same notice more than once."
        ),
    }
}

/// Summarises an attempt to deliver a notice: `Attempt 2 · HTTP 500 · 130 ms · System`.
pub fn attempt_summary(
    attempt: i64,
    status: Option<i64>,
    took_ms: i64,
    who: &str,
    lang: Lang,
) -> String {
    let status = match status {
        Some(status) => format!("HTTP {status}"),
        None => NO_ANSWER.get(lang).to_owned(),
    };
    match lang {
        Lang::Zh => format!("第 {attempt} 次 · {status} · {took_ms} 毫秒 · {who}"),
        Lang::En => format!("Attempt {attempt} · {status} · {took_ms} ms · {who}"),
    }
}

/// Explains how to check a signature, in three sentences.
pub fn how_to_check(sign_type: SignType, edition: Edition, lang: Lang) -> Vec<String> {
    let digest = match sign_type {
        SignType::HmacSha256 => text(
            "以应用密钥为密钥的 HMAC-SHA256",
            "HMAC-SHA256 keyed with the app's secret",
        ),
        SignType::Md5 => text("MD5", "MD5"),
        SignType::Sm3 => text("SM3", "SM3"),
    };
    let digest = digest.get(lang);
    let case = match (edition, lang) {
        (Edition::Single, _) => "",
        (Edition::Open, Lang::Zh) => "，然后把全文转为大写",
        (Edition::Open, Lang::En) => ", and turn all of it into upper case",
    };
    match lang {
        Lang::Zh => vec![
            "取正文中除 sign 以外、非 null 且非空字符串的字段，按字段名排序，写成 名=值 并用 & 相连；对象和数组写成紧凑 JSON，去掉全部双引号和反斜杠。".to_owned(),
            format!("末尾接上 &key= 和应用密钥（下面以 •••• 代替）{case}。"),
            format!("对全文的 UTF-8 字节计算{digest}，得到的十六进制应与 sign 相同（不分大小写）。"),
        ],
        Lang::En => vec![
            "Take the fields of the body but sign, leave out nulls and empty strings, sort them by name, write name=value and join them by &; objects and lists as compact JSON, and all double quotes and backslashes removed.".to_owned(),
            format!("Append &key= and the app's secret (shown as •••• below){case}."),
            format!("The {digest} of these UTF-8 bytes, in hex, has to be the same as sign, whatever the case."),
        ],
    }
}

// Texts of callbacks.
pub const CALLBACK: Text = text("回调", "Callback");
pub const CALLBACK_NO: Text = text("回调编号", "Callback number");
pub const VERDICT: Text = text("处理结果", "Verdict");
pub const CHANNEL_ACCOUNT: Text = text("通道账户", "Channel account");
pub const TIMES: Text = text("收到次数", "Times received");
pub const RECEIVED: Text = text("收到时间", "Received");
pub const LAST_RECEIVED: Text = text("最近收到", "Last received");
pub const WORD_FOR_WORD: Text = text("原文", "Word for word");
pub const HEADERS: Text = text("请求头", "Headers");
pub const BODY: Text = text("正文", "Body");
pub const NO_CALLBACKS: Text = text("还没有回调", "No callbacks yet");
pub const NO_CALLBACKS_WHY: Text = text(
    "通道主动告知退款结果时，原文会记录在这里。",
    "What channels tell of refunds unasked is recorded here as it came.",
);
pub const NO_CALLBACKS_MATCH_WHY: Text = text(
    "没有回调符合以上全部条件。去掉一个条件，或检查单号是否完整；单号从开头匹配。",
    "No callback meets all of these. Remove one, or check the number: it is matched from its beginning.",
);

/// Returns the word for the verdict on a callback.
pub fn verdict(verdict: Verdict) -> Text {
    match verdict {
        Verdict::Accepted => text("已采纳", "Accepted"),
        Verdict::Ignored => text("无变化", "No change"),
        Verdict::NotFound => text("查无此单", "Not found"),
        Verdict::AmountDiffers => text("金额不符", "Amount differs"),
        Verdict::BadSignature => text("签名错误", "Bad signature"),
    }
}

/// Explains the verdict on a callback.
pub fn verdict_meaning(verdict: Verdict) -> Text {
    match verdict {
        Verdict::Accepted => text(
            "签名正确，退款状态因此改变。",
            "Its signature is right, and it changed the refund's state.",
        ),
        Verdict::Ignored => text(
            "签名正确，退款状态没有改变。",
            "Its signature is right; the refund's state stayed as it was.",
        ),
        Verdict::NotFound => text(
            "签名正确，但没有这个单号的退款。请与通道核对。",
            "Its signature is right, but no refund has this number. Ask the channel.",
        ),
        Verdict::AmountDiffers => text(
            "签名正确，但金额与我方的退款不同，已转人工处理，未采纳。",
            "Its signature is right, but it names another amount than our refund: a person has to look, and it was not applied.",
        ),
        Verdict::BadSignature => text(
            "签名不是该通道的，或内容无法读取，因此未采纳。",
            "Its signature is not the channel's, or it cannot be read: it was not believed.",
        ),
    }
}

// Texts of sync records.
pub const ASKED_AT: Text = text("询问时间", "Asked");
pub const ASKED_BY: Text = text("询问者", "Asked by");
pub const OUTCOME: Text = text("通道答复", "Outcome");
pub const ANY_OUTCOME: Text = text("全部答复", "any outcome");
pub const CHANGE_MADE: Text = text("状态改为", "Changed to");
pub const CHANGED: Text = text("改变了状态", "Changed our state");
pub const NO_SYNCS: Text = text("还没有同步记录", "No sync records yet");
pub const NO_SYNCS_WHY: Text = text(
    "每次向通道询问退款的真实状态，都会记录在这里。",
    "Every time a channel was asked for a refund's true state is recorded here.",
);
pub const NO_SYNCS_MATCH_WHY: Text = text(
    "没有同步记录符合以上全部条件。去掉一个条件，或检查单号是否完整；单号从开头匹配。",
    "No sync meets all of these. Remove one, or check the number: it is matched from its beginning.",
);

/// Writes a channel's outcome with a capital letter, for use outside of a sentence.
pub fn outcome_alone(word: OutcomeKind, lang: Lang) -> String {
    sentence(outcome_kind(word).get(lang).to_owned())
}
