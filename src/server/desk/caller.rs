//! Authorisation of the console's callers, all of it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::tz::TimeZone;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use tower_sessions::Session;

use crate::console::paths::escape;
use crate::console::preferences::Preferences;
use crate::console::view::{ApiError, Cell, Entry, Stamp, State, Tone};
use crate::domain::audit::Origin;
use crate::domain::error::Refusal;
use crate::domain::event::{Actor, Event};
use crate::domain::lang::Lang;
use crate::domain::merchant::MerchantApp;
use crate::domain::people::{Operator, Permission};
use crate::domain::time::Timestamp;
use crate::server::client_ip::ClientIp;
use crate::server::ctx::Ctx;
use crate::server::desk::times;
use crate::server::error::Error;
use crate::server::people::sessions;

/// A logged-in operator, with no app chosen yet. Extractor for routes of the console.
pub struct LoggedIn {
    pub ctx: Ctx,
    pub operator: Operator,
    pub address: ClientIp,
    pub lang: Lang,
}

impl LoggedIn {
    /// Returns the operator who sent a request.
    ///
    /// # Errors
    /// [`Refusal::NotLoggedIn`].
    async fn of(request: &Parts, ctx: &Ctx) -> Result<LoggedIn, Error> {
        let session = session_of(request)?;
        Ok(LoggedIn {
            operator: sessions::operator(ctx, session).await?,
            address: ClientIp::of(request, &ctx.config.trusted_proxies)?,
            lang: preferences(&request.headers).lang,
            ctx: ctx.clone(),
        })
    }

    /// Authorises the operator to act at an app. An app that the operator may not see is treated as if it did not
    /// exist.
    ///
    /// # Errors
    /// [`Refusal::AppNotEnabled`] when there is no such app; [`Refusal::Forbidden`] when the operator's role there
    /// lacks the permission.
    pub async fn at(self, app_id: &str, permission: Permission) -> Result<Caller, Error> {
        if !self.operator.may(app_id, Permission::View) {
            return Err(Refusal::AppNotEnabled.into());
        }
        let merchant = self.ctx.merchants.enabled(Some(app_id)).await?;
        if !self.operator.may(app_id, permission) {
            return Err(Refusal::Forbidden.into());
        }
        Ok(Caller {
            now: self.ctx.clock.now(),
            ctx: self.ctx,
            merchant,
            operator: self.operator,
            address: self.address,
            lang: self.lang,
        })
    }
}

impl FromRequestParts<Ctx> for LoggedIn {
    type Rejection = Response;

    async fn from_request_parts(request: &mut Parts, ctx: &Ctx) -> Result<LoggedIn, Response> {
        LoggedIn::of(request, ctx)
            .await
            .map_err(|error| match error {
                Error::Refused(Refusal::NotLoggedIn) => {
                    let page = request
                        .uri
                        .path_and_query()
                        .map_or("/", |page| page.as_str());
                    Redirect::to(&login_page(page)).into_response()
                }
                error => ApiError::from(error).into_response(),
            })
    }
}

/// An operator who is authorised to act at one app. [`Caller::of`] and [`LoggedIn::at`] are the only constructors, so
/// that no function can forget to authorise.
pub struct Caller {
    pub ctx: Ctx,
    pub merchant: Arc<MerchantApp>,
    pub operator: Operator,
    /// The address of the operator's browser.
    pub address: ClientIp,
    /// The operator's language.
    pub lang: Lang,
    now: Timestamp,
}

impl Caller {
    /// Authorises the operator of the current page or server function to act at an app. A request without a login is
    /// redirected to the login page, which leads back.
    ///
    /// # Errors
    /// [`Refusal::NotLoggedIn`]; as [`LoggedIn::at`].
    pub async fn of(app_id: &str, permission: Permission) -> Result<Caller, ApiError> {
        Ok(logged_in().await?.at(app_id, permission).await?)
    }

    /// Tells whether the operator has a further permission at the same app.
    pub fn may(&self, permission: Permission) -> bool {
        self.operator.may(&self.merchant.app_id, permission)
    }

    /// Returns the time zone in which the operator reads and types times.
    pub fn zone(&self) -> &TimeZone {
        &self.ctx.config.time_zone
    }

    /// Returns the zone's name, for table heads.
    pub fn zone_name(&self) -> String {
        times::name(self.zone())
    }

    /// Formats a moment for the operator.
    pub fn stamp(&self, at: Timestamp) -> Stamp {
        times::stamp(at, self.now, self.zone())
    }

    /// Returns a state's tone and its name in the operator's language.
    pub fn state(&self, state: &dyn State) -> (Tone, String) {
        (state.tone(), state.text().get(self.lang).to_owned())
    }

    /// Makes a cell of states.
    pub fn states<const N: usize>(&self, states: [&dyn State; N]) -> Cell {
        Cell::States(states.map(|state| self.state(state)).into())
    }

    /// Makes the entries of a timeline.
    pub fn entries(&self, events: Vec<Event>) -> Vec<Entry> {
        events
            .into_iter()
            .map(|event| Entry {
                when: self.stamp(event.at),
                event,
            })
            .collect()
    }

    /// Returns the time at which the request began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the operator and the browser's address, for events and the audit.
    pub fn actor(&self) -> Origin {
        Origin {
            actor: Actor::Operator(self.operator.name.clone()),
            address: Some(self.address.0),
        }
    }
}

/// Returns the operator of the current page or server function. A request without a login is redirected to the login
/// page, which leads back.
///
/// # Errors
/// [`Refusal::NotLoggedIn`].
pub async fn logged_in() -> Result<LoggedIn, ApiError> {
    let logged_in = LoggedIn::of(&request()?, &expect_context::<Ctx>()).await;
    if let Err(Error::Refused(Refusal::NotLoggedIn)) = logged_in {
        redirect(&login_page(&page_address()));
    }
    Ok(logged_in?)
}

/// Returns the address of the login page that leads on to `next`.
fn login_page(next: &str) -> String {
    format!("/login?next={}", escape(next))
}

/// Returns the head of the current page's or server function's request.
pub fn request() -> Result<Parts, Error> {
    let request = use_context::<Parts>();
    request.ok_or_else(|| Error::internal("no request is being answered"))
}

/// Returns the preferences in a request's headers.
pub fn preferences(headers: &HeaderMap) -> Preferences {
    let text = |name| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    Preferences::of_headers(text(header::COOKIE), text(header::ACCEPT_LANGUAGE))
}

/// Redirects to another page. A page's request is answered with 302; a server function's answer gets the header that
/// leptos follows, or the browser where there are no scripts.
pub fn redirect(address: &str) {
    leptos_axum::redirect(address);
    if is_page()
        && let Some(response) = use_context::<ResponseOptions>()
    {
        response.set_status(StatusCode::FOUND);
    }
}

/// Tells whether a page is rendered, rather than a server function called.
pub fn is_page() -> bool {
    use_context::<Parts>().is_some_and(|request| !request.uri.path().starts_with("/api/"))
}

/// Returns a request's session.
pub fn session_of(request: &Parts) -> Result<&Session, Error> {
    let session = request.extensions.get::<Session>();
    session.ok_or_else(|| Error::internal("the console's routes have no session layer"))
}

/// Returns the address of the rendered page, or of the page that called the server function.
pub fn page_address() -> String {
    let Some(request) = use_context::<Parts>() else {
        return "/".to_owned();
    };
    let own = || request.uri.path_and_query().map(|own| own.to_string());
    let referer = || {
        let referer = request.headers.get(header::REFERER)?;
        let (_, rest) = referer.to_str().ok()?.split_once("://")?;
        rest.find('/').map(|path| rest[path..].to_owned())
    };
    let address = if is_page() { own() } else { referer() };
    address.unwrap_or_else(|| "/".to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::extract::{ConnectInfo, Path, Request, State};
    use axum::routing::{get, post};
    use tower::ServiceExt;

    use super::*;
    use crate::domain::people::{Grant, Role, Scope};
    use crate::server::config::Config;
    use crate::server::people;
    use crate::server::testing::{app_with, merchant};

    async fn export(logged_in: LoggedIn, Path(app_id): Path<String>) -> Result<String, ApiError> {
        let caller = logged_in.at(&app_id, Permission::Export).await?;
        Ok(format!("{} {}", caller.merchant.app_id, caller.address.0))
    }

    async fn log_in(State(_): State<Ctx>, session: Session) {
        sessions::log_in(&session, "li.na").await.unwrap();
    }

    async fn answer(routes: &Router, mut request: Request, known: bool) -> Response {
        let peer = SocketAddr::from(([198, 51, 100, 7], 4_000));
        if known {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        routes.clone().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn a_plain_route_is_guarded_as_a_page_is_and_by_the_roles_of_the_moment() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let app_id = merchant(&ctx).await.app_id;
        let at = |app_id: &str, role| Grant {
            scope: Scope::of(app_id),
            role,
        };
        people::add(
            &ctx,
            "li.na",
            at(&app_id, Role::Viewer),
            "correct horse",
            Actor::System,
        )
        .await
        .unwrap();
        let routes = Router::new()
            .route("/apps/{app}/export", get(export))
            .route("/login", post(log_in))
            .layer(sessions::layer(&ctx))
            .with_state(ctx.clone());

        let login = Request::post("/login").body(Body::empty()).unwrap();
        let login = answer(&routes, login, true).await;
        let cookie = login.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let ask = async |app_id: &str, cookie: &str, known: bool| {
            let ask = Request::get(format!("/apps/{app_id}/export?q=1"));
            let ask = ask.header(header::COOKIE, cookie);
            answer(&routes, ask.body(Body::empty()).unwrap(), known).await
        };
        let status = async |app_id: &str| ask(app_id, &cookie, true).await.status().as_u16();

        let stranger = ask(&app_id, "", true).await;
        assert_eq!(stranger.status(), 303);
        let login = stranger.headers()[header::LOCATION].to_str().unwrap();
        assert_eq!(login, login_page(&format!("/apps/{app_id}/export?q=1")));
        assert_eq!(status(&app_id).await, 403);
        assert_eq!(status("NOWHERE").await, 404);

        let auditor = at(&app_id, Role::Auditor);
        people::grant(&ctx, "li.na", auditor, Actor::System)
            .await
            .unwrap();
        let allowed = ask(&app_id, &cookie, true).await;
        assert_eq!(allowed.status(), 200);
        let body = to_bytes(allowed.into_body(), 1_000).await.unwrap();
        assert_eq!(body, format!("{app_id} 198.51.100.7"));
        // A request without a known peer is an error: no address is invented.
        assert_eq!(ask(&app_id, &cookie, false).await.status(), 500);

        // An app at which the operator has no role is refused like one that does not exist, even if a role names it.
        let elsewhere = Scope::App(app_id.clone());
        people::revoke(&ctx, "li.na", elsewhere, Actor::System)
            .await
            .unwrap();
        assert_eq!(status(&app_id).await, 404);
        people::grant(&ctx, "li.na", at("*", Role::Admin), Actor::System)
            .await
            .unwrap();
        assert_eq!(status(&app_id).await, 200);
        assert_eq!(status("NOWHERE").await, 404);
        people::set_enabled(&ctx, "li.na", false, Actor::System)
            .await
            .unwrap();
        assert_eq!(status(&app_id).await, 303);
    }
}
