//! The bodies of notices, in the edition of the refund, signed like an answer.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::merchant::{Edition, MerchantApp};
use crate::domain::order::Order;
use crate::domain::refund::Refund;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::wire::data::{EditionFormat, RefundNoticeData, RefundOrderData};
use crate::wire::field::local_text;
use crate::wire::json;
use crate::wire::sign::{Empty, Signer};

/// The envelope of the open edition.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Open<'a> {
    notice_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mch_no: Option<&'a str>,
    app_id: &'a str,
    code: i32,
    msg: &'static str,
    data: RefundOrderData,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<String>,
    res_time: String,
    trace_id: String,
}

/// The flat notice of the single edition.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Single {
    #[serde(flatten)]
    data: RefundNoticeData,
    code: i32,
    msg: &'static str,
    res_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<String>,
}

/// The error of a notice that cannot be written as JSON, or cannot be read back to be signed.
#[derive(Debug, thiserror::Error)]
#[error("a notice cannot be written: {0}")]
pub struct Unwritable(String);

/// Returns the body of the notice of `refund`, which has the state that the notice is about, signed by `secret`. The
/// fields stand in the documented order.
///
/// # Errors
/// [`Unwritable`]; no valid refund causes it.
pub fn of(
    merchant: &MerchantApp,
    secret: &Secret,
    refund: &Refund,
    order: &Order,
    now: Timestamp,
    zone: &TimeZone,
    trace: &str,
) -> Result<String, Unwritable> {
    let edition = refund.edition;
    let wire = EditionFormat { edition, zone };
    let signer = Signer::of(merchant, secret, edition);
    match edition {
        Edition::Open => {
            let mut notice = Open {
                notice_type: "refund",
                mch_no: merchant.mch_no.as_deref(),
                app_id: &merchant.app_id,
                code: 0,
                msg: "success",
                data: RefundOrderData::of(refund, order, wire),
                sign: None,
                res_time: local_text(now, zone),
                trace_id: trace.to_owned(),
            };
            notice.sign = Some(signature(&signer, &notice)?);
            text(&notice)
        }
        Edition::Single => {
            let mut notice = Single {
                data: RefundNoticeData::of(refund, order, wire),
                code: 0,
                msg: "success",
                res_time: now.seconds(),
                sign: None,
            };
            notice.sign = Some(signature(&signer, &notice)?);
            text(&notice)
        }
    }
}

/// Signs the body as a receiver reads it back: the fields of `data` are sorted.
fn signature(signer: &Signer<'_>, notice: &impl Serialize) -> Result<String, Unwritable> {
    let text = text(notice)?;
    let fields = json::object(text.as_bytes()).map_err(|error| Unwritable(error.to_string()))?;
    Ok(signer.sign_fields(&fields, Empty::Dropped))
}

fn text(notice: &impl Serialize) -> Result<String, Unwritable> {
    serde_json::to_string(notice).map_err(|error| Unwritable(error.to_string()))
}
