//! Changes of an app: its settings, its channels, its secrets. A running server uses them within seconds.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::domain::account::{ChannelAccount, SealedAccount};
use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::error::{Reason, Refusal};
use crate::domain::merchant::{OldSecret, SealedApp};
use crate::domain::secret::Secret;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::merchants::{
    check, check_accounts, check_secret, insert_accounts, new_accounts, settings,
};
use crate::server::store::sealed::{APP_OLD_SECRET, APP_SECRET};
use crate::server::{audit, store};

/// Changes the settings and channels of an app, and adds the accounts in test mode that are new with it. `edit` gets the
/// app as it is, can run more than once, and must leave the id and the secrets alone. An app that becomes the default one
/// replaces the present one.
///
/// # Errors
/// Refuses an app that does not exist, an account that does not exist or has another channel or mode, and wrong values,
/// each by field.
pub async fn change(
    ctx: &Ctx,
    app_id: &str,
    test_accounts: Vec<ChannelAccount>,
    by: impl Into<Origin>,
    edit: impl Fn(&mut SealedApp) -> Result<(), Refusal> + Send + Sync + 'static,
) -> Result<()> {
    let accounts = new_accounts(ctx, test_accounts)?;
    let edit = move |app: &mut SealedApp| Ok(edit(app)?);
    apply(ctx, app_id, Action::AppChanged, accounts, by.into(), edit).await
}

/// Enables or disables an app. Requests of a disabled one are refused; its refunds that have begun are brought to their
/// end.
///
/// # Errors
/// Refuses an app that does not exist.
pub async fn set_enabled(
    ctx: &Ctx,
    app_id: &str,
    enabled: bool,
    by: impl Into<Origin>,
) -> Result<()> {
    let action = match enabled {
        true => Action::AppEnabled,
        false => Action::AppDisabled,
    };
    let edit = move |app: &mut SealedApp| {
        app.enabled = enabled;
        Ok(())
    };
    apply(ctx, app_id, action, Vec::new(), by.into(), edit).await
}

/// Replaces an app's secret. The former one stays valid for `keep_old_ms` milliseconds, 0 for none; one that was kept
/// before ends at once.
///
/// # Errors
/// Refuses an app that does not exist, and a secret that is too short, too long or easy to guess.
pub async fn new_secret(
    ctx: &Ctx,
    app_id: &str,
    secret: &Secret,
    keep_old_ms: i64,
    by: impl Into<Origin>,
) -> Result<()> {
    check_secret(secret)?;
    let sealed = ctx.vault.seal(&APP_SECRET, &[app_id], secret)?;
    let (vault, until) = (ctx.vault.clone(), ctx.clock.now().plus_ms(keep_old_ms));
    let edit = move |app: &mut SealedApp| {
        let key = [app.app_id.as_str()];
        app.old_secret = match keep_old_ms > 0 {
            true => {
                let old = vault.open(&APP_SECRET, &key, &app.secret)?;
                let secret = vault.seal(&APP_OLD_SECRET, &key, &old)?;
                Some(OldSecret { secret, until })
            }
            false => None,
        };
        app.secret = sealed.clone();
        Ok(())
    };
    apply(
        ctx,
        app_id,
        Action::AppSecretReplaced,
        Vec::new(),
        by.into(),
        edit,
    )
    .await
}

/// Ends the validity of the secret that an app had before its present one.
///
/// # Errors
/// Refuses an app that does not exist, and one that has no old secret.
pub async fn drop_old_secret(ctx: &Ctx, app_id: &str, by: impl Into<Origin>) -> Result<()> {
    let edit = |app: &mut SealedApp| match app.old_secret.take() {
        Some(_) => Ok(()),
        None => Err(Refusal::field("oldSecret", Reason::Unknown).into()),
    };
    apply(
        ctx,
        app_id,
        Action::AppOldSecretDropped,
        Vec::new(),
        by.into(),
        edit,
    )
    .await
}

/// Deletes the old secrets of all apps that are no longer valid.
pub async fn delete_expired_secrets(ctx: &Ctx) -> Result<u64> {
    let now = ctx.clock.now();
    ctx.db
        .write((), move |conn, ()| {
            Box::pin(async move { Ok(store::merchant::delete_expired_secrets(conn, now).await?) })
        })
        .await
}

/// Edits an app and stores it, with an entry of the audit that has what differs.
async fn apply(
    ctx: &Ctx,
    app_id: &str,
    action: Action,
    accounts: Vec<SealedAccount>,
    by: Origin,
    edit: impl Fn(&mut SealedApp) -> Result<()> + Send + Sync + 'static,
) -> Result<()> {
    let now = ctx.clock.now();
    let act = Act::new(now, &by, action, (SubjectKind::App, app_id)).of_app(app_id);
    let app_id = app_id.to_owned();
    let args = (
        ctx.clone(),
        Arc::new(edit),
        app_id,
        act,
        accounts,
        by.clone(),
    );
    let job = ctx
        .db
        .write(args, move |conn, (ctx, edit, app_id, act, accounts, by)| {
            Box::pin(async move {
                let unknown = || Error::from(Refusal::field("app", Reason::Unknown));
                // Another change of the app waits here, and then reads what this one has written.
                if !store::merchant::lock(conn, &app_id).await? {
                    return Err(unknown());
                }
                let mut known = store::merchant::all(conn).await?.into_iter();
                let before = known.find(|app| app.app_id == app_id).ok_or_else(unknown)?;
                let mut after = before.clone();
                edit(&mut after)?;
                check(&ctx, &after)?;
                insert_accounts(conn, &accounts, &by, now).await?;
                check_accounts(conn, &after).await?;
                if after.is_default
                    && let Some(other) = store::merchant::take_default(conn, &app_id).await?
                {
                    let subject = (SubjectKind::App, other.as_str());
                    let taken = Act::new(now, &by, Action::AppChanged, subject).of_app(&other);
                    let default = |is: bool| json!({"default": is});
                    audit::record(conn, &taken.from(default(true)).to(default(false))).await?;
                }
                store::merchant::update(conn, &after).await?;
                let (from, to) = difference(settings(&before), settings(&after));
                audit::record(conn, &act.from(from).to(to)).await
            })
        });
    job.await
}

/// Returns the settings that differ, as they were and as they are.
fn difference(before: Value, after: Value) -> (Value, Value) {
    let of = |this: &Value, other: &Value| {
        let all = this.as_object().into_iter().flatten();
        let differs = all.filter(|(name, value)| other.get(name) != Some(value));
        Value::from(Map::from_iter(
            differs.map(|(name, value)| (name.clone(), value.clone())),
        ))
    };
    (of(&before, &after), of(&after, &before))
}
