//! Who asks, and for which app: the one place where the console authorises.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::http::request::Parts;
use jiff::tz::TimeZone;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use tower_sessions::Session;

use crate::console::paths::escape;
use crate::console::preferences::Preferences;
use crate::console::view::{ApiError, Cell, Entry, Stamp, State, Tone};
use crate::domain::error::Refusal;
use crate::domain::event::{Actor, Event};
use crate::domain::lang::Lang;
use crate::domain::merchant::MerchantApp;
use crate::domain::people::Operator;
use crate::domain::time::Timestamp;
use crate::server::ctx::Ctx;
use crate::server::desk::times;
use crate::server::error::Error;
use crate::server::people::sessions;

/// An operator who is logged in, at the desk of one app.
pub struct Caller {
    pub ctx: Ctx,
    pub merchant: Arc<MerchantApp>,
    pub operator: Operator,
    /// Where the operator's browser is, as far as the server sees.
    pub address: IpAddr,
    /// The language in which the operator is told things.
    pub lang: Lang,
    now: Timestamp,
}

impl Caller {
    /// Anybody who is logged in. Others are sent to the login page.
    ///
    /// # Errors
    /// [`Refusal::NotLoggedIn`]; [`Refusal::AppNotEnabled`] when there is no such app.
    pub async fn viewer(app_id: &str) -> Result<Caller, ApiError> {
        let operator = operator().await?;
        let ctx = expect_context::<Ctx>();
        let merchant = ctx.merchants.enabled(Some(app_id)).await?;
        let now = ctx.clock.now();
        Ok(Caller {
            ctx,
            merchant,
            operator,
            address: address(),
            lang: use_context::<Preferences>().unwrap_or_default().lang,
            now,
        })
    }

    /// An operator whose role may move money.
    ///
    /// # Errors
    /// As [`Caller::viewer`]; [`Refusal::Forbidden`] for other roles.
    pub async fn mover(app_id: &str) -> Result<Caller, ApiError> {
        let caller = Caller::viewer(app_id).await?;
        match caller.operator.role.moves_money() {
            true => Ok(caller),
            false => Err(Refusal::Forbidden.into()),
        }
    }

    /// The zone in which this operator reads and types times.
    pub fn zone(&self) -> &TimeZone {
        &self.ctx.config.time_zone
    }

    /// The zone's name, for the head of a table.
    pub fn zone_name(&self) -> String {
        times::name(self.zone())
    }

    /// A moment as this operator is shown it.
    pub fn stamp(&self, at: Timestamp) -> Stamp {
        times::stamp(at, self.now, self.zone())
    }

    /// A state in this operator's language, with its tone.
    pub fn state(&self, state: &dyn State) -> (Tone, String) {
        (state.tone(), state.text().get(self.lang).to_owned())
    }

    /// The cell of such states.
    pub fn states<const N: usize>(&self, states: [&dyn State; N]) -> Cell {
        Cell::States(states.map(|state| self.state(state)).into())
    }

    /// A timeline as this operator is shown it.
    pub fn entries(&self, events: Vec<Event>) -> Vec<Entry> {
        events
            .into_iter()
            .map(|event| Entry {
                when: self.stamp(event.at),
                event,
            })
            .collect()
    }

    /// When the request began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How the timeline names this operator.
    pub fn actor(&self) -> Actor {
        Actor::Operator(self.operator.name.clone())
    }
}

/// The address that the request came from. Where the server does not know, its own.
fn address() -> IpAddr {
    use_context::<Parts>()
        .and_then(|request| request.extensions.get::<ConnectInfo<SocketAddr>>().copied())
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip())
}

/// Who is logged in. Who is not is sent to the login page, and from there back.
///
/// # Errors
/// [`Refusal::NotLoggedIn`].
pub async fn operator() -> Result<Operator, ApiError> {
    let operator = sessions::operator(&session().await?).await;
    if let Err(Error::Refused(Refusal::NotLoggedIn)) = operator {
        redirect(&format!("/login?next={}", escape(&page_address())));
    }
    Ok(operator?)
}

/// Leads to another page: a page's request at once, a function's as its caller is able to follow.
pub fn redirect(address: &str) {
    leptos_axum::redirect(address);
    if is_page()
        && let Some(response) = use_context::<ResponseOptions>()
    {
        response.set_status(StatusCode::FOUND);
    }
}

/// Whether a page is being rendered, rather than a function called.
pub fn is_page() -> bool {
    use_context::<Parts>().is_some_and(|request| !request.uri.path().starts_with("/api/"))
}

/// The request's session.
pub async fn session() -> crate::server::error::Result<Session> {
    leptos_axum::extract::<Session>()
        .await
        .map_err(|_| Error::internal("the console's routes have no session layer"))
}

/// The page that is shown, or, of a function, the one that called it.
pub fn page_address() -> String {
    let Some(request) = use_context::<Parts>() else {
        return "/".to_owned();
    };
    let own = || request.uri.path_and_query().map(|own| own.to_string());
    let referer = || {
        let referer = request.headers.get(axum::http::header::REFERER)?;
        let (_, rest) = referer.to_str().ok()?.split_once("://")?;
        rest.find('/').map(|path| rest[path..].to_owned())
    };
    let address = if is_page() { own() } else { referer() };
    address.unwrap_or_else(|| "/".to_owned())
}
