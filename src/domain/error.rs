//! Refusals: answers to requests that cannot be granted. Each refusal has a code from the gateway's table, may name a
//! field, and has a text in both languages.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::lang::Lang;
use crate::domain::money::Fen;
use crate::domain::secret::Weakness;

/// The fault in the value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    Missing,
    TooLong {
        max: usize,
    },
    TooShort {
        min: usize,
    },
    /// A password or a secret that is easy to guess.
    Guessable {
        weakness: Weakness,
    },
    /// Names a person or thing that already exists.
    Taken,
    /// Names no person or thing that exists.
    Unknown,
    /// Holds a character that numbers and identifiers may not hold.
    BadCharacter,
    /// Holds a character that no text may hold.
    ControlCharacter,
    /// Differs from a known number only in upper and lower case.
    DiffersInCase {
        known: String,
    },
    /// Holds `&name=`, which looks in the signed text like the field of that name.
    Ambiguous {
        name: Cow<'static, str>,
    },
    /// Looks like the name of a known field, from which it differs only in case.
    LooksLike {
        name: Cow<'static, str>,
    },
    /// A number that a spreadsheet has rounded.
    Rounded,
    NotText,
    NotAnAmount,
    TooFine,
    /// Amount in the other edition's form: whole fen, or decimal yuan.
    WrongEdition,
    /// The single edition has no such field.
    NotInEdition,
    OutOfRange {
        min: Fen,
        max: Fen,
    },
    /// Value outside the set of allowed words.
    NotOneOf {
        allowed: Cow<'static, str>,
    },
    NotATime,
    /// Unix milliseconds where seconds are expected.
    Milliseconds,
    NotAnAddress,
    NotAHost,
    /// Names a host that is not on the app's list.
    HostNotAllowed,
    NotAUrl,
    /// An address with user name or password.
    UrlWithPassword,
    /// An address in a network to which notices are not sent.
    PrivateAddress,
    /// Neither `true` nor `false`.
    NotAFlag,
    /// Amount greater than the order's refundable balance.
    ExceedsRefundable {
        left: Fen,
    },
    /// The balance has changed since the caller saw it.
    BalanceChanged {
        left: Fen,
    },
    /// `reqTime` is too far ahead of our clock.
    ClockAhead {
        seconds: i64,
    },
    /// `reqTime` is too far behind our clock.
    ClockBehind {
        seconds: i64,
    },
    /// `reqTime` differs from our clock by whole hours or half hours, as the time of another zone does.
    OtherZone {
        seconds: i64,
        zone: Cow<'static, str>,
    },
    /// Differs from another field of the same meaning.
    DiffersFrom {
        name: Cow<'static, str>,
    },
    /// Does not match the app's own value.
    Mismatch,
    /// The app has a channel that moves money, so its requests have to be signed.
    MovesMoney,
    /// Given more than once.
    Twice,
    /// One of the named fields is required.
    OneNeeded,
    TooManyMatches,
}

/// The kind of client whose rate is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limited {
    Address,
    App,
}

/// A refusal, in the caller's terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", self.text(Lang::En))]
pub enum Refusal {
    /// A field is wrong.
    Field {
        field: Cow<'static, str>,
        reason: Reason,
    },
    /// The request cannot be read at all.
    Unreadable {
        why: String,
    },
    /// The request's body is longer than it may be.
    TooLarge,
    /// The request's body did not arrive within its time limit.
    BodyTooSlow,
    /// More requests are under way than the server accepts at once.
    Overloaded,
    /// More requests of the app are under way than its share.
    AppOverloaded,
    /// An address or an app exceeds its rate of requests.
    TooOften {
        limited: Limited,
        per_second: u32,
    },
    NotLoggedIn,
    Forbidden,
    NoSuchPage,
    AppNotEnabled,
    EditionNotEnabled,
    NoSuchChannel,
    ChannelNotEnabled {
        channel: Cow<'static, str>,
    },
    NoSuchOrder,
    /// The channel does not answer, so its state of the refund or order is not known.
    ChannelSilent {
        channel: Cow<'static, str>,
    },
    NoSuchRefund,
    OrderNotPaid,
    RefundWindowOver {
        days: i64,
    },
    /// The refund's state does not allow the action.
    WrongState {
        status: Cow<'static, str>,
    },
    /// The channel has not stated that it does not know the refund, so the money may still move.
    NotClosable {
        outcome: Cow<'static, str>,
    },
    /// The channel's last statement about the refund does not match the booking.
    NotBookable,
    SyncUnderWay,
    SubmissionUnderWay,
    /// The request may have been carried out: the database did not confirm it. A repeat under the same number shows
    /// the result.
    Undecided,
    NoSuchNotice,
    /// The notice is being sent, or could overtake another of its refund.
    NoticeNotSendable,
    /// The same number was recorded before with other data.
    Inconsistent {
        field: Cow<'static, str>,
    },
    BadSignature,
    /// The signed text was not brought into upper case, as the open edition demands.
    NotUpperCased,
    TooManyAttempts {
        minutes: i64,
    },
    WrongLogin,
}

impl Refusal {
    /// Makes a refusal that names a field.
    pub fn field(field: impl Into<Cow<'static, str>>, reason: Reason) -> Refusal {
        Refusal::Field {
            field: field.into(),
            reason,
        }
    }

    /// Returns the name of the field at fault, as the caller writes it.
    pub fn field_name(&self) -> Option<&str> {
        match self {
            Refusal::Field { field, .. } | Refusal::Inconsistent { field } => Some(field),
            _ => None,
        }
    }

    /// Returns the code of the gateway's table.
    pub fn code(&self) -> i32 {
        match self {
            Refusal::Field { .. } => 10506,
            Refusal::Unreadable { .. } | Refusal::BodyTooSlow => 10505,
            Refusal::NotLoggedIn | Refusal::Forbidden | Refusal::WrongLogin => 10401,
            Refusal::NoSuchPage => 10404,
            Refusal::AppNotEnabled | Refusal::EditionNotEnabled => 20023,
            Refusal::NoSuchChannel => 20011,
            Refusal::ChannelNotEnabled { .. } => 20021,
            Refusal::NoSuchOrder | Refusal::NoSuchRefund | Refusal::NoSuchNotice => 20041,
            Refusal::OrderNotPaid
            | Refusal::RefundWindowOver { .. }
            | Refusal::NotClosable { .. }
            | Refusal::NotBookable
            | Refusal::NoticeNotSendable
            | Refusal::WrongState { .. } => 20044,
            Refusal::SyncUnderWay => 20081,
            Refusal::ChannelSilent { .. } => 20080,
            Refusal::SubmissionUnderWay | Refusal::Undecided => 20043,
            Refusal::Inconsistent { .. } => 20091,
            Refusal::BadSignature | Refusal::NotUpperCased => 20052,
            Refusal::TooLarge
            | Refusal::Overloaded
            | Refusal::AppOverloaded
            | Refusal::TooOften { .. }
            | Refusal::TooManyAttempts { .. } => 20060,
        }
    }

    /// Returns the message in one language. It names the field where there is one.
    pub fn text(&self, lang: Lang) -> String {
        let fixed = |zh: &str, en: &str| pick(lang, zh.to_owned(), en.to_owned());
        match self {
            Refusal::Field { field, reason } => format!("{field} {}", reason.text(lang)),
            Refusal::Unreadable { why } => pick(
                lang,
                format!("请求无法解析：{why}"),
                format!("the request cannot be read: {why}"),
            ),
            Refusal::TooLarge => fixed("请求体过大", "the request's body is too large"),
            Refusal::BodyTooSlow => fixed(
                "请求体未在规定时间内到齐",
                "the request's body did not arrive in time",
            ),
            Refusal::Overloaded => fixed("系统繁忙，请稍后重试", "too busy; try again shortly"),
            Refusal::AppOverloaded => fixed(
                "此应用正在处理的请求过多，请稍后重试",
                "too many requests of this app are under way; try again shortly",
            ),
            Refusal::TooOften {
                limited,
                per_second,
            } => {
                let (zh, en) = match limited {
                    Limited::Address => ("来自此地址", "from this address"),
                    Limited::App => ("此应用", "of this app"),
                };
                pick(
                    lang,
                    format!("{zh}的请求过于频繁，平均每秒最多 {per_second} 次，请稍后重试"),
                    format!(
                        "too many requests {en}: {per_second} a second are taken; try again shortly"
                    ),
                )
            }
            Refusal::NotLoggedIn => fixed(
                "尚未登录或登录已过期",
                "not logged in, or the login has expired",
            ),
            Refusal::Forbidden => fixed("没有权限执行此操作", "your role does not allow this"),
            Refusal::NoSuchPage => fixed("没有这个页面或接口", "no such page or endpoint"),
            Refusal::AppNotEnabled => fixed(
                "应用不存在或未启用",
                "the app does not exist or is not enabled",
            ),
            Refusal::EditionNotEnabled => fixed(
                "该应用未启用单商户版协议（数字 reqTime）",
                "the app does not accept the single edition (numeric reqTime)",
            ),
            Refusal::NoSuchChannel => fixed("没有这个支付通道", "no such channel"),
            Refusal::ChannelNotEnabled { channel } => pick(
                lang,
                format!("通道 {channel} 未启用"),
                format!("channel {channel} is not enabled"),
            ),
            Refusal::NoSuchOrder => fixed("支付订单不存在", "no such payment order"),
            Refusal::ChannelSilent { channel } => pick(
                lang,
                format!("通道 {channel} 没有应答，请稍后再试"),
                format!("channel {channel} does not answer; try again later"),
            ),
            Refusal::NoSuchRefund => fixed("退款单不存在", "no such refund"),
            Refusal::OrderNotPaid => fixed(
                "支付订单未支付成功，不能退款",
                "the payment order is not paid, so it cannot be refunded",
            ),
            Refusal::RefundWindowOver { days } => pick(
                lang,
                format!("已超过退款期限：该通道支付成功后 {days} 天内可退款"),
                format!(
                    "the refund window is over: this channel refunds within {days} days of payment"
                ),
            ),
            Refusal::WrongState { status } => pick(
                lang,
                format!("当前状态 {status} 不允许此操作"),
                format!("the state {status} does not allow this"),
            ),
            Refusal::NotClosable { outcome } => pick(
                lang,
                format!("通道没有说查无此退款（{outcome}），钱可能还会退出，不能关闭"),
                format!(
                    "the channel did not say that it does not know this refund ({outcome}): the money may still move, so it cannot be closed"
                ),
            ),
            Refusal::NotBookable => fixed(
                "通道最近一次的说法与要登记的内容不符，请同步后再核对",
                "the channel's last word is not what is to be booked; sync, and look again",
            ),
            Refusal::NoSuchNotice => fixed("通知不存在", "no such notice"),
            Refusal::NoticeNotSendable => fixed(
                "这条通知或同一退款在前的通知正在发送，或已有在后的通知",
                "this notice or an earlier one of its refund is being sent, or there is a later one",
            ),
            Refusal::SyncUnderWay => fixed(
                "退款同步处理中，请勿重复操作",
                "a sync of this refund is already under way",
            ),
            Refusal::SubmissionUnderWay => fixed(
                "正在提交给通道，请稍候",
                "it is being submitted to the channel; please wait",
            ),
            Refusal::Undecided => fixed(
                "正在处理，结果尚未确定。请用同一号码查询，不要更换号码重新提交",
                "being processed; the outcome is not known yet. Query it by the same number, and do not ask again under another",
            ),
            Refusal::Inconsistent { field } => pick(
                lang,
                format!("{field} 与已登记的数据不一致"),
                format!("{field} differs from what was recorded before"),
            ),
            Refusal::BadSignature => fixed("签名验证失败", "the signature does not verify"),
            Refusal::NotUpperCased => fixed(
                "签名验证失败：服务商版须将整段待签名文本（含 &key=）转为大写后再签名",
                "the signature does not verify: the open edition signs the whole text, &key= included, in upper case",
            ),
            Refusal::TooManyAttempts { minutes } => pick(
                lang,
                format!("失败次数过多，请 {minutes} 分钟后再试"),
                format!("too many failed attempts; try again in {minutes} minutes"),
            ),
            Refusal::WrongLogin => fixed("用户名或密码不正确", "wrong name or password"),
        }
    }
}

/// Returns the text of the given language.
fn pick(lang: Lang, zh: String, en: String) -> String {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

impl Reason {
    /// Returns the message in one language, without the field's name.
    pub fn text(&self, lang: Lang) -> String {
        let fixed = |zh: &str, en: &str| pick(lang, zh.to_owned(), en.to_owned());
        match self {
            Reason::Missing => fixed("必填", "is required"),
            Reason::TooLong { max } => pick(
                lang,
                format!("最多 {max} 个字符"),
                format!("is longer than {max} characters"),
            ),
            Reason::TooShort { min } => pick(
                lang,
                format!("至少 {min} 个字符"),
                format!("is shorter than {min} characters"),
            ),
            Reason::Guessable { weakness } => pick(
                lang,
                format!(
                    "太容易猜到：{}。请加长，或用几个互不相关的词",
                    weakness.text(lang)
                ),
                format!(
                    "is too easy to guess: {}; make it longer, or take some words that do not belong together",
                    weakness.text(lang)
                ),
            ),
            Reason::Taken => fixed("已存在", "exists already"),
            Reason::Unknown => fixed("不存在", "does not exist"),
            Reason::BadCharacter => fixed(
                "不能包含 &、=、引号、反斜杠、空白、不可见字符，或大写形式不同的非 ASCII 字母（如 ß、全角字母）",
                "must not hold &, =, quotes, backslashes, white space, invisible characters or letters outside \
                 ASCII that have another form in upper case (ß, full-width letters)",
            ),
            Reason::ControlCharacter => {
                fixed("不能包含控制字符", "must not hold control characters")
            }
            Reason::DiffersInCase { known } => pick(
                lang,
                format!("与已有的号码 {known} 仅大小写不同；请使用该号码查询原退款"),
                format!(
                    "differs from the known number {known} in case alone; ask for that refund by {known}"
                ),
            ),
            Reason::Ambiguous { name } => pick(
                lang,
                format!("含有 &{name}=，签名无法将其与字段 {name} 区分；请把 & 写作 %26"),
                format!(
                    "holds &{name}=, which the signature cannot tell from the field {name}; write & as %26"
                ),
            ),
            Reason::LooksLike { name } => pick(
                lang,
                format!("与字段 {name} 仅大小写不同"),
                format!("differs from the field {name} in case alone"),
            ),
            Reason::Rounded => fixed(
                "已被电子表格取整：请将该列设为文本后重新导出",
                "was rounded by a spreadsheet: format the column as text and export it anew",
            ),
            Reason::NotText => fixed("应为字符串", "must be a string"),
            Reason::NotAnAmount => fixed("不是有效的金额", "is not an amount"),
            Reason::TooFine => fixed("最多两位小数", "has more than two decimals"),
            Reason::WrongEdition => fixed(
                "与 reqTime 的协议版本不符：数字 reqTime 须用整数分，字符串 reqTime 须用元",
                "does not fit the edition of reqTime: a numeric reqTime goes with whole fen, a string with yuan",
            ),
            Reason::NotInEdition => fixed(
                "不属于单商户版协议（数字 reqTime）",
                "is not part of the single edition (numeric reqTime)",
            ),
            Reason::OutOfRange { min, max } => pick(
                lang,
                format!("应在 {} 至 {} 元之间", min.plain(), max.plain()),
                format!("must be from {} to {} yuan", min.plain(), max.plain()),
            ),
            Reason::NotOneOf { allowed } => pick(
                lang,
                format!("应为以下之一：{allowed}"),
                format!("must be one of {allowed}"),
            ),
            Reason::NotATime => fixed("不是有效的时间", "is not a time"),
            Reason::Milliseconds => fixed(
                "应为 Unix 秒，收到的似为毫秒",
                "must be Unix seconds; this looks like milliseconds",
            ),
            Reason::NotAnAddress => fixed("不是有效的 IP 地址", "is not an IP address"),
            Reason::NotAUrl => fixed(
                "不是有效的 http(s) 地址（仅限可见 ASCII 字符，不含引号和反斜杠）",
                "is not an http(s) address of visible ASCII characters without quotes and backslashes",
            ),
            Reason::UrlWithPassword => fixed(
                "地址中不能含有用户名或密码",
                "must not hold a user name or password",
            ),
            Reason::PrivateAddress => fixed(
                "不是公网地址，通知无法送达",
                "is not in a public network, so no notice could be sent there",
            ),
            Reason::NotAFlag => fixed("应为 true 或 false", "must be true or false"),
            Reason::NotAHost => fixed(
                "不是主机名或以点开头的域名后缀",
                "is no host name, nor an ending of one that begins with a dot",
            ),
            Reason::HostNotAllowed => fixed(
                "的主机不在应用允许的名单内",
                "names a host that is not on the app's list",
            ),
            Reason::ExceedsRefundable { left } => pick(
                lang,
                format!("超过可退金额，剩余可退 {} 元", left.plain()),
                format!("exceeds what is refundable: {} yuan left", left.plain()),
            ),
            Reason::BalanceChanged { left } => pick(
                lang,
                format!(
                    "页面打开后可退金额已变为 {} 元，请核对后重新提交",
                    left.plain()
                ),
                format!(
                    "the refundable amount has become {} yuan since this page was shown; check and send again",
                    left.plain()
                ),
            ),
            Reason::ClockAhead { seconds } => pick(
                lang,
                format!("比服务器时间快 {seconds} 秒，超出允许误差"),
                format!("is {seconds} seconds ahead of the server's clock, more than is allowed"),
            ),
            Reason::ClockBehind { seconds } => pick(
                lang,
                format!("比服务器时间慢 {seconds} 秒，超出允许误差"),
                format!("is {seconds} seconds behind the server's clock, more than is allowed"),
            ),
            Reason::OtherZone { seconds, zone } => pick(
                lang,
                format!(
                    "与服务器时间相差 {seconds} 秒，正好是整数个时区；应为 {zone} 的时间，请检查时区"
                ),
                format!(
                    "is {seconds} seconds from the server's clock, as in another time zone: it must be the time of {zone}; \
                     check the zone"
                ),
            ),
            Reason::DiffersFrom { name } => pick(
                lang,
                format!("与字段 {name} 不一致"),
                format!("differs from the field {name}"),
            ),
            Reason::MovesMoney => fixed(
                "仅限只有沙箱通道的应用：动用资金的应用必须签名",
                "is for apps whose only channel is the sandbox: where money moves, requests are signed",
            ),
            Reason::Mismatch => fixed("与应用配置不符", "does not match the app"),
            Reason::Twice => fixed("重复出现", "is given twice"),
            Reason::OneNeeded => fixed("至少填写一项", "one of them is needed"),
            Reason::TooManyMatches => fixed(
                "匹配过多，请输入更多字符",
                "matches too much; type more of it",
            ),
        }
    }
}
