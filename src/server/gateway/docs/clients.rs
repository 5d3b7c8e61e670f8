//! Capabilities of the published Java clients against this server, as `end2end/clients` shows them.

use crate::domain::lang::{Text, text};

/// The clients, one column each. Those marked ¹ were built from their published source.
pub const VERSIONS: [&str; 5] = ["2.0.6", "2.0.7", "2.0.8", "3.0.0 ¹", "3.0.0.beta4 ¹"];

/// A capability, and whether each client has it.
pub struct Capability {
    pub name: Text,
    pub clients: [Text; 5],
}

const YES: Text = text("可", "yes");
const NO: Text = text("不可", "no");
const NONE: Text = text("客户端无此接口", "the client has none");
const REFUSED: Text = text("不可，20052", "no, 20052");
const AWAY: Text = text("–", "–");
const NOT_FAIL: Text = text("可，fail 除外", "yes, but not of fail");
const OF_BUSINESS: Text = text("业务拒绝可", "those of the business");

pub const CAPABILITIES: &[Capability] = &[
    Capability {
        name: text("退款、重复请求、部分退款", "refund, repeat, partial refund"),
        clients: [YES, YES, YES, YES, REFUSED],
    },
    Capability {
        name: text("退款应答验签", "a refund's answer verifies"),
        clients: [NOT_FAIL, NOT_FAIL, NOT_FAIL, YES, AWAY],
    },
    Capability {
        name: text("拒绝应答验签", "refusals verify"),
        clients: [
            OF_BUSINESS,
            OF_BUSINESS,
            OF_BUSINESS,
            text("可 ²", "yes ²"),
            AWAY,
        ],
    },
    Capability {
        name: text("退款查询", "query of a refund"),
        clients: [YES, YES, YES, YES, REFUSED],
    },
    Capability {
        name: text("退款查询应答验签", "its answer verifies"),
        clients: [
            NO,
            NO,
            NO,
            text("订单金额须为整元", "where the order is whole yuan"),
            AWAY,
        ],
    },
    Capability {
        name: text("订单查询", "query of an order"),
        clients: [YES, YES, YES, YES, REFUSED],
    },
    Capability {
        name: text("订单查询应答验签", "its answer verifies"),
        clients: [
            NO,
            NO,
            text("订单无 attach 时可", "where it has no attach"),
            YES,
            AWAY,
        ],
    },
    Capability {
        name: text("退款同步、订单同步", "sync of a refund, of an order"),
        clients: [YES, YES, YES, NONE, REFUSED],
    },
    Capability {
        name: text("同步应答验签", "its answer verifies"),
        clients: [NO, NO, NO, AWAY, AWAY],
    },
    Capability {
        name: text("通知按模型验签", "a notice verifies by its class"),
        clients: [NO, NO, YES, text("可，按 Map", "yes, as a Map"), NO],
    },
    Capability {
        name: text("通知按收到的字段验签", "a notice verifies by its fields"),
        clients: [YES, YES, YES, AWAY, AWAY],
    },
    Capability {
        name: text("notNotify", "notNotify"),
        clients: [YES, YES, NONE, NONE, NONE],
    },
];

/// Remarks on the table, one paragraph each.
pub const NOTES: &[Text] = &[
    text(
        "¹ 由公开源码构建后验证。² 请求未通过验签时应答不带签名，而 3.0.0 的 verifySign 对没有签名的应答一律返回 true。\
         应答验签不可，都因为客户端的类缺字段或类型不符（如金额类型为整数）；请求本身不受影响。",
        "¹ Built from its published source. ² A request whose signature does not verify is answered without one, and \
         verifySign of 3.0.0 takes an answer without a signature for right. Where an answer does not verify, the client's \
         class lacks a field or has another type (whole amounts, for example); the request itself is not affected.",
    ),
    text(
        "2.x 的 DaxPayKit.execute 不验签，请用 PaySignUtil.verifyHmacSha256Sign；HTTP 状态不是 200 时抛出异常。3.x 以 \
         JVM 所在时区写 reqTime，时区不同时请设 -Duser.timezone。3.x 的通知请用 DaxNoticeResult<Map<String,Object>>。",
        "DaxPayKit.execute of 2.x does not verify: use PaySignUtil.verifyHmacSha256Sign; it throws at any HTTP status but \
         200. 3.x writes reqTime in the zone of the JVM: where that is another, set -Duser.timezone. For notices use \
         DaxNoticeResult<Map<String,Object>> with 3.x.",
    ),
];
