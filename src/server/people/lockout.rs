//! Limits on guessing passwords.
//!
//! A name is locked out *at an address*, so that guesses from elsewhere lock nobody out, and devices from which the
//! operator has logged in before are counted apart, so that guesses at the same address do not either. That count is in
//! the database, which all nodes share. Each node also limits in its memory the logins of one address or device under all
//! names ([`LoginLimits`](super::login_limits::LoginLimits)).

use crate::domain::error::Refusal;
use crate::domain::time::Timestamp;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::Result;
use crate::server::people::devices;
use crate::server::people::login_limits::{Client, minutes};
use crate::server::store;
use crate::server::store::login_failure::Window;

/// Number of failed logins in a row under one name, of one client, that locks the name out for this client.
pub(super) const FAILURES: i64 = 5;
/// Duration of a lock-out, counted from the last failure. Failures further apart do not add up.
pub(super) const LOCKED_OUT_MS: i64 = 15 * 60_000;
/// Maximum by which another node's clock may be ahead. A failure with a later time was written by a node with a wrong
/// clock, and locks nobody out.
const CLOCK_AHEAD_MS: i64 = 60_000;

/// Returns the period in which failures count at `now`.
pub(super) fn window(now: Timestamp) -> Window {
    Window {
        since: now.plus_ms(-LOCKED_OUT_MS),
        until: now.plus_ms(CLOCK_AHEAD_MS),
    }
}

/// Returns the refusal of a login, if too many logins of this client under this name failed within the window.
pub(super) async fn locked_out(
    conn: &mut Conn,
    name: &str,
    client: &Client,
    window: Window,
) -> sqlx::Result<Option<Refusal>> {
    let failures = store::login_failure::get(conn, name, &client.to_string(), window).await?;
    Ok(failures
        .filter(|failures| failures.count >= FAILURES)
        .map(|failures| Refusal::TooManyAttempts {
            minutes: minutes(failures.last_at.0 - window.since.0),
        }))
}

/// Deletes failed logins that no longer count, and devices that are no longer known.
pub async fn clean_up(ctx: &Ctx) -> Result<u64> {
    let now = ctx.clock.now();
    let (window, since) = (window(now), devices::since(now));
    ctx.db
        .write((), move |conn, ()| {
            Box::pin(async move {
                let failures = store::login_failure::clean_up(conn, window).await?;
                Ok(failures + store::known_device::delete_unused(conn, since).await?)
            })
        })
        .await
}
