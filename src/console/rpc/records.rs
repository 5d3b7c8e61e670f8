//! Server functions for notices, callbacks, and the check of the audit.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::console::view::{ApiError, DetailView};

/// Loads a notice. `notice` is `<refund_no>/<seq>`: `R2026.../3` is about the refund's version 3.
#[server(endpoint = "notice", input = GetUrl)]
pub async fn load_notice(app_id: String, notice: String) -> Result<DetailView, ApiError> {
    crate::server::desk::notices::load(&app_id, &notice).await
}

/// Sends a notice now, and redirects to its page.
#[server(endpoint = "notice/send")]
pub async fn send_notice(app_id: String, notice: String) -> Result<(), ApiError> {
    crate::server::desk::notices::send_again(&app_id, &notice).await
}

/// Loads a callback.
#[server(endpoint = "callback", input = GetUrl)]
pub async fn load_callback(app_id: String, callback_no: String) -> Result<DetailView, ApiError> {
    crate::server::desk::callbacks::load(&app_id, &callback_no).await
}

/// Checks the audit's chain from the entry after place `after`, or from the beginning where it is empty.
#[server(endpoint = "audit/check", input = GetUrl)]
pub async fn load_audit_check(
    app_id: String,
    #[server(default)] after: String,
) -> Result<DetailView, ApiError> {
    crate::server::desk::audit::check(&app_id, &after).await
}
