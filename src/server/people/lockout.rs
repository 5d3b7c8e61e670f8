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

/// This many failed logins in a row under one name, from one address, lock the name out there.
pub(super) const FAILURES: i64 = 5;
/// The length of a lock-out, from the last of the failures. Failures further apart do not add up.
pub(super) const LOCKED_OUT_MS: i64 = 15 * 60_000;

/// Returns the refusal of a name under which too many logins from an address failed later than `since`.
pub(super) async fn locked_out(
    conn: &mut Conn,
    name: &str,
    address: IpAddr,
    since: Timestamp,
) -> sqlx::Result<Option<Refusal>> {
    let failures = store::login_failure::get(conn, name, address, since).await?;
    Ok(failures
        .filter(|failures| failures.count >= FAILURES)
        .map(|failures| Refusal::TooManyAttempts {
            minutes: minutes(failures.last_at.0 - since.0),
        }))
}

/// Removes what is kept of failed logins and no longer counts.
pub async fn clean_up(ctx: &Ctx) -> Result<u64> {
    let since = ctx.clock.now().plus_ms(-LOCKED_OUT_MS);
    ctx.db
        .write(move |conn| {
            Box::pin(async move { Ok(store::login_failure::clean_up(conn, since).await?) })
        })
        .await
}
