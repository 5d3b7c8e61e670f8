//! The contents of `data` in answers, each with its fields in the documented order. Absent values are left out and no
//! value is an empty string, so that every reading of the signature rule gives the same signature.

use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::merchant::Edition;
use crate::domain::money::Fen;
use crate::domain::order::Order;
use crate::domain::refund::{Refund, RefundStatus};
use crate::domain::time::Timestamp;
use crate::wire::field::local_text;

/// The form in which an edition writes amounts and moments.
#[derive(Clone, Copy)]
pub struct EditionFormat<'a> {
    pub edition: Edition,
    pub zone: &'a TimeZone,
}

impl EditionFormat<'_> {
    fn amount(self, fen: Fen) -> Amount {
        let digits = match self.edition {
            Edition::Open => fen.yuan().to_string(),
            Edition::Single => fen.0.to_string(),
        };
        Amount(RawValue::from_string(digits).expect("digits with a point are JSON"))
    }

    fn moment(self, at: Timestamp) -> Moment {
        match self.edition {
            Edition::Open => Moment::Local(local_text(at, self.zone)),
            Edition::Single => Moment::Unix(at.seconds()),
        }
    }
}

/// An amount as JSON digits, never converted to a float.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Amount(Box<RawValue>);

impl ToSchema for Amount {}
impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .description(Some(
                "金额：服务商版为元，无多余的零；单商户版为整数分 · amount: yuan without trailing zeros \
                 in the open edition, whole fen in the single one",
            ))
            .examples([serde_json::json!(10.12), serde_json::json!(1012)])
            .into()
    }
}

/// A moment.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Moment {
    Local(String),
    Unix(i64),
}

impl ToSchema for Moment {}
impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Integer]))
            .description(Some(
                "时间：服务商版为 yyyy-MM-dd HH:mm:ss；单商户版为 Unix 秒 · moment: local time in the open \
                 edition, Unix seconds in the single one",
            ))
            .examples([serde_json::json!("2024-10-24 12:00:00"), serde_json::json!(1729742400)])
            .into()
    }
}

/// 退款结果 · Result of a refund.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundData {
    /// 退款号 · our refund number
    #[schema(example = "DEVR24051019590563000001", max_length = 32)]
    refund_no: String,
    /// 商户退款号 · merchant's refund number
    #[schema(example = "R00123", max_length = 100)]
    biz_refund_no: String,
    /// 退款状态：progress、success、fail、close · state of the refund
    #[schema(example = "success")]
    status: &'static str,
    /// 错误提示，仅在 fail 时返回 · reason of the failure, only for fail
    #[serde(skip_serializing_if = "Option::is_none")]
    error_msg: Option<String>,
}

impl RefundData {
    pub fn of(refund: &Refund) -> RefundData {
        let failed = refund.status == RefundStatus::Fail;
        RefundData {
            refund_no: refund.refund_no.clone(),
            biz_refund_no: refund.biz_refund_no.clone(),
            status: refund.status.as_str(),
            error_msg: refund
                .error_msg
                .clone()
                .filter(|msg| failed && !msg.is_empty()),
        }
    }
}

/// 同步结果（服务商版） · Result of a sync, open edition.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OpenSyncData {
    /// 同步后的状态 · our state after the sync
    #[schema(example = "success")]
    pub order_status: &'static str,
    /// 本次同步是否调整了状态 · whether the sync changed our state
    pub adjust: bool,
}

/// 退款同步结果（单商户版） · Result of a refund sync, single edition.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SingleRefundSyncData {
    /// 商户退款号 · merchant's refund number
    #[schema(example = "R00123", max_length = 100)]
    pub biz_refund_no: String,
    /// 退款号 · our refund number
    #[schema(example = "DEVR24051019590563000001", max_length = 32)]
    pub refund_no: String,
    /// 同步后的状态；通道查无此退款时为 pay_not_found · our state after the sync, or pay_not_found if the channel has no such refund
    #[schema(example = "success")]
    pub status: &'static str,
}

/// 支付订单同步结果（单商户版） · Result of an order sync, single edition.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SingleOrderSyncData {
    /// 商户支付订单号 · merchant's order number
    #[schema(example = "P0001", max_length = 100)]
    pub biz_order_no: String,
    /// 支付订单号 · our order number
    #[schema(example = "DEVP24051019590563000001", max_length = 32)]
    pub order_no: String,
    /// 同步后的状态 · our state after the sync
    #[schema(example = "success")]
    pub status: &'static str,
}

/// 同步结果（单商户版），按所同步的对象 · Result of a sync, single edition.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum SingleSyncData {
    Refund(SingleRefundSyncData),
    Order(SingleOrderSyncData),
}

/// Result of a sync, in either edition.
#[derive(Serialize)]
#[serde(untagged)]
pub enum SyncData {
    Open(OpenSyncData),
    Single(SingleSyncData),
}

/// 退款单 · A refund in full.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundOrderData {
    /// 支付订单号 · our order number
    #[schema(example = "DEVP24051019590563000001", max_length = 32)]
    order_no: String,
    /// 通道支付订单号 · channel's transaction number
    #[schema(example = "SBX-OK-1", max_length = 150)]
    #[serde(skip_serializing_if = "Option::is_none")]
    out_order_no: Option<String>,
    /// 商户支付订单号 · merchant's order number
    #[schema(example = "P0001", max_length = 100)]
    biz_order_no: String,
    /// 订单标题 · what was bought
    #[schema(example = "测试订单", max_length = 100)]
    title: String,
    /// 退款号 · our refund number
    #[schema(example = "DEVR24051019590563000001", max_length = 32)]
    refund_no: String,
    /// 商户退款号 · merchant's refund number
    #[schema(example = "R00123", max_length = 100)]
    biz_refund_no: String,
    /// 通道退款号 · channel's refund number
    #[schema(example = "SBXR-1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    out_refund_no: Option<String>,
    /// 支付通道 · payment channel
    #[schema(example = "sandbox")]
    channel: &'static str,
    /// 订单金额 · amount of the order
    order_amount: Amount,
    /// 退款金额 · amount of the refund
    amount: Amount,
    /// 退款原因 · reason of the refund
    #[schema(example = "测试退款", max_length = 150)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// 退款完成时间 · time at which it was completed
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_time: Option<Moment>,
    /// 退款状态：progress、success、fail、close · state of the refund
    #[schema(example = "success")]
    status: &'static str,
    /// 商户扩展参数 · handed back unchanged
    #[schema(example = "id=123332", max_length = 500)]
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<String>,
    /// 错误提示 · reason of the failure
    #[serde(skip_serializing_if = "Option::is_none")]
    error_msg: Option<String>,
}

impl RefundOrderData {
    pub fn of(refund: &Refund, order: &Order, wire: EditionFormat<'_>) -> RefundOrderData {
        RefundOrderData {
            order_no: order.order_no.clone(),
            out_order_no: order.out_order_no.clone(),
            biz_order_no: order.biz_order_no.clone(),
            title: order.title.clone(),
            refund_no: refund.refund_no.clone(),
            biz_refund_no: refund.biz_refund_no.clone(),
            out_refund_no: refund.out_refund_no.clone(),
            channel: refund.channel.as_str(),
            order_amount: wire.amount(order.amount),
            amount: wire.amount(refund.amount),
            reason: refund.reason.clone(),
            finish_time: refund.finish_time().map(|at| wire.moment(at)),
            status: refund.status.as_str(),
            attach: refund.attach.clone(),
            error_msg: refund.error_msg.clone().filter(|msg| !msg.is_empty()),
        }
    }
}

/// 退款通知（单商户版）的业务字段 · The refund's fields in a notice of the single edition.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundNoticeData {
    order_no: String,
    biz_order_no: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    out_order_no: Option<String>,
    title: String,
    refund_no: String,
    biz_refund_no: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    out_refund_no: Option<String>,
    channel: &'static str,
    order_amount: Amount,
    amount: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_time: Option<Moment>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_msg: Option<String>,
}

impl RefundNoticeData {
    pub fn of(refund: &Refund, order: &Order, wire: EditionFormat<'_>) -> RefundNoticeData {
        let not_empty = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        RefundNoticeData {
            order_no: order.order_no.clone(),
            biz_order_no: order.biz_order_no.clone(),
            out_order_no: order.out_order_no.clone(),
            title: order.title.clone(),
            refund_no: refund.refund_no.clone(),
            biz_refund_no: refund.biz_refund_no.clone(),
            out_refund_no: refund.out_refund_no.clone(),
            channel: refund.channel.as_str(),
            order_amount: wire.amount(order.amount),
            amount: wire.amount(refund.amount),
            reason: not_empty(&refund.reason),
            finish_time: refund.finish_time().map(|at| wire.moment(at)),
            status: refund.status.as_str(),
            attach: not_empty(&refund.attach),
            error_code: not_empty(&refund.error_code),
            error_msg: not_empty(&refund.error_msg),
        }
    }
}

/// 支付订单 · A payment order in full. Its fields stand in the order in which clients 3.x write it anew to verify the answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PayOrderData {
    /// 商户支付订单号 · merchant's order number
    #[schema(example = "P0001", max_length = 100)]
    biz_order_no: String,
    /// 支付订单号 · our order number
    #[schema(example = "DEVP24051019590563000001", max_length = 32)]
    order_no: String,
    /// 通道支付订单号 · channel's transaction number
    #[schema(example = "SBX-OK-1", max_length = 150)]
    #[serde(skip_serializing_if = "Option::is_none")]
    out_order_no: Option<String>,
    /// 订单标题 · what was bought
    #[schema(example = "测试订单", max_length = 100)]
    title: String,
    /// 支付通道 · payment channel
    #[schema(example = "sandbox")]
    channel: &'static str,
    /// 支付方式 · payment method
    #[schema(example = "qr_code")]
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    /// 订单金额 · amount of the order
    amount: Amount,
    /// 可退金额 · amount still refundable
    refundable_balance: Amount,
    /// 支付状态 · state of the payment
    #[schema(example = "success")]
    status: &'static str,
    /// 退款状态：no_refund、refunding、partial_refund、refunded · refund side of the order
    #[schema(example = "no_refund")]
    refund_status: &'static str,
    /// 支付成功时间 · time of payment
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_time: Option<Moment>,
    /// 商户扩展参数 · handed back unchanged
    #[schema(example = "id=123332", max_length = 500)]
    #[serde(skip_serializing_if = "Option::is_none")]
    attach: Option<String>,
}

impl PayOrderData {
    pub fn of(order: &Order, wire: EditionFormat<'_>) -> PayOrderData {
        PayOrderData {
            biz_order_no: order.biz_order_no.clone(),
            order_no: order.order_no.clone(),
            out_order_no: order.out_order_no.clone(),
            title: order.title.clone(),
            channel: order.channel.as_str(),
            method: order.method.map(|method| method.as_str()),
            amount: wire.amount(order.amount),
            refundable_balance: wire.amount(order.refundable()),
            status: order.status.as_str(),
            refund_status: order.refund_side().as_str(),
            pay_time: order.pay_time.map(|at| wire.moment(at)),
            attach: order.attach.clone(),
        }
    }
}

/// 已登记的支付订单 · An order that was recorded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordedData {
    /// 支付订单号 · our order number
    #[schema(example = "DEVP24051019590563000001", max_length = 32)]
    order_no: String,
    /// 商户支付订单号 · merchant's order number
    #[schema(example = "P0001", max_length = 100)]
    biz_order_no: String,
    /// 支付状态 · state of the payment
    #[schema(example = "success")]
    status: &'static str,
    /// 退款状态 · refund side of the order
    #[schema(example = "no_refund")]
    refund_status: &'static str,
    /// 可退金额 · amount still refundable
    refundable_balance: Amount,
}

impl RecordedData {
    pub fn of(order: &Order, wire: EditionFormat<'_>) -> RecordedData {
        RecordedData {
            order_no: order.order_no.clone(),
            biz_order_no: order.biz_order_no.clone(),
            status: order.status.as_str(),
            refund_status: order.refund_side().as_str(),
            refundable_balance: wire.amount(order.refundable()),
        }
    }
}
