//! Texts of the audit.

use crate::domain::audit::{Action, BreakKind, ChainBreak, SubjectKind};
use crate::domain::lang::{Lang, Text, text};

pub const AUDIT: Text = text("审计", "Audit");
pub const AUDIT_TITLE: Text = text("审计记录", "Audit log");
pub const ACT: Text = text("操作", "Act");
pub const ANY_ACT: Text = text("全部操作", "any act");
pub const ACTOR: Text = text("操作者", "Who");
pub const ACTOR_HINT: Text = text("用户名", "operator's name");
pub const FROM_ADDRESS: Text = text("来源地址", "From");
pub const ABOUT: Text = text("对象", "About");
pub const BEFORE_AND_AFTER: Text = text("之前 → 之后", "Before → after");
pub const PLACE_IN_CHAIN: Text = text("链中序号", "Place");
pub const DONE_AT: Text = text("时间", "Done");
pub const THIS_APP: Text = text("本应用", "of this app");
pub const OF_NO_APP: Text = text(
    "不属于应用的（登录、用户、数据库）",
    "of no app (logins, operators, database)",
);
pub const NO_ACTS: Text = text("还没有审计记录", "No acts yet");
pub const NO_ACTS_WHY: Text = text(
    "操作员、商户和命令行的每一次操作都会记在这里，不能修改或删除。",
    "Every act of operators, merchants and the command line is written down here, for good.",
);
pub const NO_ACTS_MATCH_WHY: Text = text(
    "没有操作符合以上全部条件。去掉一个条件，或检查用户名是否完整。",
    "No act meets all of these. Remove one, or check that the name is complete.",
);
pub const CHECK_CHAIN: Text = text("检查审计链", "Check the chain");
pub const CHAIN_CHECK: Text = text("审计链检查", "Check of the audit");
pub const UNBROKEN: Text = text("完整", "Unbroken");
pub const BROKEN: Text = text("不一致", "Broken");
pub const NOT_FINISHED: Text = text("未查完", "Not finished");
pub const CHECKED_AT: Text = text("检查时间", "Checked");
pub const BROKEN_ENTRY: Text = text("记录编号", "Entry");
pub const GO_ON_CHECKING: Text = text("继续检查", "Go on");
pub const NEXT_STEP: Text = text("下一步", "Next");
pub const WAITING_SINCE: Text = text("未入链，自", "Not in the chain since");
pub const LAST_HASH: Text = text("末条哈希", "Last hash");
pub const LAST_HASH_WHY: Text = text(
    "请把它抄到本系统之外。以后用 refundry audit verify --expect 加上它，就能证明到此为止的记录没有被改写。",
    "Note it outside of this system. Given to refundry audit verify --expect later, it proves that nothing up to here was rewritten.",
);
pub const TO_AUDIT: Text = text("返回审计记录", "Back to the audit log");

/// Names an act.
pub fn action(action: Action) -> Text {
    match action {
        Action::LoggedIn => text("登录", "Logged in"),
        Action::LoginRefused => text("登录被拒绝", "Login refused"),
        Action::LockedOut => text("登录被锁定", "Locked out"),
        Action::LoggedOut => text("退出登录", "Logged out"),
        Action::OperatorAdded => text("添加用户", "Operator added"),
        Action::OperatorEnabled => text("启用用户", "Operator enabled"),
        Action::OperatorDisabled => text("停用用户", "Operator disabled"),
        Action::PasswordSet => text("修改密码", "Password set"),
        Action::OperatorUnlocked => text("解除锁定", "Operator unlocked"),
        Action::OperatorDeleted => text("删除用户", "Operator deleted"),
        Action::SessionsEnded => text("结束用户的登录", "Sessions ended"),
        Action::RoleGranted => text("授予角色", "Role granted"),
        Action::RoleRevoked => text("收回角色", "Role revoked"),
        Action::AppAdded => text("添加应用", "App added"),
        Action::AppChanged => text("修改应用", "App changed"),
        Action::AppEnabled => text("启用应用", "App enabled"),
        Action::AppDisabled => text("停用应用", "App disabled"),
        Action::AppSecretReplaced => text("更换应用密钥", "App secret replaced"),
        Action::AppOldSecretDropped => text("作废旧应用密钥", "Old app secret dropped"),
        Action::AccountAdded => text("添加通道账户", "Channel account added"),
        Action::AccountEnabled => text("启用通道账户", "Channel account enabled"),
        Action::AccountDisabled => text("停用通道账户", "Channel account disabled"),
        Action::OrderRecorded => text("登记订单", "Order recorded"),
        Action::OrdersImported => text("导入订单", "Orders imported"),
        Action::OrderSynced => text("同步订单", "Order synced"),
        Action::RefundRequested => text("申请退款", "Refund requested"),
        Action::RefundRepeated => text("重复申请", "Requested again"),
        Action::RefundSynced => text("同步退款", "Refund synced"),
        Action::RefundSubmitted => text("提交退款", "Refund submitted"),
        Action::RefundRetried => text("重试退款", "Refund retried"),
        Action::RefundClosed => text("关闭退款", "Refund closed"),
        Action::RefundBooked => text("登记资金去向", "Money booked"),
        Action::RefundReviewed => text("标为已查看", "Marked as reviewed"),
        Action::NoticeSent => text("再次发送通知", "Notice sent again"),
        Action::SandboxFaultsSet => text("设置沙箱故障", "Sandbox faults set"),
        Action::KeysRotated => text("轮换密钥", "Keys rotated"),
        Action::DatabaseCopied => text("复制数据库", "Database copied"),
        Action::BackupTaken => text("备份数据库", "Backup taken"),
        Action::RestoredModeBegun => text("进入恢复模式", "Restored mode begun"),
        Action::RestoredModeEnded => text("结束恢复模式", "Restored mode ended"),
        Action::RecordsDeleted => text("清理旧记录", "Old records deleted"),
    }
}

/// Names the kind of a subject.
pub fn subject_kind(subject: SubjectKind) -> Text {
    match subject {
        SubjectKind::Operator => text("用户", "operator"),
        SubjectKind::App => text("应用", "app"),
        SubjectKind::Account => text("通道账户", "channel account"),
        SubjectKind::Order => text("订单", "order"),
        SubjectKind::Refund => text("退款", "refund"),
        SubjectKind::Notice => text("通知", "notice"),
        SubjectKind::Database => text("数据库", "database"),
        SubjectKind::Records => text("记录", "records"),
    }
}

/// States that the entries after `after`, up to `last`, are unbroken.
pub fn chain_unbroken(after: i64, last: i64, finished: bool, lang: Lang) -> String {
    let first = after + 1;
    match (lang, finished, after) {
        (Lang::Zh, true, 0) => format!("共 {last} 条，链条完整。"),
        (Lang::En, true, 0) => format!("{last} entries, unbroken."),
        (Lang::Zh, true, _) => format!("第 {first} 至 {last} 条完整，已查到链尾。"),
        (Lang::En, true, _) => {
            format!("Entries {first} to {last} are unbroken; this is the end of the chain.")
        }
        (Lang::Zh, false, _) => format!("第 {first} 至 {last} 条完整，后面的还没有检查。"),
        (Lang::En, false, _) => {
            format!("Entries {first} to {last} are unbroken; those after them are not checked yet.")
        }
    }
}

/// Describes a break of the chain.
pub fn chain_broken(found: &ChainBreak, lang: Lang) -> String {
    let no = found.sealed_no;
    match (found.kind, lang) {
        (BreakKind::Altered, Lang::Zh) => {
            format!("第 {no} 条与其哈希不符：它被修改、调换或伪造过。")
        }
        (BreakKind::Altered, Lang::En) => {
            format!("Entry {no} does not fit its hash: it was changed, swapped or forged.")
        }
        (BreakKind::Missing, Lang::Zh) => format!("缺少第 {no} 条：它被删除了。"),
        (BreakKind::Missing, Lang::En) => format!("Entry {no} is missing: it was removed."),
        (BreakKind::Beyond, Lang::Zh) => format!("第 {no} 条在链尾之外：它是从外部加入的。"),
        (BreakKind::Beyond, Lang::En) => {
            format!("Entry {no} lies beyond the end of the chain: it was put in from outside.")
        }
        (BreakKind::HeadDiffers, Lang::Zh) => {
            format!("末条（第 {no} 条）的哈希与链尾记录不符：链尾被改写过。")
        }
        (BreakKind::HeadDiffers, Lang::En) => {
            format!("Entry {no} is the last one, and its hash is not the one noted for the end.")
        }
        (BreakKind::NotInChain, Lang::Zh) => format!("{no} 条记录中没有所给的哈希。"),
        (BreakKind::NotInChain, Lang::En) => {
            format!("None of the {no} entries has the expected hash.")
        }
    }
}
