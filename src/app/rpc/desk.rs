//! Who is at the desk, and how it looks to them.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::{Json, Packed, Trouble};
use crate::domain::filter::Count;
use crate::domain::merchant::AppName;
use crate::domain::operator::Operator;

/// What stands around every page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desk {
    pub operator: Operator,
    /// The apps whose refunds are worked on here, the default one first.
    pub apps: Vec<AppName>,
    /// Refunds of the current app that a person has to look at.
    pub attention: Count,
    /// Its notices that were sent in vain as often as they are.
    pub given_up: Count,
}

/// What stands around the pages of an app; of the default app where `app` is empty.
#[server(endpoint = "desk", input = GetUrl, output = Json)]
pub async fn load_desk(#[server(default)] app: String) -> Result<Packed<Desk>, Trouble> {
    Ok(Packed::of(&crate::server::console::desk::desk(&app).await?))
}

/// Logs in. A plain form's target: answers with a redirect, to `next` or back to the login page.
#[server(endpoint = "login", output = Json)]
pub async fn login(
    name: String,
    password: String,
    #[server(default)] next: String,
) -> Result<(), Trouble> {
    crate::server::console::desk::login(&name, &password, &next).await
}

/// Logs out. A plain form's target: answers with a redirect to the login page.
#[server(endpoint = "logout", output = Json)]
pub async fn logout() -> Result<(), Trouble> {
    crate::server::console::desk::logout().await
}

/// Changes how the console looks; what is absent stays as it is. A plain form's target: leads back
/// to the page it was sent from.
#[server(endpoint = "look", output = Json)]
pub async fn set_look(
    lang: Option<String>,
    theme: Option<String>,
    density: Option<String>,
) -> Result<(), Trouble> {
    crate::server::console::desk::set_look([("lang", lang), ("theme", theme), ("density", density)])
}

/// Leads to the order or refund that has this number; where none has exactly it, to the list of those
/// that begin with it.
#[server(endpoint = "find", input = GetUrl, output = Json)]
pub async fn find_number(app: String, #[server(default)] q: String) -> Result<(), Trouble> {
    crate::server::console::find::find(&app, &q).await
}
