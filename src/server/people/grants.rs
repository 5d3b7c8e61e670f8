//! The roles that operators have at apps. They are read anew for every request, so that a change takes
//! effect with the next one.

use crate::domain::error::{Reason, Refusal};
use crate::domain::people::{Grant, Operator, Scope};
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::Result;
use crate::server::people::nobody;
use crate::server::store;

/// Returns an operator as of now; nothing where the name has no account that may log in.
pub async fn operator(ctx: &Ctx, name: String) -> Result<Option<Operator>> {
    let mut conn = ctx.db.read().await?;
    let grants = store::operator_grant::of_enabled(&mut conn, &name).await?;
    Ok(grants.map(|grants| Operator { name, grants }))
}

/// Gives an operator a role, in place of the one that the operator had there.
///
/// # Errors
/// Refuses a name that nobody has, and an app that does not exist.
pub async fn grant(ctx: &Ctx, name: &str, grant: Grant) -> Result<()> {
    let name = name.to_owned();
    let found = ctx
        .db
        .write(move |conn| {
            let (name, grant) = (name.clone(), grant.clone());
            Box::pin(async move {
                check_apps(conn, std::slice::from_ref(&grant)).await?;
                if store::operator::credentials(conn, &name).await?.is_none() {
                    return Ok(false);
                }
                store::operator_grant::put(conn, &name, &grant).await?;
                Ok(true)
            })
        })
        .await?;
    found.then_some(()).ok_or_else(nobody)
}

/// Takes an operator's role away.
///
/// # Errors
/// Refuses a name that nobody has, and an app that the operator has no role of its own at.
pub async fn revoke(ctx: &Ctx, name: &str, scope: Scope) -> Result<()> {
    let name = name.to_owned();
    let found = ctx
        .db
        .write(move |conn| {
            let (name, scope) = (name.clone(), scope.clone());
            Box::pin(async move {
                if store::operator::credentials(conn, &name).await?.is_none() {
                    return Ok(None);
                }
                Ok(Some(
                    store::operator_grant::delete(conn, &name, &scope).await?,
                ))
            })
        })
        .await?;
    match found {
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::field("app", Reason::Unknown).into()),
        None => Err(nobody()),
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
        add(&ctx, "li.na", at(Role::Admin), "correct horse")
            .await
            .unwrap();
        grant(&ctx, "li.na", at(Role::Operator)).await.unwrap();
        grant(&ctx, "li.na", all.clone()).await.unwrap();
        let both = vec![all.clone(), at(Role::Operator)];
        assert_eq!(list(&ctx).await.unwrap()[0].grants, both);
        let now = operator(&ctx, "li.na".to_owned()).await.unwrap().unwrap();
        assert_eq!(now.role_at(&app_id), Some(Role::Operator));

        revoke(&ctx, "li.na", at(Role::Operator).scope)
            .await
            .unwrap();
        let now = operator(&ctx, "li.na".to_owned()).await.unwrap().unwrap();
        assert_eq!(now.role_at(&app_id), Some(Role::Viewer));
        revoke(&ctx, "li.na", Scope::AllApps).await.unwrap();
        let now = operator(&ctx, "li.na".to_owned()).await.unwrap().unwrap();
        assert_eq!(now.grants, []);
        set_enabled(&ctx, "li.na", false).await.unwrap();
        assert_eq!(operator(&ctx, "li.na".to_owned()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_does_not_exist_is_refused() {
        let (ctx, _folder) = app_with(Config::default()).await;
        let viewer = Grant::everywhere(Role::Viewer);
        add(&ctx, "li.na", viewer.clone(), "correct horse")
            .await
            .unwrap();
        let nowhere = Scope::App("NOWHERE".to_owned());
        let at_nowhere = Grant {
            scope: nowhere.clone(),
            role: Role::Viewer,
        };
        for (outcome, field) in [
            (grant(&ctx, "nobody", viewer).await, "name"),
            (grant(&ctx, "li.na", at_nowhere).await, "app"),
            (revoke(&ctx, "nobody", Scope::AllApps).await, "name"),
            (revoke(&ctx, "li.na", nowhere).await, "app"),
        ] {
            let error = outcome.unwrap_err();
            assert_eq!(
                error.refusal(),
                Some(&Refusal::field(field, Reason::Unknown))
            );
        }
    }
}
