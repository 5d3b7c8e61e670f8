//! Notices and callbacks.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use super::{Json, Packed, Trouble};
use crate::app::view::SheetView;

/// Loads a notice: `notice` is its refund's number and which of its notices, `R2026.../3`.
#[server(endpoint = "notice", input = GetUrl, output = Json)]
pub async fn load_notice(app: String, notice: String) -> Result<Packed<SheetView>, Trouble> {
    Ok(Packed::of(
        &crate::server::console::notices::load(&app, &notice).await?,
    ))
}

/// Sends a notice now. Leads back to it.
#[server(endpoint = "notice/send", output = Json)]
pub async fn send_notice(app: String, notice: String) -> Result<(), Trouble> {
    crate::server::console::notices::send_again(&app, &notice).await
}

/// Loads a callback.
#[server(endpoint = "callback", input = GetUrl, output = Json)]
pub async fn load_callback(app: String, callback_no: String) -> Result<Packed<SheetView>, Trouble> {
    Ok(Packed::of(
        &crate::server::console::callbacks::load(&app, &callback_no).await?,
    ))
}
