//! Server functions for login, preferences, navigation and search.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

use crate::console::view::ApiError;
use crate::console::view::Navigation;

/// Loads the navigation of an app, or of the default app where `app_id` is empty.
#[server(endpoint = "navigation", input = GetUrl)]
pub async fn load_navigation(#[server(default)] app_id: String) -> Result<Navigation, ApiError> {
    crate::server::desk::layout::navigation(&app_id).await
}

/// Logs in, as the target of a plain form: redirects to `next`, or back to the login page.
#[server(endpoint = "login")]
pub async fn login(
    name: String,
    password: String,
    #[server(default)] next: String,
) -> Result<(), ApiError> {
    crate::server::desk::layout::login(&name, &password, &next).await
}

/// Logs out, as the target of a plain form: redirects to the login page.
#[server(endpoint = "logout")]
pub async fn logout() -> Result<(), ApiError> {
    crate::server::desk::layout::logout().await
}

/// Changes the given preferences, as the target of a plain form: redirects to the page from which it was sent.
#[server(endpoint = "preferences")]
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

/// Redirects to the order or refund with this number, or else to the list of those whose number begins with it.
#[server(endpoint = "find", input = GetUrl)]
pub async fn find_number(app_id: String, #[server(default)] q: String) -> Result<(), ApiError> {
    crate::server::desk::find::find(&app_id, &q).await
}
