//! The use-cases of channel accounts: adding one, enabling and disabling it.

use serde_json::{Value, json};

use crate::domain::account::{ChannelAccount, SealedAccount};
use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::error::{Reason, Refusal};
use crate::domain::limits;
use crate::domain::order::Channel;
use crate::domain::time::Timestamp;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::Result;
use crate::server::store::sealed::ACCOUNT_SECRETS;
use crate::server::{audit, store};

/// Adds a channel account. A running server uses it within seconds.
///
/// # Errors
/// Refuses an id that is taken, a merchant number that already has an account of the same mode, and wrong values, each
/// by field.
pub async fn add(ctx: &Ctx, new: ChannelAccount, by: impl Into<Origin>) -> Result<()> {
    check(&new)?;
    let (new, by, now) = (sealed(ctx, new)?, by.into(), ctx.clock.now());
    let added = ctx.db.write((new, by), move |conn, (new, by)| {
        Box::pin(async move { insert(conn, &new, &by, now).await })
    });
    Ok(added.await??)
}

/// Stores a new account and the audit's entry about it, within a transaction.
pub(super) async fn insert(
    conn: &mut Conn,
    new: &SealedAccount,
    by: &Origin,
    now: Timestamp,
) -> Result<Result<(), Refusal>> {
    if !store::account::insert(conn, new, now).await? {
        let known = store::account::all(conn).await?;
        let same_id = known.iter().any(|known| known.account_id == new.account_id);
        let field = if same_id { "account" } else { "mchId" };
        return Ok(Err(Refusal::field(field, Reason::Taken)));
    }
    let subject = (SubjectKind::Account, new.account_id.as_str());
    let act = Act::new(now, by, Action::AccountAdded, subject).to(settings(new));
    audit::record(conn, &act).await?;
    Ok(Ok(()))
}

/// Enables or disables an account. A disabled one takes no new refunds; refunds that have begun are brought to their
/// end.
///
/// # Errors
/// Refuses an account that does not exist.
pub async fn set_enabled(
    ctx: &Ctx,
    account_id: &str,
    enabled: bool,
    by: impl Into<Origin>,
) -> Result<()> {
    let action = match enabled {
        true => Action::AccountEnabled,
        false => Action::AccountDisabled,
    };
    let subject = (SubjectKind::Account, account_id);
    let act = Act::new(ctx.clock.now(), &by.into(), action, subject);
    let account_id = account_id.to_owned();
    let known = ctx
        .db
        .write((account_id, act), move |conn, (account_id, act)| {
            Box::pin(async move {
                if !store::account::set_enabled(conn, &account_id, enabled).await? {
                    return Ok(false);
                }
                audit::record(conn, &act).await?;
                Ok(true)
            })
        });
    match known.await? {
        true => Ok(()),
        false => Err(Refusal::field("account", Reason::Unknown).into()),
    }
}

/// Seals an account's secrets for storage.
pub fn sealed(ctx: &Ctx, account: ChannelAccount) -> Result<SealedAccount> {
    let key = [account.account_id.as_str()];
    let secrets = ctx.vault.seal(&ACCOUNT_SECRETS, &key, &account.secrets)?;
    Ok(account.with_secrets(secrets))
}

/// Returns the settings that the audit stores of an account: everything but the adapter's settings and the secrets.
fn settings(account: &SealedAccount) -> Value {
    json!({
        "channel": account.channel,
        "mchId": account.mch_id,
        "testMode": account.test_mode,
        "enabled": account.enabled,
    })
}

/// Checks the values of a new account, each by field.
pub(super) fn check(new: &ChannelAccount) -> Result<(), Refusal> {
    if new.channel == Channel::Sandbox && !new.test_mode {
        let allowed = "wechat_pay, ali_pay, union_pay".into();
        return Err(Refusal::field("channel", Reason::NotOneOf { allowed }));
    }
    let names = [
        ("account", &new.account_id, limits::ACCOUNT_ID_CHARS),
        ("mchId", &new.mch_id, limits::MCH_ID_CHARS),
    ];
    for (name, value, max) in names {
        // Ids appear in the addresses of callbacks and in the labels of metrics.
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let reason = match value.chars().count() {
            0 => Reason::Missing,
            length if length > max => Reason::TooLong { max },
            _ if !value.chars().all(fits) => Reason::BadCharacter,
            _ => continue,
        };
        return Err(Refusal::field(name, reason));
    }
    let texts = [
        ("settings", &*new.settings, limits::ACCOUNT_SETTINGS_CHARS),
        (
            "secrets",
            new.secrets.reveal(),
            limits::ACCOUNT_SECRETS_CHARS,
        ),
    ];
    for (name, value, max) in texts {
        let reason = match value.chars().count() {
            0 => Reason::Missing,
            length if length > max => Reason::TooLong { max },
            _ => continue,
        };
        return Err(Refusal::field(name, reason));
    }
    let settings = serde_json::from_str::<serde_json::Map<String, Value>>(&new.settings);
    match settings {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::Unreadable {
            why: format!("settings: {error}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_values_are_refused_by_field() {
        let good = || ChannelAccount::in_test_mode("SHOP-ali_pay", Channel::AliPay, "key".into());
        assert_eq!(check(&good()), Ok(()));
        let field = |account| match check(&account) {
            Err(Refusal::Field { field, .. }) => field.into_owned(),
            other => format!("{other:?}"),
        };
        let changed = |change: fn(&mut ChannelAccount)| {
            let mut account = good();
            change(&mut account);
            field(account)
        };
        assert_eq!(changed(|a| a.account_id = "a/b".into()), "account");
        assert_eq!(changed(|a| a.account_id = "a".repeat(65)), "account");
        assert_eq!(changed(|a| a.mch_id = String::new()), "mchId");
        assert_eq!(changed(|a| a.secrets = "".into()), "secrets");
        assert_eq!(changed(|a| a.settings = "x".repeat(5_000)), "settings");
        let live_sandbox = |a: &mut ChannelAccount| {
            (a.channel, a.test_mode) = (Channel::Sandbox, false);
        };
        assert_eq!(changed(live_sandbox), "channel");
        assert!(changed(|a| a.settings = "[1]".into()).contains("settings"));
    }
}
