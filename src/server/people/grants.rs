//! Operators' roles at apps. They are read for every request, so that a change takes effect with the next one.

use serde_json::{Value, json};

use crate::domain::audit::{Action, Origin};
use crate::domain::error::{Reason, Refusal};
use crate::domain::people::{Grant, Operator, Scope};
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::Result;
use crate::server::people::{act, nobody};
use crate::server::{audit, store};

/// Returns an operator with the current roles; `None` where the name has no enabled account.
pub async fn operator(ctx: &Ctx, name: String) -> Result<Option<Operator>> {
    let mut conn = ctx.db.read().await?;
    let grants = store::operator_grant::of_enabled(&mut conn, &name).await?;
    Ok(grants.map(|grants| Operator { name, grants }))
}

/// Gives an operator a role at a scope, replacing the operator's former role there.
///
/// # Errors
/// Refuses an unknown name, and an app that does not exist.
pub async fn grant(ctx: &Ctx, name: &str, grant: Grant, by: impl Into<Origin>) -> Result<()> {
    let act = act(ctx, by, Action::RoleGranted, name).to(text(Some(&grant)));
    let name = name.to_owned();
    let found = ctx
        .db
        .write((name, grant, act), move |conn, (name, grant, act)| {
            Box::pin(async move {
                check_apps(conn, std::slice::from_ref(&grant)).await?;
                if store::operator::credentials(conn, &name).await?.is_none() {
                    return Ok(false);
                }
                let before = known(conn, &name, &grant.scope).await?;
                store::operator_grant::put(conn, &name, &grant).await?;
                audit::record(conn, &act.from(text(before.as_ref()))).await?;
                Ok(true)
            })
        })
        .await?;
    found.then_some(()).ok_or_else(nobody)
}

/// Removes an operator's role at a scope.
///
/// # Errors
/// Refuses an unknown name, and a scope at which the operator has no role of its own.
pub async fn revoke(ctx: &Ctx, name: &str, scope: Scope, by: impl Into<Origin>) -> Result<()> {
    let act = act(ctx, by, Action::RoleRevoked, name).to(text(None));
    let name = name.to_owned();
    let found = ctx
        .db
        .write((name, scope, act), move |conn, (name, scope, act)| {
            Box::pin(async move {
                if store::operator::credentials(conn, &name).await?.is_none() {
                    return Ok(None);
                }
                let before = known(conn, &name, &scope).await?;
                let found = store::operator_grant::delete(conn, &name, &scope).await?;
                if found {
                    audit::record(conn, &act.from(text(before.as_ref()))).await?;
                }
                Ok(Some(found))
            })
        })
        .await?;
    match found {
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::field("app", Reason::Unknown).into()),
        None => Err(nobody()),
    }
}

/// Returns the role that an operator has at exactly this scope.
async fn known(conn: &mut Conn, name: &str, scope: &Scope) -> Result<Option<Grant>> {
    let all = store::operator_grant::of(conn, name).await?;
    Ok(all.into_iter().find(|grant| grant.scope == *scope))
}

/// Returns a role in the form of the audit.
pub(super) fn text(grant: Option<&Grant>) -> Value {
    match grant {
        Some(grant) => json!({"role": grant.role.as_str(), "at": grant.scope.as_str()}),
        None => json!({"role": null}),
    }
}

/// Refuses grants for apps that do not exist.
pub(super) async fn check_apps(conn: &mut Conn, grants: &[Grant]) -> Result<()> {
    let apps = store::merchant::all(conn).await?;
    let exists = |grant: &Grant| match &grant.scope {
        Scope::AllApps => true,
        Scope::App(app_id) => apps.iter().any(|app| app.app_id == *app_id),
    };
    match grants.iter().all(exists) {
        true => Ok(()),
        false => Err(Refusal::field("app", Reason::Unknown).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Actor;
    use crate::domain::people::Role;
    use crate::server::config::Config;
    use crate::server::people::{add, list, set_enabled};
    use crate::server::testing::{app_with, merchant};

    #[tokio::test]
    async fn a_role_is_given_changed_and_taken_away() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let app_id = merchant(&ctx).await.app_id;
        let at = |role| Grant {
            scope: Scope::App(app_id.clone()),
            role,
        };
        let all = Grant::everywhere(Role::Viewer);
        add(
            &ctx,
            "li.na",
            at(Role::Admin),
            "correct horse",
            Actor::System,
        )
        .await
        .unwrap();
        grant(&ctx, "li.na", at(Role::Operator), Actor::System)
            .await
            .unwrap();
        grant(&ctx, "li.na", all.clone(), Actor::System)
            .await
            .unwrap();
        let both = vec![all.clone(), at(Role::Operator)];
        assert_eq!(list(&ctx).await.unwrap()[0].grants, both);
        let now = operator(&ctx, "li.na".to_owned()).await.unwrap().unwrap();
        assert_eq!(now.role_at(&app_id), Some(Role::Operator));

        revoke(&ctx, "li.na", at(Role::Operator).scope, Actor::System)
            .await
            .unwrap();
        let now = operator(&ctx, "li.na".to_owned()).await.unwrap().unwrap();
        assert_eq!(now.role_at(&app_id), Some(Role::Viewer));
        revoke(&ctx, "li.na", Scope::AllApps, Actor::System)
            .await
            .unwrap();
        let now = operator(&ctx, "li.na".to_owned()).await.unwrap().unwrap();
        assert_eq!(now.grants, []);
        set_enabled(&ctx, "li.na", false, Actor::System)
            .await
            .unwrap();
        assert_eq!(operator(&ctx, "li.na".to_owned()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_does_not_exist_is_refused() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let viewer = Grant::everywhere(Role::Viewer);
        add(
            &ctx,
            "li.na",
            viewer.clone(),
            "correct horse",
            Actor::System,
        )
        .await
        .unwrap();
        let nowhere = Scope::App("NOWHERE".to_owned());
        let at_nowhere = Grant {
            scope: nowhere.clone(),
            role: Role::Viewer,
        };
        for (outcome, field) in [
            (grant(&ctx, "nobody", viewer, Actor::System).await, "name"),
            (grant(&ctx, "li.na", at_nowhere, Actor::System).await, "app"),
            (
                revoke(&ctx, "nobody", Scope::AllApps, Actor::System).await,
                "name",
            ),
            (revoke(&ctx, "li.na", nowhere, Actor::System).await, "app"),
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(
                error.refusal(),
                Some(&Refusal::field(field, Reason::Unknown))
            );
        }
    }
}
