//! Server functions for refunds.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::console::view::ApiError;
use crate::console::view::RefundView;

/// Loads a refund.
#[server(endpoint = "refund", input = GetUrl)]
pub async fn load_refund(app_id: String, refund_no: String) -> Result<RefundView, ApiError> {
    crate::server::desk::refunds::load(&app_id, &refund_no).await
}

/// Loads the refund if it is no longer at `version`, the version that is shown. An open page calls this repeatedly.
#[server(endpoint = "refund/if-changed", input = GetUrl)]
pub async fn refund_if_changed(
    app_id: String,
    refund_no: String,
    version: i64,
) -> Result<Option<RefundView>, ApiError> {
    crate::server::desk::refunds::if_changed(&app_id, &refund_no, version).await
}

// The functions below redirect to the refund with `since` in the address: the version that was shown when the button
// was pressed. The page then shows the events after that version.

/// Asks the channel for the refund's true state.
#[server(endpoint = "refund/sync")]
pub async fn sync_refund(app_id: String, refund_no: String, since: i64) -> Result<(), ApiError> {
    crate::server::desk::refunds::sync(&app_id, &refund_no, since).await
}

/// Submits a failed refund again. `attempt` is the number of the failed submission that was shown.
#[server(endpoint = "refund/retry")]
pub async fn retry_refund(
    app_id: String,
    refund_no: String,
    since: i64,
    attempt: i64,
) -> Result<(), ApiError> {
    crate::server::desk::refunds::retry(&app_id, &refund_no, since, attempt).await
}

/// Closes a failed refund, or a refund in progress if its channel, queried at that moment, does not know it.
#[server(endpoint = "refund/close")]
pub async fn close_refund(app_id: String, refund_no: String, since: i64) -> Result<(), ApiError> {
    crate::server::desk::refunds::close(&app_id, &refund_no, since).await
}

/// Books money that the channel overpaid or took back. `refundable` is the order's refundable balance that was shown,
/// in fen; `booking` is the stored name of a booking.
#[server(endpoint = "refund/book")]
pub async fn book_refund(
    app_id: String,
    refund_no: String,
    since: i64,
    refundable: i64,
    booking: String,
    #[server(default)] remark: String,
) -> Result<(), ApiError> {
    use crate::server::desk::refunds::book;
    book(&app_id, &refund_no, since, refundable, &booking, &remark).await
}

/// Marks a settled refund that was flagged for review as reviewed.
#[server(endpoint = "refund/review")]
pub async fn review_refund(
    app_id: String,
    refund_no: String,
    since: i64,
    #[server(default)] remark: String,
) -> Result<(), ApiError> {
    crate::server::desk::refunds::review(&app_id, &refund_no, since, &remark).await
}
