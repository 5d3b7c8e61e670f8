//! The API description, OpenAPI 3.1: generated from the gateway's handlers, tables of fields and
//! answers, with what holds for all of them added.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, RefOr, Schema};

use crate::domain::lang::{Text, text};
use crate::server::ctx::Ctx;
use crate::server::gateway;

/// The codes of answers and what they mean.
pub const CODES: &[(i32, Text)] = &[
    (
        0,
        text(
            "受理成功，结果见业务数据",
            "accepted; the outcome is in data",
        ),
    ),
    (10401, text("未登录或没有权限", "not authenticated")),
    (10404, text("没有这个接口", "no such resource")),
    (10405, text("没有这项数据", "no such data")),
    (
        10500,
        text(
            "系统内部错误，凭 traceId 查日志",
            "internal error; traceId finds the log",
        ),
    ),
    (10505, text("请求无法解析", "unreadable parameters")),
    (
        10506,
        text(
            "参数校验不通过，提示信息指明字段",
            "parameters refused by validation; the message names the field",
        ),
    ),
    (
        10507,
        text(
            "重复操作（单商户版为 10007）",
            "repeated operation (10007 in the single edition)",
        ),
    ),
    (20000, text("未归类的错误", "unclassified")),
    (20011, text("没有这个支付通道", "no such channel")),
    (20021, text("支付通道未启用", "channel not enabled")),
    (20023, text("应用不存在或未启用", "app not enabled")),
    (20024, text("配置有误", "badly configured")),
    (20030, text("通道不支持此操作", "channel cannot do this")),
    (20041, text("订单或退款不存在", "no such order or refund")),
    (20042, text("已关闭", "closed")),
    (20043, text("处理中", "being processed")),
    (20044, text("状态不允许", "wrong state")),
    (20045, text("已失败", "failed")),
    (20052, text("签名验证失败", "signature refused")),
    (20060, text("超过限制", "over a limit")),
    (20080, text("操作失败", "operation failed")),
    (
        20081,
        text(
            "同步处理中（单商户版为 10007）",
            "sync under way (10007 in the single edition)",
        ),
    ),
    (20082, text("不支持的操作", "not supported")),
    (20091, text("数据不一致", "inconsistent data")),
    (30000, text("未知错误", "unknown")),
];

/// Introduction to the API for a newcomer, one paragraph each.
pub const BASICS: &[Text] = &[
    text(
        "两种协议版本由 reqTime 区分：字符串 yyyy-MM-dd HH:mm:ss 为服务商版（3.x，金额为元，最多两位小数）；\
         数字（Unix 秒）为单商户版（2.x，金额为整数分，不传 appId 和 mchNo，由默认应用受理）。两者混用的请求一律拒绝。",
        "Two editions, told apart by reqTime: a string yyyy-MM-dd HH:mm:ss is the open edition (3.x: yuan, at most \
         two decimals); a number (Unix seconds) is the single edition (2.x: whole fen, no appId and mchNo, the \
         default app answers). A request between the two is refused.",
    ),
    text(
        "签名：取除 sign 外的顶层字段，去掉 null，按字段名的 ASCII 序排列，以 name=value 用 & 连接；对象写成键有序的紧凑 \
         JSON，小数去掉末尾的零；去掉所有双引号和反斜杠，末尾加 &key=密钥；服务商版再把整段文本转为大写。按应用设置取 \
         HMAC-SHA-256（密钥即 SECRET）、MD5 或 SM3 的十六进制值，不区分大小写。空字符串去掉或保留为 name= 均可。\
         服务商版中，对象内的 U+0080-00A0、U+2000-2010、U+2028-202F、U+2066-206F 先写作小写的 \\uXXXX，再去掉反斜杠。",
        "Signature: take the top-level fields but sign, drop nulls, sort by name in ASCII order, join as name=value with \
         &; an object is compact JSON with its keys sorted, a decimal loses its trailing zeros; remove every double \
         quote and backslash, append &key=SECRET; in the open edition upper-case the whole text. Then hex HMAC-SHA-256 \
         (key: SECRET), MD5 or SM3 by the app's setting, in any case. Empty strings may be dropped or kept as name=. \
         In the open edition, U+0080-00A0, U+2000-2010, U+2028-202F and U+2066-206F within an object are first written \
         as lower-case \\uXXXX, and then lose the backslash.",
    ),
    text(
        "例（单商户版，HMAC-SHA-256，密钥 123456）：clientIp=127.0.0.1&refundNo=DEVR24051020531763000004&reqTime=\
         1715575932&key=123456 的签名为 a375e5517062966dab81b84fec9586a4f88e38f1385f6350ce200a27d32190d7。",
        "Example (single edition, HMAC-SHA-256, secret 123456): the text above, beginning with clientIp=, has that \
         signature.",
    ),
    text(
        "待签名文本不转义，因此号码和标识不能包含 &、=、引号、反斜杠和控制字符，其它文本不能包含会被误认为后续字段的 \
         &字段名=（把 & 写作 %26）；字段不能重复；未列出的字段可以传，参与签名。",
        "The signed text is joined without escaping, so numbers and identifiers hold no &, =, quote, backslash or control \
         character, and other texts hold no &name= of a later field (write & as %26); no field is given twice; fields \
         not listed here are allowed and signed.",
    ),
    text(
        "应答：服务商版的 sign 在外层，对外层字段签名，data 以应答中的字段顺序写成紧凑 JSON；单商户版的 sign 在 data \
         内，对 data 的其它字段签名，data 为 null 时没有签名；业务拒绝（订单不存在、超过可退金额等）的 code 和 msg 也在 data \
         内，外层 code 为 0。请求未通过验签时，应答没有签名。HTTP 状态除 405、413、503（稍后重试）外都是 200。",
        "Answers: in the open edition sign is on the envelope, over its fields, data being compact JSON in the order it is \
         sent; in the single edition sign is inside data, over its other fields, and there is none where data is null; \
         code and msg of a refusal of the business (no such order, more than is left) are in data too, under the outer \
         code 0. A request whose own signature does not verify is answered without one. \
         The HTTP status is 200 but for 405, 413 and 503 (try again shortly).",
    ),
];

/// Returns the whole description.
pub fn describe(ctx: &Ctx) -> OpenApi {
    let mut api = gateway::description(ctx);
    let basics: Vec<_> = BASICS
        .iter()
        .map(|part| format!("{}\n\n{}", part.zh, part.en))
        .collect();
    let codes = CODES
        .iter()
        .map(|(code, Text { zh, en })| format!("| {code} | {zh} | {en} |"));
    let codes: Vec<_> = codes.collect();
    let description = format!(
        "{}\n\n| code | | |\n|---|---|---|\n{}\n",
        basics.join("\n\n"),
        codes.join("\n")
    );
    api.info = InfoBuilder::new()
        .title("Refundry /unipay")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ))
        .build();
    let components = api.components.get_or_insert_default();
    components.schemas.insert("Code".to_owned(), code_schema());
    api
}

fn code_schema() -> RefOr<Schema> {
    let meanings = CODES
        .iter()
        .map(|(code, Text { zh, en })| format!("{code}: {zh} · {en}"));
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .title(Some("状态码 · codes"))
        .description(Some(meanings.collect::<Vec<_>>().join("\n")))
        .enum_values(Some(CODES.iter().map(|(code, _)| *code)))
        .into()
}
