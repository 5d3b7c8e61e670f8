//! Texts of restored mode.

use crate::domain::lang::{Lang, Text, text};
use crate::domain::restoration::Tally;

pub const RESTORED_MODE: Text = text("恢复模式", "Restored mode");
pub const CHECK_AND_END: Text = text("核对并结束", "Compare and end it");
pub const NOT_RESTORED: Text = text(
    "现在不在恢复模式：退款照常提交通道。",
    "Not in restored mode: refunds are submitted to their channels.",
);
pub const SUBMITS_NOTHING: Text = text("不提交退款", "Submits nothing");
pub const RESTORED_MEANING: Text = text(
    "数据库由备份恢复。备份之后发生的退款不在这里，通道却可能已经退出款项：商户再次申请时，再提交一次就会重复退款。所以现在只向通道查询，不提交；新的退款申请照常记录并占用金额，等恢复模式结束后用各自的单号提交。",
    "The database was restored from a backup. Refunds made after it are not here, though their channels may have paid them: requested again by a merchant, they would be paid twice. So channels are only asked and nothing is submitted. New refunds are written down, hold their amounts, and are submitted under their numbers once restored mode is ended.",
);
pub const BACKUP_TAKEN_AT: Text = text("备份时间", "Backup taken");
pub const WAIT_FOR_END: Text = text("等待提交", "Wait to be submitted");
pub const ALL_IN_PROGRESS: Text = text("退款中（含等待提交）", "In progress, those included");
pub const WHAT_TO_COMPARE: Text = text("结束之前请核对", "What to compare first");
pub const END_RESTORED_MODE: Text = text("结束恢复模式", "End restored mode");
pub const COMPARED: Text = text("核对说明", "What was compared");
pub const COMPARED_HINT: Text = text(
    "如核对了哪些通道哪几天的账单、由谁核对。会写入审计。",
    "Which bills of which days, and by whom. It is kept in the audit.",
);

/// The phrase to be typed before restored mode is ended.
pub const END_PHRASE: Text = text("恢复提交", "submit refunds");

/// Asks to type the phrase.
pub fn type_phrase(lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("请输入“{}”", END_PHRASE.zh),
        Lang::En => format!("Type “{}”", END_PHRASE.en),
    }
}

/// Says on every page what restored mode means. `taken_at` is the time of the backup.
pub fn restored_bar(taken_at: &str, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!(
            "数据库由 {taken_at} 的备份恢复，此后的退款这里没有。现在只向通道查询，不提交退款；新的退款照常记录，由管理员核对后结束恢复模式再提交。"
        ),
        Lang::En => format!(
            "The database is that of a backup of {taken_at}; later refunds are not in it. Channels are only asked, and no refund is submitted: new ones are written down and wait until an administrator has compared and ended restored mode."
        ),
    }
}

/// Lists what to compare before restored mode is ended.
pub fn steps_to_compare(taken_at: &str, lang: Lang) -> Vec<String> {
    match lang {
        Lang::Zh => vec![
            format!("下载每个通道 {taken_at} 之后的退款账单，与这里的退款逐笔核对。"),
            "账单里有、这里没有的退款：通道已经退出。商户已用同一商户退款单号再次申请的，先不要结束恢复模式，请把这里等待提交的那一笔关闭，并在账外记下已退的款项。".to_owned(),
            "请商户停止重复申请，并核对备份时间之后申请过的退款。".to_owned(),
            "备份之后新建的订单不在这里，请重新登记或导入。".to_owned(),
            "旧服务器确已停止，不会再连接通道。".to_owned(),
        ],
        Lang::En => vec![
            format!("Download each channel's bill of refunds from {taken_at} on, and compare it with the refunds here, one by one."),
            "A refund in a bill and not here was paid. Where its merchant has requested it again under the same number, do not end restored mode yet: close the one that waits here, and note the paid one outside.".to_owned(),
            "Ask merchants to compare the refunds that they requested after the backup, and not to repeat them meanwhile.".to_owned(),
            "Orders made after the backup are not here: record or import them again.".to_owned(),
            "Make sure that the old server is stopped and calls no channel any more.".to_owned(),
        ],
    }
}

/// Describes exactly what ending restored mode does.
pub fn what_ending_does(kept_back: Tally, lang: Lang) -> String {
    let Tally { refunds, amount } = kept_back;
    match lang {
        Lang::Zh if refunds == 0 => {
            "现在没有等待提交的退款。结束后，新的退款会立即提交通道。此操作不能撤销。".to_owned()
        }
        Lang::En if refunds == 0 => "No refund waits. New ones are submitted to their channels from then on. This cannot be undone.".to_owned(),
        Lang::Zh => format!(
            "结束后立即向通道提交等待中的 {refunds} 笔退款，共 {amount} 元，并恢复提交新的退款。此操作不能撤销。"
        ),
        Lang::En => format!(
            "All refunds that wait ({refunds}, {amount} yuan) are submitted to their channels at once, and new ones are submitted again. This cannot be undone."
        ),
    }
}

/// Shows a number of refunds and their sum.
pub fn tally(of: Tally, lang: Lang) -> String {
    let Tally { refunds, amount } = of;
    match lang {
        Lang::Zh => format!("{refunds} 笔，{amount} 元"),
        Lang::En => format!("{refunds}; {amount} yuan"),
    }
}
