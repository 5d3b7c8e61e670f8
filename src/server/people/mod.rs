//! The people at the desk: their accounts, and the check of a login.

pub mod passwords;
pub mod sessions;

use crate::domain::error::{Reason, Refusal};
use crate::domain::limits;
use crate::domain::people::{Account, Operator, Role};
use crate::domain::time::Timestamp;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::store;
use crate::server::store::operator::Credentials;

/// So many failed logins in a row under one name lock it out,
const FAILURES: i64 = 5;
/// for so long after the last of them. Failures further apart do not add up.
const LOCKED_OUT_MS: i64 = 15 * 60_000;

/// What stands for a hash where the demonstration's published password lets in. It is not a hash:
/// anywhere but in a demonstration no password fits it.
pub const DEMO_HASH: &str = "demo";
/// The password of the demonstration's administrator.
pub const DEMO_PASSWORD: &str = "refundry-demo";

/// Checks a login. Takes as long for a name that does not exist as for one that does.
///
/// After five failures in a row under one name, existing or not, no login under it is accepted for
/// 15 minutes, not even with the right password. The count is kept in the database.
///
/// # Errors
/// [`Refusal::WrongLogin`] without saying what of it is wrong, also for a disabled operator;
/// [`Refusal::TooManyAttempts`]; [`Refusal::Overloaded`] when too many logins wait to be checked;
/// a field that is missing or too long.
pub async fn login(ctx: &Ctx, name: &str, password: &str) -> Result<Operator> {
    let name = name.trim().to_owned();
    within("name", &name, 1, limits::OPERATOR_NAME_CHARS)?;
    within("password", password, 1, limits::PASSWORD_CHARS)?;
    let known = {
        let mut conn = ctx.db.read().await?;
        let since = ctx.clock.now().plus_ms(-LOCKED_OUT_MS);
        if let Some(refusal) = locked_out(&mut conn, &name, since).await? {
            return Err(refusal.into());
        }
        store::operator::credentials(&mut conn, &name).await?
    };
    let right = fits(ctx, known.as_ref(), password.to_owned()).await?;
    let checked = known.filter(|known| right && known.enabled);
    settle(ctx, name, checked).await
}

/// Whether a password fits an account. Without an account it fits nothing, in the same time.
async fn fits(ctx: &Ctx, known: Option<&Credentials>, password: String) -> Result<bool> {
    let known = known.map(|known| known.password_hash.clone());
    if ctx.config.demo && known.as_deref() == Some(DEMO_HASH) {
        return Ok(password == DEMO_PASSWORD);
    }
    passwords::fits(password, known.filter(|hash| hash != DEMO_HASH)).await
}

/// Writes a login's outcome down and tells it. `checked` is what the password was found to fit. The
/// lock-out is looked at again in the same transaction, behind a write that waits for those of other
/// nodes: of any number of guesses made at once, no more than five have an answer.
async fn settle(ctx: &Ctx, name: String, checked: Option<Credentials>) -> Result<Operator> {
    let now = ctx.clock.now();
    let since = now.plus_ms(-LOCKED_OUT_MS);
    let outcome = ctx
        .db
        .write(move |conn| {
            let (name, checked) = (name.clone(), checked.clone());
            Box::pin(async move {
                let Some(checked) = checked else {
                    let counted =
                        store::operator::count_failure(conn, &name, since, now, FAILURES).await?;
                    return Ok(Err(match locked_out(conn, &name, since).await? {
                        Some(refusal) if !counted => refusal,
                        _ => Refusal::WrongLogin,
                    }));
                };
                // The account may have been disabled, or its password changed, meanwhile.
                let current = store::operator::credentials(conn, &name).await?;
                let current = current.filter(|current| {
                    current.enabled && current.password_hash == checked.password_hash
                });
                let Some(current) = current else {
                    return Ok(Err(Refusal::WrongLogin));
                };
                store::operator::forget_failures(conn, &name, since, FAILURES).await?;
                if let Some(refusal) = locked_out(conn, &name, since).await? {
                    return Ok(Err(refusal));
                }
                Ok(Ok(Operator {
                    name,
                    role: current.role,
                }))
            })
        })
        .await?;
    if let Err(refusal) = &outcome {
        tracing::warn!(%refusal, "a login was refused");
    }
    Ok(outcome?)
}

/// The refusal of a name under which too many logins failed later than `since`.
async fn locked_out(
    conn: &mut crate::server::db::Conn,
    name: &str,
    since: Timestamp,
) -> sqlx::Result<Option<Refusal>> {
    let failures = store::operator::failures(conn, name, since).await?;
    Ok(failures
        .filter(|failures| failures.count >= FAILURES)
        .map(|failures| Refusal::TooManyAttempts {
            minutes: (failures.last_at.0 - since.0 + 59_999) / 60_000,
        }))
}

/// Adds an operator.
///
/// # Errors
/// Refuses a name that is taken or no name, and a password that is too short or too long.
pub async fn add(ctx: &Ctx, name: &str, role: Role, password: &str) -> Result<Account> {
    check_name(name)?;
    let password_hash = new_hash(password).await?;
    let account = Account {
        name: name.to_owned(),
        role,
        enabled: true,
        created_at: ctx.clock.now(),
    };
    let added = ctx
        .db
        .write(move |conn| {
            let (account, password_hash) = (account.clone(), password_hash.clone());
            Box::pin(async move {
                let added = store::operator::insert(conn, &account, &password_hash).await?;
                Ok(added.then_some(account))
            })
        })
        .await?;
    added.ok_or_else(|| Refusal::field("name", Reason::Taken).into())
}

/// All accounts, by name.
pub async fn list(ctx: &Ctx) -> Result<Vec<Account>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::operator::all(&mut conn).await?)
}

/// Lets an operator log in, or no longer; then also ends the operator's sessions.
///
/// # Errors
/// Refuses a name that nobody has.
pub async fn set_enabled(ctx: &Ctx, name: &str, enabled: bool) -> Result<()> {
    let name = name.to_owned();
    let found = ctx
        .db
        .write(move |conn| {
            let name = name.clone();
            Box::pin(async move {
                if !enabled {
                    store::session::delete_of(conn, &name).await?;
                }
                Ok(store::operator::set_enabled(conn, &name, enabled).await?)
            })
        })
        .await?;
    found.then_some(()).ok_or_else(nobody)
}

/// Changes a password, ends the operator's sessions, and lifts a lock-out.
///
/// # Errors
/// Refuses a name that nobody has, and a password that is too short or too long.
pub async fn set_password(ctx: &Ctx, name: &str, password: &str) -> Result<()> {
    let password_hash = new_hash(password).await?;
    let name = name.to_owned();
    let found = ctx
        .db
        .write(move |conn| {
            let (name, password_hash) = (name.clone(), password_hash.clone());
            Box::pin(async move {
                store::session::delete_of(conn, &name).await?;
                store::operator::forget_all_failures(conn, &name).await?;
                Ok(store::operator::set_password_hash(conn, &name, &password_hash).await?)
            })
        })
        .await?;
    found.then_some(()).ok_or_else(nobody)
}

/// Removes what is kept of failed logins and no longer counts.
pub async fn clean_up(ctx: &Ctx) -> Result<u64> {
    let since = ctx.clock.now().plus_ms(-LOCKED_OUT_MS);
    ctx.db
        .write(move |conn| {
            Box::pin(async move { Ok(store::operator::clean_up_failures(conn, since).await?) })
        })
        .await
}

fn nobody() -> Error {
    Refusal::field("name", Reason::Unknown).into()
}

/// A name is letters and digits of any script and `. _ - @`: it is logged, shown and compared.
fn check_name(name: &str) -> Result<()> {
    within("name", name, 1, limits::OPERATOR_NAME_CHARS)?;
    let fits = name
        .chars()
        .all(|c| c.is_alphanumeric() || "._-@".contains(c));
    let refusal = || Refusal::field("name", Reason::BadCharacter).into();
    fits.then_some(()).ok_or_else(refusal)
}

fn within(field: &'static str, text: &str, min: usize, max: usize) -> Result<()> {
    let reason = match text.chars().count() {
        0 => Reason::Missing,
        length if length < min => Reason::TooShort { min },
        length if length > max => Reason::TooLong { max },
        _ => return Ok(()),
    };
    Err(Refusal::field(field, reason).into())
}

/// The hash of a password that somebody chose.
async fn new_hash(password: &str) -> Result<String> {
    within(
        "password",
        password,
        limits::PASSWORD_LEAST_CHARS,
        limits::PASSWORD_CHARS,
    )?;
    passwords::hash(password.to_owned()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::Config;
    use crate::server::testing::app_with;

    const PASSWORD: &str = "correct horse";

    async fn try_login(ctx: &Ctx, name: &str, password: &str) -> Result<Operator, Refusal> {
        let outcome = login(ctx, name, password).await;
        outcome.map_err(|error| error.refusal().expect("no internal error").clone())
    }

    #[tokio::test]
    async fn the_right_password_logs_in_and_nothing_else_does() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add(&ctx, "li.na", Role::Viewer, PASSWORD).await.unwrap();
        let expected = Operator {
            name: "li.na".into(),
            role: Role::Viewer,
        };
        assert_eq!(try_login(&ctx, " li.na ", PASSWORD).await, Ok(expected));
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

        set_enabled(&ctx, "li.na", false).await.unwrap();
        assert_eq!(
            try_login(&ctx, "li.na", PASSWORD).await,
            Err(Refusal::WrongLogin)
        );
        set_enabled(&ctx, "li.na", true).await.unwrap();
        set_password(&ctx, "li.na", "another horse").await.unwrap();
        assert_eq!(
            try_login(&ctx, "li.na", PASSWORD).await,
            Err(Refusal::WrongLogin)
        );
        assert!(try_login(&ctx, "li.na", "another horse").await.is_ok());
    }

    #[tokio::test]
    async fn five_failures_lock_a_name_out_for_a_quarter_of_an_hour_even_if_it_does_not_exist() {
        let (ctx, database) = app_with(Config::default()).await;
        add(&ctx, "li.na", Role::Viewer, PASSWORD).await.unwrap();
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
        // A restart does not help, and waiting does.
        let url = database.url();
        let db = crate::server::db::Db::open(&url, Some(1), 1).await.unwrap();
        let again = Ctx::new(Config::default(), db, ctx.clock.clone());
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
    async fn a_success_and_time_forget_failures_and_a_new_password_lifts_a_lock_out() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add(&ctx, "li.na", Role::Viewer, PASSWORD).await.unwrap();
        for _ in 0..3 {
            for _ in 0..4 {
                try_login(&ctx, "li.na", "wrong").await.unwrap_err();
            }
            try_login(&ctx, "li.na", PASSWORD).await.unwrap();
        }
        for _ in 0..8 {
            try_login(&ctx, "li.na", "wrong").await.unwrap_err();
            ctx.clock.advance_ms(LOCKED_OUT_MS);
        }
        try_login(&ctx, "li.na", PASSWORD).await.unwrap();
        for _ in 0..5 {
            try_login(&ctx, "li.na", "wrong").await.unwrap_err();
        }
        set_password(&ctx, "li.na", "another horse").await.unwrap();
        try_login(&ctx, "li.na", "another horse").await.unwrap();
    }

    #[tokio::test]
    async fn guesses_made_at_once_are_five_guesses() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add(&ctx, "li.na", Role::Viewer, PASSWORD).await.unwrap();
        let guesses = (0..20).map(|_| try_login(&ctx, "li.na", "wrong"));
        let outcomes = futures::future::join_all(guesses).await;
        let answered = outcomes.iter().filter(|o| **o == Err(Refusal::WrongLogin));
        assert_eq!(answered.count(), 5);
        // And right ones made at once are all right.
        set_password(&ctx, "li.na", PASSWORD).await.unwrap();
        let logins = (0..20).map(|_| try_login(&ctx, "li.na", PASSWORD));
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
                role: Role::Admin,
                enabled: true,
                created_at: ctx.clock.now(),
            };
            ctx.db
                .write(move |conn| {
                    let account = account.clone();
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
        set_password(&served, "admin", PASSWORD).await.unwrap();
        assert!(try_login(&served, "admin", PASSWORD).await.is_ok());
    }

    #[tokio::test]
    async fn accounts_are_refused_by_field() {
        let (ctx, _folder) = app_with(Config::default()).await;
        add(&ctx, "李娜", Role::Operator, PASSWORD).await.unwrap();
        let refused = async |name: &str, password: &str| {
            let error = add(&ctx, name, Role::Viewer, password).await.unwrap_err();
            error.refusal().expect("no internal error").clone()
        };
        assert_eq!(
            refused("李娜", PASSWORD).await,
            Refusal::field("name", Reason::Taken)
        );
        assert_eq!(
            refused("a b", PASSWORD).await,
            Refusal::field("name", Reason::BadCharacter)
        );
        assert_eq!(
            refused("a:b", PASSWORD).await,
            Refusal::field("name", Reason::BadCharacter)
        );
        let short = Refusal::field("password", Reason::TooShort { min: 8 });
        assert_eq!(refused("b", "1234567").await, short);
        let unknown = set_password(&ctx, "b", PASSWORD).await.unwrap_err();
        assert_eq!(
            unknown.refusal(),
            Some(&Refusal::field("name", Reason::Unknown))
        );
        let accounts = list(&ctx).await.unwrap();
        assert_eq!(accounts.len(), 1);
        assert_eq!(accounts[0].role, Role::Operator);
    }
}
