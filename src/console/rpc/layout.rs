//! Who is at the desk, and how it looks to them.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::console::rpc::{Json, Packed};
use crate::console::view::ApiError;
use crate::console::view::Navigation;

/// What stands around the pages of an app; of the default app where `app` is empty.
#[server(endpoint = "navigation", input = GetUrl, output = Json)]
pub async fn load_navigation(
    #[server(default)] app_id: String,
) -> Result<Packed<Navigation>, ApiError> {
    Ok(Packed::of(
        &crate::server::desk::layout::navigation(&app_id).await?,
    ))
}

/// Logs in. A plain form's target: answers with a redirect, to `next` or back to the login page.
#[server(endpoint = "login", output = Json)]
pub async fn login(
    name: String,
    password: String,
    #[server(default)] next: String,
) -> Result<(), ApiError> {
    crate::server::desk::layout::login(&name, &password, &next).await
}

/// Logs out. A plain form's target: answers with a redirect to the login page.
#[server(endpoint = "logout", output = Json)]
pub async fn logout() -> Result<(), ApiError> {
    crate::server::desk::layout::logout().await
}

/// Changes how the console looks; what is absent stays as it is. A plain form's target: leads back
/// to the page it was sent from.
#[server(endpoint = "preferences", output = Json)]
pub async fn set_preferences(
    lang: Option<String>,
    theme: Option<String>,
    density: Option<String>,
) -> Result<(), ApiError> {
    crate::server::desk::layout::set_preferences([
        ("lang", lang),
        ("theme", theme),
        ("density", density),
    ])
}

/// Leads to the order or refund that has this number; where none has exactly it, to the list of those
/// that begin with it.
#[server(endpoint = "find", input = GetUrl, output = Json)]
pub async fn find_number(app_id: String, #[server(default)] q: String) -> Result<(), ApiError> {
    crate::server::desk::find::find(&app_id, &q).await
}
