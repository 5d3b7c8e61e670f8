//! Texts used on many pages.

use crate::console::view::ErrorKind;
use crate::domain::error::Reason;
use crate::domain::filter::Count;
use crate::domain::lang::{Lang, Text, text};
use crate::domain::money::Fen;

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
    "订单和退款都属于某个应用。请管理员用命令行添加一个应用，或授予你某个应用的角色。",
    "Orders and refunds belong to an app. Ask an administrator to add one on the command line, or to give you a role at one.",
);

/// Advises what to do where a page cannot be shown.
pub fn advice(kind: ErrorKind) -> Option<Text> {
    let advice = match kind {
        ErrorKind::NoSuchOrder | ErrorKind::NoSuchRefund => text(
            "请检查单号是否完整，以及是否属于当前应用。",
            "Check that the number is complete, and that it belongs to this app.",
        ),
        ErrorKind::NoSuchApp => text(
            "请检查地址中的应用编号，或让管理员启用该应用。",
            "Check the app's id in the address, or ask an administrator to enable the app.",
        ),
        ErrorKind::Forbidden => text(
            "需要时请让管理员调整您的角色。",
            "Ask an administrator to change your role if you need it.",
        ),
        _ => return None,
    };
    Some(advice)
}

/// Writes a count, `1 000+` where counting stopped at 1000.
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

/// Writes an amount within a sentence.
pub fn yuan(amount: Fen, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("{amount} 元"),
        Lang::En => format!("{amount} yuan"),
    }
}

/// Names the button that copies a number.
pub fn copy(what: Text, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("复制{}", what.zh),
        Lang::En => format!("Copy {}", what.en.to_ascii_lowercase()),
    }
}

/// Capitalises the first letter, where the script has capitals.
pub fn sentence(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Describes what is wrong with a field.
pub fn problem(reason: &Reason, lang: Lang) -> String {
    reason.text(lang)
}

/// Writes a duration in the largest unit that fits: `2 hours`.
pub fn lasting(seconds: i64, lang: Lang) -> String {
    let (n, zh, one, many) = match seconds {
        ..60 => (seconds.max(0), "秒", "second", "seconds"),
        60..3_600 => (seconds / 60, "分钟", "minute", "minutes"),
        3_600..86_400 => (seconds / 3_600, "小时", "hour", "hours"),
        _ => (seconds / 86_400, "天", "day", "days"),
    };
    match lang {
        Lang::Zh => format!("{n} {zh}"),
        Lang::En => format!("{n} {}", if n == 1 { one } else { many }),
    }
}

/// Writes an age: `2 hours ago`, or `in 2 hours` for negative seconds.
pub fn ago(seconds: i64, lang: Lang) -> String {
    let far = lasting(seconds.saturating_abs(), lang);
    match (lang, seconds < 0) {
        (Lang::Zh, false) => format!("{far}前"),
        (Lang::Zh, true) => format!("{far}后"),
        (Lang::En, false) => format!("{far} ago"),
        (Lang::En, true) => format!("in {far}"),
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
        assert_eq!(ago(-5, Lang::Zh), "5 秒后");
        assert_eq!(ago(-7_300, Lang::En), "in 2 hours");
        assert_eq!(lasting(86_400, Lang::En), "1 day");
    }
}
