//! Operators' accounts.

use serde_json::json;

use crate::domain::audit::{Action, Origin};
use crate::domain::error::{Reason, Refusal};
use crate::domain::limits;
use crate::domain::people::{Account, Grant};
use crate::domain::secret::Weakness;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::Result;
use crate::server::people::{act, grants, is_of_a_name, nobody, passwords, within};
use crate::server::{audit, guessable, store};

/// Adds an operator with a first role.
///
/// # Errors
/// Refuses a name that is taken or invalid, a password that is too short, too long or easy to guess, and an app that does
/// not exist.
pub async fn add(
    ctx: &Ctx,
    name: &str,
    grant: Grant,
    password: &str,
    by: impl Into<Origin>,
) -> Result<Account> {
    check_name(name)?;
    let password_hash = new_hash(name, password).await?;
    let account = Account {
        name: name.to_owned(),
        grants: vec![grant],
        enabled: true,
        created_at: ctx.clock.now(),
    };
    let added = act(ctx, by, Action::OperatorAdded, name).to(grants::text(account.grants.first()));
    let account = ctx
        .db
        .write(
            (account, password_hash, added),
            move |conn, (account, password_hash, added)| {
                Box::pin(async move {
                    grants::check_apps(conn, &account.grants).await?;
                    if !store::operator::insert(conn, &account, &password_hash).await? {
                        return Ok(None);
                    }
                    // A login that was under way when an operator of this name was deleted may have left a session.
                    log_out(conn, &account.name).await?;
                    audit::record(conn, &added).await?;
                    Ok(Some(account))
                })
            },
        )
        .await?;
    account.ok_or_else(|| Refusal::field("name", Reason::Taken).into())
}

/// Returns all accounts, sorted by name.
pub async fn list(ctx: &Ctx) -> Result<Vec<Account>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::operator::all(&mut conn).await?)
}

/// Enables or disables an operator's account. Disabling also ends the operator's sessions.
///
/// # Errors
/// Refuses an unknown name.
pub async fn set_enabled(
    ctx: &Ctx,
    name: &str,
    enabled: bool,
    by: impl Into<Origin>,
) -> Result<()> {
    let action = match enabled {
        true => Action::OperatorEnabled,
        false => Action::OperatorDisabled,
    };
    let act = act(ctx, by, action, name);
    let name = name.to_owned();
    let found = ctx
        .db
        .write((name, act), move |conn, (name, act)| {
            Box::pin(async move {
                if !enabled {
                    log_out(conn, &name).await?;
                }
                let found = store::operator::set_enabled(conn, &name, enabled).await?;
                if found {
                    audit::record(conn, &act).await?;
                }
                Ok(found)
            })
        })
        .await?;
    found.then_some(()).ok_or_else(nobody)
}

/// Changes a password, ends the operator's sessions, and lifts all lock-outs of the name.
///
/// # Errors
/// Refuses an unknown name, and a password that is too short, too long or easy to guess.
pub async fn set_password(
    ctx: &Ctx,
    name: &str,
    password: &str,
    by: impl Into<Origin>,
) -> Result<()> {
    let password_hash = new_hash(name, password).await?;
    let act = act(ctx, by, Action::PasswordSet, name);
    let name = name.to_owned();
    let found = ctx
        .db
        .write(
            (name, password_hash, act),
            move |conn, (name, password_hash, act)| {
                Box::pin(async move {
                    log_out(conn, &name).await?;
                    store::login_failure::forget_all(conn, &name).await?;
                    let found =
                        store::operator::set_password_hash(conn, &name, &password_hash).await?;
                    if found {
                        audit::record(conn, &act).await?;
                    }
                    Ok(found)
                })
            },
        )
        .await?;
    found.then_some(()).ok_or_else(nobody)
}

/// Deletes an operator's account with its roles, and ends the operator's sessions. What the operator did stays in the
/// audit under the name; should the name be given to somebody else, the entries of both acts stand between the two.
///
/// # Errors
/// Refuses an unknown name.
pub async fn delete(ctx: &Ctx, name: &str, by: impl Into<Origin>) -> Result<()> {
    let act = act(ctx, by, Action::OperatorDeleted, name);
    let name = name.to_owned();
    let found = ctx
        .db
        .write((name, act), move |conn, (name, act)| {
            Box::pin(async move {
                let grants = store::operator_grant::of(conn, &name).await?;
                let roles: Vec<_> = grants
                    .iter()
                    .map(|grant| grants::text(Some(grant)))
                    .collect();
                log_out(conn, &name).await?;
                store::login_failure::forget_all(conn, &name).await?;
                store::operator_grant::delete_of(conn, &name).await?;
                let found = store::operator::delete(conn, &name).await?;
                if found {
                    audit::record(conn, &act.from(json!({"roles": roles}))).await?;
                }
                Ok(found)
            })
        })
        .await?;
    found.then_some(()).ok_or_else(nobody)
}

/// Ends all sessions of an operator.
///
/// # Errors
/// Refuses an unknown name.
pub async fn end_sessions(ctx: &Ctx, name: &str, by: impl Into<Origin>) -> Result<()> {
    let act = act(ctx, by, Action::SessionsEnded, name);
    let name = name.to_owned();
    let found = ctx
        .db
        .write((name, act), move |conn, (name, act)| {
            Box::pin(async move {
                log_out(conn, &name).await?;
                let found = store::operator::credentials(conn, &name).await?.is_some();
                if found {
                    audit::record(conn, &act).await?;
                }
                Ok(found)
            })
        })
        .await?;
    found.then_some(()).ok_or_else(nobody)
}

/// Ends an operator's sessions and forgets the operator's devices: whoever has one of them may not be the operator.
async fn log_out(conn: &mut Conn, name: &str) -> Result<()> {
    store::session::delete_of(conn, name).await?;
    Ok(store::known_device::delete_of(conn, name).await?)
}

/// Lifts all lock-outs of an operator's name.
///
/// # Errors
/// Refuses an unknown name.
pub async fn unlock(ctx: &Ctx, name: &str, by: impl Into<Origin>) -> Result<()> {
    let act = act(ctx, by, Action::OperatorUnlocked, name);
    let name = name.to_owned();
    let found = ctx
        .db
        .write((name, act), move |conn, (name, act)| {
            Box::pin(async move {
                store::login_failure::forget_all(conn, &name).await?;
                let found = store::operator::credentials(conn, &name).await?.is_some();
                if found {
                    audit::record(conn, &act).await?;
                }
                Ok(found)
            })
        })
        .await?;
    found.then_some(()).ok_or_else(nobody)
}

fn check_name(name: &str) -> Result<()> {
    within("name", name, 1, limits::OPERATOR_NAME_CHARS)?;
    let refusal = || Refusal::field("name", Reason::BadCharacter).into();
    name.chars()
        .all(is_of_a_name)
        .then_some(())
        .ok_or_else(refusal)
}

/// Checks a new password of an operator.
///
/// # Errors
/// Refuses one that is too short, too long or easy to guess, and says why.
pub fn check_password(name: &str, password: &str) -> Result<()> {
    let (min, max) = (limits::PASSWORD_LEAST_CHARS, limits::PASSWORD_CHARS);
    within("password", password, min, max)?;
    let weakness = match password == passwords::DEMO_PASSWORD {
        true => Some(Weakness::Published),
        false => guessable::password(password, name),
    };
    match weakness {
        Some(weakness) => Err(Refusal::field("password", Reason::Guessable { weakness }).into()),
        None => Ok(()),
    }
}

/// Checks a new password and returns its hash.
async fn new_hash(name: &str, password: &str) -> Result<String> {
    check_password(name, password)?;
    passwords::hash(password.to_owned()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Actor;
    use crate::domain::people::{Role, Scope};
    use crate::server::config::Config;
    use crate::server::testing::app_with;

    const PASSWORD: &str = "correct horse";

    #[tokio::test]
    async fn accounts_are_refused_by_field() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let operator = Grant::everywhere(Role::Operator);
        add(&ctx, "李娜", operator.clone(), PASSWORD, Actor::System)
            .await
            .unwrap();
        let refused = async |name: &str, grant: Grant, password: &str| {
            let error = add(&ctx, name, grant, password, Actor::System)
                .await
                .unwrap_err();
            error.refusal().expect("no internal error").clone()
        };
        let viewer = || Grant::everywhere(Role::Viewer);
        assert_eq!(
            refused("李娜", viewer(), PASSWORD).await,
            Refusal::field("name", Reason::Taken)
        );
        for name in ["a b", "a:b"] {
            assert_eq!(
                refused(name, viewer(), PASSWORD).await,
                Refusal::field("name", Reason::BadCharacter)
            );
        }
        let short = Refusal::field("password", Reason::TooShort { min: 8 });
        assert_eq!(refused("b", viewer(), "1234567").await, short);
        for (weak, weakness) in [
            ("password", Weakness::Common),
            ("        ", Weakness::Repeats),
            ("wang.fang1", Weakness::OwnName),
            (passwords::DEMO_PASSWORD, Weakness::Published),
        ] {
            let guessable = Refusal::field("password", Reason::Guessable { weakness });
            assert_eq!(refused("wang.fang", viewer(), weak).await, guessable);
        }
        for weak in ["password", "李娜.李娜", passwords::DEMO_PASSWORD] {
            let changed = set_password(&ctx, "李娜", weak, Actor::System).await;
            assert!(changed.is_err(), "{weak:?}");
        }
        let nowhere = Grant {
            scope: Scope::App("NOWHERE".to_owned()),
            role: Role::Viewer,
        };
        assert_eq!(
            refused("b", nowhere, PASSWORD).await,
            Refusal::field("app", Reason::Unknown)
        );
        for unknown in [
            set_password(&ctx, "b", PASSWORD, Actor::System).await,
            unlock(&ctx, "b", Actor::System).await,
            set_enabled(&ctx, "b", true, Actor::System).await,
            delete(&ctx, "b", Actor::System).await,
            end_sessions(&ctx, "b", Actor::System).await,
        ] {
            assert_eq!(
                unknown.unwrap_err().refusal(),
                Some(&Refusal::field("name", Reason::Unknown))
            );
        }
        let accounts = list(&ctx).await.unwrap();
        assert_eq!(accounts.len(), 1);
        assert_eq!(accounts[0].grants, [operator]);
    }
}
