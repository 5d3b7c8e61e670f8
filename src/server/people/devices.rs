//! Devices from which operators have logged in. A login from one of them is counted apart: whoever guesses passwords
//! elsewhere, even at the same address, neither locks the operator out there nor fills the queue before the operator.
//!
//! A browser holds a secret in a cookie, which it sends only with a login. The secret logs nobody in: it gives five
//! guesses of its own.

use axum::http::{HeaderMap, header};
use rand::distr::{Alphanumeric, SampleString};
use sha2::{Digest, Sha256};
use tower_sessions::cookie::time::Duration;
use tower_sessions::cookie::{Cookie, SameSite};

use crate::domain::secret::Secret;
use crate::domain::time::{DAY_MS, Timestamp};
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::store;

/// Name of the cookie.
pub const COOKIE: &str = "refundry_device";
/// Days without a login after which a device is forgotten.
const KNOWN_DAYS: i64 = 90;
/// Maximum number of devices of one operator. A further one takes the place of that used longest ago.
const DEVICES: i64 = 10;
/// Length of a device's secret, in letters and digits.
const SECRET_CHARS: usize = 32;

/// A browser, by the secret in its cookie.
#[derive(Clone)]
pub struct Device(Secret);

impl Device {
    /// Reads the cookie of a request, if it has one.
    pub fn of(headers: &HeaderMap) -> Option<Device> {
        let cookies = headers.get_all(header::COOKIE).iter();
        let cookies = cookies.filter_map(|cookies| cookies.to_str().ok());
        let mut cookies = cookies.flat_map(Cookie::split_parse).flatten();
        let cookie = cookies.find(|cookie| cookie.name() == COOKIE)?;
        let fits = cookie.value().len() == SECRET_CHARS;
        fits.then(|| Device(cookie.value().into()))
    }

    /// Returns the cookie with which a browser keeps its secret.
    pub fn cookie(&self, secure: bool) -> String {
        let cookie = Cookie::build((COOKIE, self.0.reveal()))
            .path("/api/login")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(secure)
            .max_age(Duration::days(KNOWN_DAYS));
        cookie.to_string()
    }

    /// Returns the key under which the device is stored: a digest, so that a copy of the database tells no secret.
    pub fn id(&self) -> String {
        hex::encode(Sha256::digest(self.0.reveal()))
    }

    fn make() -> Device {
        let secret = Alphanumeric.sample_string(&mut rand::rng(), SECRET_CHARS);
        Device(secret.into())
    }
}

/// Records an operator's login from a device, and returns the device whose cookie the browser is to keep. A browser
/// without a known device gets a new one, as somebody else may have planted the secret that it has.
pub async fn remember(ctx: &Ctx, operator: &str, device: Option<Device>) -> Result<Device> {
    let now = ctx.clock.now();
    let known = match device {
        Some(device) => {
            let mut conn = ctx.db.read().await?;
            let all = store::known_device::operators(&mut conn, &device.id(), since(now)).await?;
            Some(device).filter(|_| !all.is_empty())
        }
        None => None,
    };
    let device = known.unwrap_or_else(Device::make);
    let args = (device.id(), operator.to_owned());
    let recorded = ctx.db.write(args, move |conn, (device_id, operator)| {
        Box::pin(async move {
            store::known_device::put(conn, &device_id, &operator, now).await?;
            Ok(store::known_device::delete_surplus(conn, &operator, DEVICES).await?)
        })
    });
    recorded.await?;
    Ok(device)
}

/// Returns the time of the earliest login that still counts at `now`.
pub(super) fn since(now: Timestamp) -> Timestamp {
    now.plus_ms(-KNOWN_DAYS * DAY_MS)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::server::config::Config;
    use crate::server::testing::app_with;

    fn headers(cookies: &str) -> HeaderMap {
        let cookies = HeaderValue::from_str(cookies).unwrap();
        HeaderMap::from_iter([(header::COOKIE, cookies)])
    }

    #[test]
    fn a_device_is_what_its_cookie_says() {
        let device = Device::make();
        let cookie = device.cookie(true);
        for part in [
            "HttpOnly",
            "SameSite=Strict",
            "Secure",
            "Path=/api/login",
            "Max-Age=7776000",
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!device.cookie(false).contains("Secure"));
        let sent = format!("lang=en; {}", cookie.split(';').next().unwrap());
        assert_eq!(Device::of(&headers(&sent)).unwrap().id(), device.id());
        for none in [
            "",
            "lang=en",
            "refundry_device=",
            "refundry_device=short",
            "x",
        ] {
            assert!(Device::of(&headers(none)).is_none(), "{none:?}");
        }
    }

    #[tokio::test]
    async fn a_device_is_kept_while_it_is_known_and_the_oldest_gives_way() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let planted = Device::make();
        let first = remember(&ctx, "li.na", Some(planted.clone()))
            .await
            .unwrap();
        assert_ne!(first.id(), planted.id(), "nobody had logged in from it");
        // Two operators share a browser.
        let shared = remember(&ctx, "wang", Some(first.clone())).await.unwrap();
        assert_eq!(shared.id(), first.id());
        let known = async |device: &Device| {
            let since = since(ctx.clock.now());
            let mut conn = ctx.db.read().await.unwrap();
            let id = device.id();
            let all = store::known_device::operators(&mut conn, &id, since);
            let mut all = all.await.unwrap();
            all.sort();
            all
        };
        assert_eq!(known(&first).await, ["li.na", "wang"]);
        for _ in 0..DEVICES {
            ctx.clock.advance_ms(1_000);
            remember(&ctx, "li.na", None).await.unwrap();
        }
        assert_eq!(known(&first).await, ["wang"]);
        ctx.clock.advance_ms(KNOWN_DAYS * DAY_MS);
        assert!(known(&first).await.is_empty());
        let deleted = crate::server::people::clean_up(&ctx).await.unwrap();
        assert_eq!(deleted, 1 + u64::try_from(DEVICES).unwrap());
    }
}
