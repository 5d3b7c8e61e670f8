//! Login, logout, preferences, and the data of the navigation.

use axum::http::{HeaderValue, header};
use leptos::prelude::*;
use leptos_axum::{ResponseOptions, redirect};

use crate::console::paths::escape;
use crate::console::preferences::{Density, Theme};
use crate::console::view::{ApiError, Navigation, RestoredNotice};
use crate::domain::error::Refusal;
use crate::domain::filter::{Count, ReviewQueueFilter};
use crate::domain::lang::Lang;
use crate::domain::limits;
use crate::domain::merchant::AppName;
use crate::domain::people::{Permission, Scope};
use crate::domain::text::truncated;
use crate::server::client_ip::ClientIp;
use crate::server::ctx::Ctx;
use crate::server::desk::caller::{LoggedIn, logged_in, request, session_of};
use crate::server::desk::errors::trace;
use crate::server::desk::times;
use crate::server::error::Error;
use crate::server::people::devices::{self, Device};
use crate::server::people::sessions;
use crate::server::refunds::records;
use crate::server::{notices, people, same_site};

/// Lifetime of a preference's cookie: a year, in seconds.
const COOKIE_MAX_AGE_S: u32 = 365 * 86_400;

/// Makes the navigation of an app, or of the default app where `app_id` is empty.
pub async fn navigation(app_id: &str) -> Result<Navigation, ApiError> {
    let LoggedIn { ctx, operator, .. } = logged_in().await?;
    let all = ctx.merchants.all().await?;
    let may_see = |app_id: &str| operator.may(app_id, Permission::View);
    let mut merchants: Vec<_> = all
        .iter()
        .filter(|merchant| merchant.enabled && may_see(&merchant.app_id))
        .collect();
    merchants.sort_by_key(|merchant| !merchant.is_default);
    let current = match app_id {
        "" => merchants.first().copied(),
        id => merchants
            .iter()
            .copied()
            .find(|merchant| merchant.app_id == id),
    };
    let (to_review, given_up) = match current {
        Some(merchant) => {
            let app_id = &merchant.app_id;
            let to_review =
                records::count_review_queue(&ctx, app_id, ReviewQueueFilter::Raised).await?;
            (to_review, notices::count_given_up(&ctx, app_id).await?)
        }
        None => (Count::default(), Count::default()),
    };
    let apps = merchants
        .iter()
        .map(|merchant| AppName {
            app_id: merchant.app_id.clone(),
            name: merchant.name.clone(),
        })
        .collect();
    let channels = current.iter().flat_map(|merchant| &merchant.channels);
    let test_channels = channels
        .filter(|settings| settings.test_mode)
        .map(|settings| settings.channel)
        .collect();
    let restored = ctx.restored.mark().await?.map(|mark| RestoredNotice {
        taken_at: times::stamp(mark.taken_at, ctx.clock.now(), &ctx.config.time_zone).local,
        may_end: operator.may(Scope::ALL_APPS, Permission::EndRestoredMode),
    });
    Ok(Navigation {
        restored,
        test_channels,
        moves_no_money: current.is_some_and(|merchant| !merchant.moves_money()),
        role: current.and_then(|merchant| operator.role_at(&merchant.app_id)),
        operator: operator.name,
        apps,
        to_review,
        given_up,
    })
}

/// Logs in and redirects to `next`, or back to the form with the reason of the refusal.
pub async fn login(name: &str, password: &str, next: &str) -> Result<(), ApiError> {
    let next = within_console(next);
    let refused = match try_login(name, password).await {
        Ok(()) => {
            redirect(&next);
            return Ok(());
        }
        Err(Error::Refused(Refusal::TooManyAttempts { minutes })) => format!("locked.{minutes}"),
        Err(Error::Refused(Refusal::Overloaded)) => "busy".to_owned(),
        // A malformed name or password gets the same answer as a wrong one.
        Err(Error::Refused(_)) => "wrong".to_owned(),
        Err(Error::Internal(_)) => "internal".to_owned(),
    };
    let name = truncated(name, 4 * limits::OPERATOR_NAME_CHARS);
    redirect(&format!(
        "/login?next={}&name={}&refused={refused}&trace={}",
        escape(&next),
        escape(name),
        trace().unwrap_or_default(),
    ));
    Ok(())
}

/// Checks name and password, and begins a session.
async fn try_login(name: &str, password: &str) -> Result<(), Error> {
    let ctx = expect_context::<Ctx>();
    let outcome = async {
        let request = request()?;
        let address = ClientIp::of(&request, &ctx.config.trusted_proxies)?;
        let device = Device::of(&request.headers);
        let name = people::login(&ctx, name, password, address, device.as_ref()).await?;
        let device = devices::remember(&ctx, &name, device).await?;
        set_cookie(&device.cookie(ctx.config.secure_cookies));
        sessions::log_in(session_of(&request)?, &name).await
    };
    let outcome = outcome.await;
    if let Err(Error::Internal(cause)) = &outcome {
        tracing::error!(%cause, "a login could not be checked");
    }
    outcome
}

/// Ends the session and redirects to the login page.
pub async fn logout() -> Result<(), ApiError> {
    let ctx = expect_context::<Ctx>();
    let request = request()?;
    let address = ClientIp::of(&request, &ctx.config.trusted_proxies)?;
    sessions::log_out(&ctx, session_of(&request)?, address).await?;
    redirect("/login");
    Ok(())
}

/// Keeps each valid choice in a cookie of its own; ignores the others.
pub fn set_preferences(choices: [(&str, Option<String>); 3]) -> Result<(), ApiError> {
    let secure = match expect_context::<Ctx>().config.secure_cookies {
        true => "; Secure",
        false => "",
    };
    for (name, word) in choices {
        let known = |word: &String| match name {
            "lang" => word.parse::<Lang>().is_ok(),
            "theme" => word.parse::<Theme>().is_ok(),
            _ => word.parse::<Density>().is_ok(),
        };
        if let Some(word) = word.filter(known) {
            let cookie = format!(
                "{name}={word}; Path=/; Max-Age={COOKIE_MAX_AGE_S}; HttpOnly; SameSite=Lax{secure}"
            );
            set_cookie(&cookie);
        }
    }
    Ok(())
}

/// Adds a cookie to the answer.
fn set_cookie(cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, cookie);
    }
}

/// Returns the address if it is within the console, `/` otherwise: a login link must not lead to another site, nor bring the
/// outcome of a form with it ([`same_site::no_foreign_outcome`]).
fn within_console(next: &str) -> String {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= 2_048
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let Some(uri) = ours.then(|| next.parse().ok()).flatten() else {
        return "/".to_owned();
    };
    same_site::without_outcome(&uri).unwrap_or_else(|| next.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_nowhere_but_into_the_console() {
        assert_eq!(within_console("/apps/A/orders?q=1"), "/apps/A/orders?q=1");
        assert_eq!(
            within_console("/apps/A/orders?q=1&__err=e30"),
            "/apps/A/orders?q=1"
        );
        for next in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nSet-Cookie: x",
            "javascript:alert(1)",
            "/a b",
        ] {
            assert_eq!(within_console(next), "/", "{next:?}");
        }
    }
}
