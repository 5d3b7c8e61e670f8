//! The login of an operator.

use std::net::IpAddr;

use crate::domain::audit::{Action, Origin};
use crate::domain::error::Refusal;
use crate::domain::event::Actor;
use crate::domain::limits;
use crate::domain::time::Timestamp;
use crate::server::client_ip::ClientIp;
use crate::server::counters;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::{Error, Result};
use crate::server::people::devices::{Device, since};
use crate::server::people::lockout::{FAILURES, locked_out, window};
use crate::server::people::login_limits::Client;
use crate::server::people::passwords::Queue;
use crate::server::people::{act, is_of_a_name, passwords, within};
use crate::server::store::operator::Credentials;
use crate::server::{audit, store};

/// Checks a login and returns the operator's name. Takes the same time for an unknown name as for a known one.
///
/// After five failures in a row under one name from one address, known or not, all logins under it from there are
/// refused for 15 minutes, even with the right password. Failures from a device from which the operator has logged in
/// before count for that device alone.
///
/// # Errors
/// [`Refusal::WrongLogin`] for a wrong name or password and for a disabled operator, without saying which;
/// [`Refusal::TooManyAttempts`]; [`Refusal::Overloaded`] when too many logins wait to be checked; a field that is
/// missing or too long.
pub async fn login(
    ctx: &Ctx,
    name: &str,
    password: &str,
    from: ClientIp,
    device: Option<&Device>,
) -> Result<String> {
    let ClientIp(address) = from;
    let outcome = check(ctx, name.trim(), password, address, device).await;
    if let Err(Error::Refused(refusal)) = &outcome {
        counters::login_failed(match refusal {
            Refusal::TooManyAttempts { .. } => "locked_out",
            Refusal::Overloaded => "busy",
            _ => "wrong",
        });
        let name = printable(name.trim());
        tracing::warn!(%name, %address, %refusal, "a login failed");
    }
    outcome
}

async fn check(
    ctx: &Ctx,
    name: &str,
    password: &str,
    address: IpAddr,
    device: Option<&Device>,
) -> Result<String> {
    within("name", name, 1, limits::OPERATOR_NAME_CHARS)?;
    within("password", password, 1, limits::PASSWORD_CHARS)?;
    let (client, known) = {
        let mut conn = ctx.db.read().await?;
        let now = ctx.clock.now();
        let client = client(&mut conn, name, address, device, now).await?;
        if let Some(refusal) = locked_out(&mut conn, name, &client, window(now)).await? {
            return Err(refusal.into());
        }
        (client, store::operator::credentials(&mut conn, name).await?)
    };
    let attempt = ctx.logins.begin(client.clone(), ctx.clock.now())?;
    let queue = match client {
        Client::Address(_) => Queue::Strangers,
        Client::Device(_) => Queue::Known,
    };
    let hash = known.as_ref().map(|known| known.password_hash.as_str());
    let right = passwords::fits(ctx, password, hash, queue).await?;
    let checked = known.filter(|known| right && known.enabled);
    settle(ctx, name, address, &client, checked).await?;
    attempt.succeeded();
    Ok(name.to_owned())
}

/// Returns the client of a login under a name: the device, where the operator of that name has logged in from it.
async fn client(
    conn: &mut Conn,
    name: &str,
    address: IpAddr,
    device: Option<&Device>,
    now: Timestamp,
) -> sqlx::Result<Client> {
    if let Some(device) = device {
        let id = device.id();
        let known = store::known_device::operators(conn, &id, since(now)).await?;
        if known.iter().any(|operator| operator == name) {
            return Ok(Client::Device(id));
        }
    }
    Ok(Client::at(address))
}

/// Records a login's outcome and returns it. `checked` is the account whose password matched. The lock-out is checked
/// again in the same transaction, after a write that waits for those of other nodes: of any number of simultaneous
/// guesses, at most five get an answer.
async fn settle(
    ctx: &Ctx,
    name: &str,
    address: IpAddr,
    client: &Client,
    checked: Option<Credentials>,
) -> Result<()> {
    let now = ctx.clock.now();
    let window = window(now);
    let told = |actor: Actor, action| {
        let origin = Origin {
            actor,
            address: Some(address),
        };
        act(ctx, origin, action, &printable(name))
    };
    let logged_in = told(Actor::Operator(name.to_owned()), Action::LoggedIn);
    let refused = told(Actor::Unknown, Action::LoginRefused);
    let locks_out = told(Actor::Unknown, Action::LockedOut);
    let (name, client) = (name.to_owned(), client.clone());
    let outcome = ctx.db.write(
        (name, client, checked, logged_in, refused, locks_out),
        move |conn, (name, client, checked, logged_in, refused, locks_out)| {
            Box::pin(async move {
                let counted_as = client.to_string();
                let Some(checked) = checked else {
                    let counted = store::login_failure::count(
                        conn,
                        &name,
                        &counted_as,
                        window,
                        now,
                        FAILURES,
                    )
                    .await?;
                    let locked_out = locked_out(conn, &name, &client, window).await?;
                    // Guesses that no longer count get no audit entry, so that nobody can fill the disk with them.
                    if counted {
                        let last = locked_out.is_some();
                        audit::record(conn, if last { &locks_out } else { &refused }).await?;
                    }
                    return Ok(match locked_out {
                        Some(refusal) if !counted => Err(refusal),
                        _ => Err(Refusal::WrongLogin),
                    });
                };
                // The account may have been disabled, or its password changed, since the check.
                let current = store::operator::credentials(conn, &name).await?;
                let unchanged = current.is_some_and(|current| {
                    current.enabled && current.password_hash == checked.password_hash
                });
                if !unchanged {
                    audit::record(conn, &refused).await?;
                    return Ok(Err(Refusal::WrongLogin));
                }
                store::login_failure::forget(conn, &name, &counted_as, window, FAILURES).await?;
                Ok(match locked_out(conn, &name, &client, window).await? {
                    Some(refusal) => Err(refusal),
                    None => {
                        audit::record(conn, &logged_in).await?;
                        Ok(())
                    }
                })
            })
        },
    );
    Ok(outcome.await??)
}

/// Returns a typed name in a form fit for the log: truncated, and without characters that no operator's name may hold.
fn printable(name: &str) -> String {
    let name = name.chars().take(limits::OPERATOR_NAME_CHARS);
    name.map(|c| if is_of_a_name(c) { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::{Account, Grant, Role};
    use crate::server::config::Config;
    use crate::server::people::devices::remember;
    use crate::server::people::lockout::{LOCKED_OUT_MS, clean_up};
    use crate::server::people::login_limits::AT_ONCE_OF_CLIENT;
    use crate::server::people::{
        DEMO_HASH, DEMO_PASSWORD, add, end_sessions, set_enabled, set_password, unlock,
    };
    use crate::server::testing::app_with;

    const PASSWORD: &str = "correct horse";

    async fn try_from(
        ctx: &Ctx,
        address: &str,
        name: &str,
        password: &str,
    ) -> Result<String, Refusal> {
        let address = ClientIp(address.parse().unwrap());
        let outcome = login(ctx, name, password, address, None).await;
        outcome.map_err(|error| error.refusal().expect("no internal error").clone())
    }

    async fn try_login(ctx: &Ctx, name: &str, password: &str) -> Result<String, Refusal> {
        try_from(ctx, "198.51.100.7", name, password).await
    }

    async fn add_viewer(ctx: &Ctx) {
        let viewer = Grant::everywhere(Role::Viewer);
        add(ctx, "li.na", viewer, PASSWORD, Actor::System)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn the_right_password_logs_in_and_nothing_else_does() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add_viewer(&ctx).await;
        let expected = Ok("li.na".to_owned());
        assert_eq!(try_login(&ctx, " li.na ", PASSWORD).await, expected);
        for (name, password) in [
            ("li.na", "wrong"),
            ("Li.na", PASSWORD),
            ("nobody", PASSWORD),
        ] {
            assert_eq!(
                try_login(&ctx, name, password).await,
                Err(Refusal::WrongLogin)
            );
        }
        let long = "x".repeat(limits::PASSWORD_CHARS + 1);
        let refusal = try_login(&ctx, "li.na", &long).await.unwrap_err();
        assert_eq!(refusal.field_name(), Some("password"));
        assert_eq!(
            try_login(&ctx, "", "x").await.unwrap_err().field_name(),
            Some("name")
        );

        set_enabled(&ctx, "li.na", false, Actor::System)
            .await
            .unwrap();
        assert_eq!(
            try_login(&ctx, "li.na", PASSWORD).await,
            Err(Refusal::WrongLogin)
        );
        set_enabled(&ctx, "li.na", true, Actor::System)
            .await
            .unwrap();
        set_password(&ctx, "li.na", "another horse", Actor::System)
            .await
            .unwrap();
        assert_eq!(
            try_login(&ctx, "li.na", PASSWORD).await,
            Err(Refusal::WrongLogin)
        );
        assert!(try_login(&ctx, "li.na", "another horse").await.is_ok());
    }

    #[tokio::test]
    async fn five_failures_lock_a_name_out_for_a_quarter_of_an_hour_even_if_it_does_not_exist() {
        let (ctx, database) = app_with(Config::default()).await;
        add_viewer(&ctx).await;
        for name in ["li.na", "nobody"] {
            for _ in 0..5 {
                assert_eq!(
                    try_login(&ctx, name, "wrong").await,
                    Err(Refusal::WrongLogin)
                );
            }
            let locked = Err(Refusal::TooManyAttempts { minutes: 15 });
            assert_eq!(try_login(&ctx, name, PASSWORD).await, locked);
        }
        // A restart does not lift the lock-out; waiting does.
        let url = database.url();
        let db = crate::server::db::Db::open(&url, Some(1), 1).await.unwrap();
        let again = Ctx::new(Config::default(), db, ctx.vault.clone(), ctx.clock.clone());
        ctx.clock.advance_ms(LOCKED_OUT_MS - 90_000);
        let locked = Err(Refusal::TooManyAttempts { minutes: 2 });
        assert_eq!(try_login(&again, "li.na", PASSWORD).await, locked);
        ctx.clock.advance_ms(90_000);
        assert!(try_login(&again, "li.na", PASSWORD).await.is_ok());
        assert_eq!(
            clean_up(&again).await.unwrap(),
            1,
            "the name that does not exist"
        );
    }

    #[tokio::test]
    async fn nobody_locks_another_out() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add_viewer(&ctx).await;
        for _ in 0..8 {
            try_from(&ctx, "203.0.113.9", "li.na", "wrong")
                .await
                .unwrap_err();
        }
        let elsewhere = try_from(&ctx, "203.0.113.9", "li.na", PASSWORD).await;
        assert!(matches!(elsewhere, Err(Refusal::TooManyAttempts { .. })));
        assert!(try_login(&ctx, "li.na", PASSWORD).await.is_ok());
        // A success at the operator's own desk does not lift the lock-out elsewhere.
        let elsewhere = try_from(&ctx, "203.0.113.9", "li.na", PASSWORD).await;
        assert!(matches!(elsewhere, Err(Refusal::TooManyAttempts { .. })));
    }

    async fn try_device(ctx: &Ctx, device: &Device, password: &str) -> Result<String, Refusal> {
        let address = ClientIp("203.0.113.9".parse().unwrap());
        let outcome = login(ctx, "li.na", password, address, Some(device)).await;
        outcome.map_err(|error| error.refusal().expect("no internal error").clone())
    }

    #[tokio::test]
    async fn nobody_at_the_same_address_locks_out_a_device_that_has_logged_in_before() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add_viewer(&ctx).await;
        let device = remember(&ctx, "li.na", None).await.unwrap();
        let others = remember(&ctx, "wang", None).await.unwrap();
        for _ in 0..8 {
            let guess = try_from(&ctx, "203.0.113.9", "li.na", "wrong").await;
            guess.unwrap_err();
        }
        // The address is used up for other names too.
        for attempt in 0..30 {
            let name = format!("n{attempt}");
            let _ = try_from(&ctx, "203.0.113.9", &name, "wrong").await;
        }
        assert!(try_device(&ctx, &device, PASSWORD).await.is_ok());
        // Devices of other operators are strangers.
        let stranger = try_device(&ctx, &others, PASSWORD).await;
        assert!(matches!(stranger, Err(Refusal::TooManyAttempts { .. })));

        // Whoever got hold of the device's cookie has five guesses of its own, and locks out nobody else.
        for _ in 0..5 {
            let guess = try_device(&ctx, &device, "wrong").await;
            assert_eq!(guess, Err(Refusal::WrongLogin));
        }
        let locked = Err(Refusal::TooManyAttempts { minutes: 15 });
        assert_eq!(try_device(&ctx, &device, PASSWORD).await, locked);
        assert!(try_login(&ctx, "li.na", PASSWORD).await.is_ok());
        unlock(&ctx, "li.na", Actor::System).await.unwrap();
        assert!(try_device(&ctx, &device, PASSWORD).await.is_ok());

        // A new password, or the end of all sessions, makes the device a stranger.
        try_device(&ctx, &device, "wrong").await.unwrap_err();
        end_sessions(&ctx, "li.na", Actor::System).await.unwrap();
        for _ in 0..5 {
            let _ = try_from(&ctx, "203.0.113.9", "li.na", "wrong").await;
        }
        let stranger = try_device(&ctx, &device, PASSWORD).await;
        assert!(matches!(stranger, Err(Refusal::TooManyAttempts { .. })));
    }

    #[tokio::test]
    async fn an_address_that_tries_many_names_is_stopped_and_only_it() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add_viewer(&ctx).await;
        let mut stopped = None;
        for attempt in 0..100 {
            let outcome = try_from(&ctx, "203.0.113.9", &format!("n{attempt}"), "wrong").await;
            if outcome != Err(Refusal::WrongLogin) {
                stopped = Some((attempt, outcome));
                break;
            }
        }
        let (attempt, outcome) = stopped.unwrap();
        assert_eq!(attempt, 30);
        assert_eq!(outcome, Err(Refusal::TooManyAttempts { minutes: 5 }));
        assert!(try_login(&ctx, "li.na", PASSWORD).await.is_ok());
    }

    #[tokio::test]
    async fn a_success_and_time_forget_failures_and_lock_outs_are_lifted_by_hand() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add_viewer(&ctx).await;
        let fail = async |times: usize| {
            for _ in 0..times {
                try_login(&ctx, "li.na", "wrong").await.unwrap_err();
            }
        };
        for _ in 0..3 {
            fail(4).await;
            try_login(&ctx, "li.na", PASSWORD).await.unwrap();
        }
        for _ in 0..8 {
            fail(1).await;
            ctx.clock.advance_ms(LOCKED_OUT_MS);
        }
        try_login(&ctx, "li.na", PASSWORD).await.unwrap();
        fail(5).await;
        try_login(&ctx, "li.na", PASSWORD).await.unwrap_err();
        unlock(&ctx, "li.na", Actor::System).await.unwrap();
        try_login(&ctx, "li.na", PASSWORD).await.unwrap();
        fail(5).await;
        set_password(&ctx, "li.na", "another horse", Actor::System)
            .await
            .unwrap();
        try_login(&ctx, "li.na", "another horse").await.unwrap();
    }

    #[tokio::test]
    async fn failures_that_a_clock_ahead_wrote_lock_nobody_out() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add_viewer(&ctx).await;
        const AHEAD_MS: i64 = 365 * 24 * 3_600_000;
        ctx.clock.advance_ms(AHEAD_MS);
        for _ in 0..5 {
            try_login(&ctx, "li.na", "wrong").await.unwrap_err();
        }
        let locked = Err(Refusal::TooManyAttempts { minutes: 15 });
        assert_eq!(try_login(&ctx, "li.na", PASSWORD).await, locked);
        // Once the clock is right again, failures count from zero.
        ctx.clock.advance_ms(-AHEAD_MS);
        for _ in 0..4 {
            let failed = try_login(&ctx, "li.na", "wrong").await;
            assert_eq!(failed, Err(Refusal::WrongLogin));
        }
        assert!(try_login(&ctx, "li.na", PASSWORD).await.is_ok());
        ctx.clock.advance_ms(AHEAD_MS);
        try_login(&ctx, "nobody", "wrong").await.unwrap_err();
        ctx.clock.advance_ms(-AHEAD_MS);
        assert_eq!(clean_up(&ctx).await.unwrap(), 1, "it goes at once");
    }

    #[tokio::test]
    async fn guesses_made_at_once_are_five_guesses() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add_viewer(&ctx).await;
        let guesses = (0..20).map(|_| try_login(&ctx, "li.na", "wrong"));
        let outcomes = futures::future::join_all(guesses).await;
        let answered = outcomes.iter().filter(|o| **o == Err(Refusal::WrongLogin));
        assert_eq!(answered.count(), 5);
        // Correct logins at the same time all succeed.
        set_password(&ctx, "li.na", PASSWORD, Actor::System)
            .await
            .unwrap();
        ctx.clock.advance_ms(LOCKED_OUT_MS);
        let logins = (0..AT_ONCE_OF_CLIENT).map(|_| try_login(&ctx, "li.na", PASSWORD));
        let outcomes = futures::future::join_all(logins).await;
        assert!(outcomes.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn the_demonstrations_password_is_good_in_a_demonstration_only() {
        let seeded = async |demo: bool| {
            let (ctx, folder) = app_with(Config {
                demo,
                ..Config::default()
            })
            .await;
            let account = Account {
                name: "admin".into(),
                grants: vec![Grant::everywhere(Role::Admin)],
                enabled: true,
                created_at: ctx.clock.now(),
            };
            ctx.db
                .write(account, move |conn, account| {
                    Box::pin(async move {
                        Ok(store::operator::insert(conn, &account, DEMO_HASH).await?)
                    })
                })
                .await
                .unwrap();
            (ctx, folder)
        };
        let (demo, _folder) = seeded(true).await;
        assert!(try_login(&demo, "admin", DEMO_PASSWORD).await.is_ok());
        assert_eq!(
            try_login(&demo, "admin", "wrong").await,
            Err(Refusal::WrongLogin)
        );
        let (served, _folder) = seeded(false).await;
        for password in [DEMO_PASSWORD, DEMO_HASH, "wrong"] {
            assert_eq!(
                try_login(&served, "admin", password).await,
                Err(Refusal::WrongLogin)
            );
        }
        set_password(&served, "admin", PASSWORD, Actor::System)
            .await
            .unwrap();
        assert!(try_login(&served, "admin", PASSWORD).await.is_ok());
    }

    #[test]
    fn a_logged_name_is_short_and_on_one_line() {
        assert_eq!(printable("li.na"), "li.na");
        assert_eq!(printable("a\nb\u{202e} 李"), "a?b??李");
        assert_eq!(printable(&"x".repeat(1_000)).len(), 64);
    }
}
