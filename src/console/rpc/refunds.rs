//! Refunds.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::console::rpc::{Json, Packed};
use crate::console::view::ApiError;
use crate::console::view::RefundView;

/// Loads a refund.
#[server(endpoint = "refund", input = GetUrl, output = Json)]
pub async fn load_refund(
    app_id: String,
    refund_no: String,
) -> Result<Packed<RefundView>, ApiError> {
    Ok(Packed::of(
        &crate::server::desk::refunds::load(&app_id, &refund_no).await?,
    ))
}

/// The refund, if it has become another than the `version` that is shown: what an open page asks again
/// and again.
#[server(endpoint = "refund/if-changed", input = GetUrl, output = Json)]
pub async fn refund_if_changed(
    app_id: String,
    refund_no: String,
    version: i64,
) -> Result<Option<Packed<RefundView>>, ApiError> {
    let changed = crate::server::desk::refunds::if_changed(&app_id, &refund_no, version).await?;
    Ok(changed.map(|refund| Packed::of(&*refund)))
}

// What follows leads back to the refund, with `since`, the version that was shown when the button was
// pressed, in the address: the page tells what has happened since.

/// Asks the channel for the refund's true state.
#[server(endpoint = "refund/sync", output = Json)]
pub async fn sync_refund(app_id: String, refund_no: String, since: i64) -> Result<(), ApiError> {
    crate::server::desk::refunds::sync(&app_id, &refund_no, since).await
}

/// Submits a failed refund again. `attempt` is the one whose failure was shown.
#[server(endpoint = "refund/retry", output = Json)]
pub async fn retry_refund(
    app_id: String,
    refund_no: String,
    since: i64,
    attempt: i64,
) -> Result<(), ApiError> {
    crate::server::desk::refunds::retry(&app_id, &refund_no, since, attempt).await
}

/// Closes a failed refund, or one in progress that its channel, asked at that moment, does not know.
#[server(endpoint = "refund/close", output = Json)]
pub async fn close_refund(app_id: String, refund_no: String, since: i64) -> Result<(), ApiError> {
    crate::server::desk::refunds::close(&app_id, &refund_no, since).await
}

/// Notes that a person has looked at what was raised about a settled refund.
#[server(endpoint = "refund/review", output = Json)]
pub async fn review_refund(
    app_id: String,
    refund_no: String,
    since: i64,
    #[server(default)] remark: String,
) -> Result<(), ApiError> {
    crate::server::desk::refunds::review(&app_id, &refund_no, since, &remark).await
}
