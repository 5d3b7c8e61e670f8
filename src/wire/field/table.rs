//! Descriptions of all fields, and the table of fields of each endpoint.

use crate::domain::lang::text;
use crate::domain::limits;
use crate::wire::field::{Field, Kind};

pub const APP_ID: Field = Field::new(
    "appId",
    Kind::Number {
        max: limits::APP_ID_CHARS,
    },
    text("应用号；缺省为默认应用", "the app; absent: the default app"),
    "\"DEMO\"",
);
pub const MCH_NO: Field = Field::new(
    "mchNo",
    Kind::Number {
        max: limits::MCH_NO_CHARS,
    },
    text(
        "商户号；应用配置了商户号时须一致",
        "merchant number; must match the app's where it has one",
    ),
    "\"M0000000001\"",
);
pub const CLIENT_IP: Field = Field::new(
    "clientIp",
    Kind::Address {
        max: limits::CLIENT_IP_CHARS,
    },
    text(
        "用户 IP，IPv4 或 IPv6；微信支付必填",
        "payer's IP address, v4 or v6; required for wechat_pay",
    ),
    "\"127.0.0.1\"",
);
pub const NONCE_STR: Field = Field::new(
    "nonceStr",
    Kind::Number {
        max: limits::NONCE_CHARS,
    },
    text("随机串", "random text"),
    "\"d112892e382a7093\"",
);
pub const SIGN: Field = Field::new(
    "sign",
    Kind::Text {
        max: limits::SIGN_CHARS,
    },
    text(
        "签名值；应用要求验签时必填",
        "signature; required where the app demands it",
    ),
    "\"072695d112892e382a7093b81e6a52af\"",
);
pub const REQ_TIME: Field = Field::new(
    "reqTime",
    Kind::Time,
    text(
        "请求时间，与服务器时间相差不超过 5 分钟",
        "time of the request, at most 5 minutes from the server's clock",
    ),
    "\"2024-10-24 12:00:00\"",
)
.required();

/// Fields of every request.
pub const COMMON: &[Field] = &[APP_ID, MCH_NO, CLIENT_IP, NONCE_STR, SIGN, REQ_TIME];

pub const ORDER_NO: Field = Field::new(
    "orderNo",
    Kind::Number {
        max: limits::ORDER_NO_CHARS,
    },
    text(
        "支付订单号；优先于其它订单号",
        "our payment order number; wins over the other order numbers",
    ),
    "\"DEVP24051019590563000001\"",
);
pub const BIZ_ORDER_NO: Field = Field::new(
    "bizOrderNo",
    Kind::Number {
        max: limits::BIZ_ORDER_NO_CHARS,
    },
    text("商户支付订单号", "merchant's order number"),
    "\"P0001\"",
);
/// `bizOrderNo` as published clients 2.0.6 to 3.0.0.beta4 misspell it in queries of a payment order.
pub const BIZ_ORDER_NOE_NO: Field = Field::new(
    "bizOrderNoeNo",
    BIZ_ORDER_NO.kind,
    text(
        "同 bizOrderNo：部分客户端的误拼，按所传名称参与签名",
        "the same as bizOrderNo, as some clients misspell it; signed under the name sent",
    ),
    BIZ_ORDER_NO.example,
);
pub const OUT_ORDER_NO: Field = Field::new(
    "outOrderNo",
    Kind::Number {
        max: limits::OUT_ORDER_NO_CHARS,
    },
    text("通道支付订单号", "channel's transaction number"),
    "\"SBX-OK-1\"",
);
pub const REFUND_NO: Field = Field::new(
    "refundNo",
    Kind::Number {
        max: limits::REFUND_NO_CHARS,
    },
    text(
        "退款号；优先于商户退款号",
        "our refund number; wins over bizRefundNo",
    ),
    "\"DEVR24051019590563000001\"",
);
pub const BIZ_REFUND_NO: Field = Field::new(
    "bizRefundNo",
    Kind::Number {
        max: limits::BIZ_REFUND_NO_CHARS,
    },
    text(
        "商户退款号；同一应用内同号只退一笔",
        "merchant's refund number; one number is one refund within an app",
    ),
    "\"R00123\"",
);
pub const AMOUNT: Field = Field::new(
    "amount",
    Kind::Amount,
    text(
        "金额，0.01 至 999999.99 元",
        "amount, 0.01 to 999999.99 yuan",
    ),
    "10.12",
)
.required();
pub const REASON: Field = Field::new(
    "reason",
    Kind::Text {
        max: limits::REASON_CHARS,
    },
    text("退款原因", "why it is refunded"),
    "\"测试退款\"",
);
pub const EXTRA_PARAM: Field = Field::new(
    "extraParam",
    Kind::Extra {
        max: limits::EXTRA_PARAM_CHARS,
    },
    text(
        "预留的扩展参数，字符串或对象",
        "reserved; a string or an object",
    ),
    "\"{}\"",
);
pub const ATTACH: Field = Field::new(
    "attach",
    Kind::Text {
        max: limits::ATTACH_CHARS,
    },
    text("商户扩展参数，原样返回", "handed back unchanged"),
    "\"id=123332\"",
);
pub const NOTIFY_URL: Field = Field::new(
    "notifyUrl",
    Kind::Url {
        max: limits::NOTIFY_URL_CHARS,
    },
    text(
        "异步通知地址，http(s)，仅限可见 ASCII 字符，不含引号、反斜杠、用户名和密码；缺省为应用配置的地址",
        "where the notice goes: http(s), visible ASCII without quotes, backslashes, user name and password; absent: the \
         app's own address",
    ),
    "\"http://abc.cn/noticeCallback\"",
);
pub const NOT_NOTIFY: Field = Field::new(
    "notNotify",
    Kind::Flag,
    text(
        "为 true 时，这笔退款不发异步通知",
        "true: no notices of this refund",
    ),
    "false",
);
pub const CHANNEL: Field = Field::new(
    "channel",
    Kind::Channel,
    text("支付通道", "payment channel"),
    "\"sandbox\"",
)
.required();
pub const METHOD: Field = Field::new(
    "method",
    Kind::Method,
    text("支付方式", "payment method"),
    "\"qr_code\"",
)
.required();
pub const TITLE: Field = Field::new(
    "title",
    Kind::Text {
        max: limits::TITLE_CHARS,
    },
    text("订单标题", "what was bought"),
    "\"测试订单\"",
)
.required();
pub const PAY_TIME: Field = Field::new(
    "payTime",
    Kind::Time,
    text(
        "支付成功时间，写法同 reqTime",
        "when it was paid, written as reqTime",
    ),
    "\"2024-10-24 11:58:00\"",
)
.required();

/// Fields of `/unipay/refund`, besides the common ones.
pub const REFUND: &[Field] = &[
    BIZ_REFUND_NO.required(),
    ORDER_NO,
    BIZ_ORDER_NO,
    OUT_ORDER_NO,
    AMOUNT,
    REASON,
    EXTRA_PARAM,
    ATTACH,
    NOTIFY_URL,
    NOT_NOTIFY,
];

/// Fields of which one names a refund.
pub const REFUND_KEY: &[Field] = &[REFUND_NO, BIZ_REFUND_NO];

/// Fields of which one names an order.
pub const ORDER_KEY: &[Field] = &[ORDER_NO, BIZ_ORDER_NO, OUT_ORDER_NO];

/// Fields of the query of an order: one of them names it.
pub const ORDER_QUERY: &[Field] = &[ORDER_NO, BIZ_ORDER_NO, BIZ_ORDER_NOE_NO, OUT_ORDER_NO];

/// Fields of `/unipay/syncPay`, which serves refunds and orders.
pub const SYNC_PAY: &[Field] = &[
    REFUND_NO,
    BIZ_REFUND_NO,
    ORDER_NO,
    BIZ_ORDER_NO,
    OUT_ORDER_NO,
];

/// Fields of `/unipay/order/record`, besides the common ones.
pub const ORDER_RECORD: &[Field] = &[
    BIZ_ORDER_NO.required(),
    OUT_ORDER_NO.required(),
    CHANNEL,
    METHOD,
    TITLE,
    AMOUNT,
    PAY_TIME,
    ORDER_NO,
    ATTACH,
];
