//! The limits of guessing.
//!
//! A name is locked out *at an address*: whoever guesses from elsewhere keeps nobody out. That count is
//! in the database, since nodes share it. What one address may ask for in all, under whatever names, is
//! limited by each node in its memory ([`AddressLimits`](super::address_limits::AddressLimits)).

use std::net::IpAddr;

use crate::domain::error::Refusal;
use crate::domain::time::Timestamp;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::Result;
use crate::server::people::address_limits::minutes;
use crate::server::store;
use crate::server::store::login_failure::Window;

/// This many failed logins in a row under one name, from one address, lock the name out there.
pub(super) const FAILURES: i64 = 5;
/// The length of a lock-out, from the last of the failures. Failures further apart do not add up.
pub(super) const LOCKED_OUT_MS: i64 = 15 * 60_000;
/// The most that another node's clock may be ahead. A failure of a later time was written by a clock that was wrong,
/// and locks nobody out.
const CLOCK_AHEAD_MS: i64 = 60_000;

/// Returns the times of the failures that count now.
pub(super) fn window(now: Timestamp) -> Window {
    Window {
        since: now.plus_ms(-LOCKED_OUT_MS),
        until: now.plus_ms(CLOCK_AHEAD_MS),
    }
}

/// Returns the refusal of a name under which too many logins from an address failed within the window.
pub(super) async fn locked_out(
    conn: &mut Conn,
    name: &str,
    address: IpAddr,
    window: Window,
) -> sqlx::Result<Option<Refusal>> {
    let failures = store::login_failure::get(conn, name, address, window).await?;
    Ok(failures
        .filter(|failures| failures.count >= FAILURES)
        .map(|failures| Refusal::TooManyAttempts {
            minutes: minutes(failures.last_at.0 - window.since.0),
        }))
}

/// Removes what is kept of failed logins and no longer counts.
pub async fn clean_up(ctx: &Ctx) -> Result<u64> {
    let window = window(ctx.clock.now());
    ctx.db
        .write(move |conn| {
            Box::pin(async move { Ok(store::login_failure::clean_up(conn, window).await?) })
        })
        .await
}
