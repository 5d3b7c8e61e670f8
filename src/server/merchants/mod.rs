//! The merchants' apps and their channel accounts.

pub mod accounts;
pub mod cache;
mod changes;

pub use changes::{change, delete_expired_secrets, drop_old_secret, new_secret, set_enabled};

use serde_json::{Value, json};

use crate::domain::account::{ChannelAccount, SealedAccount};
use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::error::{Reason, Refusal};
use crate::domain::limits;
use crate::domain::merchant::{AppChannel, Edition, MerchantApp, OldSecret, SealedApp};
use crate::domain::people::Scope;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::{Error, Result};
use crate::server::store::sealed::{APP_OLD_SECRET, APP_SECRET};
use crate::server::{audit, guessable, store};
use crate::wire::field;
use crate::wire::json::Json;

/// Minimum length of a secret, in characters. Nothing else keeps others from making requests in the app's name, and
/// whoever has one signed request can guess without asking us.
const SECRET_LEAST_CHARS: usize = 24;

/// Secret of the demonstration's app, published in the README.
pub const PUBLISHED_SECRET: &str = "123456";

/// Name of the list of hosts in refusals.
const NOTIFY_HOSTS: &str = "notifyHosts";

/// Adds an app, and the accounts in test mode that are new with it. A running server serves it within seconds.
///
/// # Errors
/// Refuses an id that is taken, a second default app, an account that does not exist or has another channel or mode,
/// and wrong values, each by field.
pub async fn add(
    ctx: &Ctx,
    new: MerchantApp,
    test_accounts: Vec<ChannelAccount>,
    by: impl Into<Origin>,
) -> Result<()> {
    check(ctx, &new)?;
    check_secret(&new.secret)?;
    let new = sealed(ctx, new)?;
    let test_accounts = new_accounts(ctx, test_accounts)?;
    let (by, now) = (by.into(), ctx.clock.now());
    let subject = (SubjectKind::App, new.app_id.as_str());
    let act = Act::new(now, &by, Action::AppAdded, subject)
        .of_app(&new.app_id)
        .to(settings(&new));
    let added = ctx
        .db
        .write(
            (new, act, test_accounts, by),
            move |conn, (new, act, test_accounts, by)| {
                Box::pin(async move {
                    let known = store::merchant::all(conn).await?;
                    if known.iter().any(|known| known.app_id == new.app_id) {
                        return Ok(Err(Refusal::field(field::APP_ID.name, Reason::Taken)));
                    }
                    if new.is_default && known.iter().any(|known| known.is_default) {
                        return Ok(Err(Refusal::field("default", Reason::Taken)));
                    }
                    insert_accounts(conn, &test_accounts, &by, now).await?;
                    check_accounts(conn, &new).await?;
                    store::merchant::insert(conn, &new, now).await?;
                    audit::record(conn, &act).await?;
                    Ok(Ok(()))
                })
            },
        )
        .await?;
    Ok(added?)
}

/// Checks new accounts, and seals their secrets.
fn new_accounts(ctx: &Ctx, accounts: Vec<ChannelAccount>) -> Result<Vec<SealedAccount>> {
    accounts.iter().try_for_each(accounts::check)?;
    let accounts = accounts.into_iter();
    accounts
        .map(|account| accounts::sealed(ctx, account))
        .collect()
}

/// Stores new accounts, within a transaction.
async fn insert_accounts(
    conn: &mut Conn,
    accounts: &[SealedAccount],
    by: &Origin,
    now: Timestamp,
) -> Result<()> {
    for account in accounts {
        // An error ends the transaction, so that nothing of it is stored.
        accounts::insert(conn, account, by, now).await??;
    }
    Ok(())
}

/// Refuses an app with an account that does not exist or has another channel or mode.
async fn check_accounts(conn: &mut Conn, app: &SealedApp) -> Result<()> {
    let accounts = store::account::all(conn).await?;
    let is_of = |account: &SealedAccount, settings: &AppChannel| {
        account.account_id == settings.account_id
            && account.channel == settings.channel
            && account.test_mode == settings.test_mode
    };
    for settings in &app.channels {
        if !accounts.iter().any(|account| is_of(account, settings)) {
            return Err(Refusal::field("account", Reason::Unknown).into());
        }
    }
    Ok(())
}

/// Returns the settings that the audit stores of an app: all but its secret, and the notify URL without its query,
/// which may hold one.
fn settings(app: &SealedApp) -> Value {
    let channels = app.channels.iter();
    let channels: Vec<_> = channels
        .map(|settings| {
            let AppChannel {
                channel,
                account_id,
                refund_window_days: days,
                enabled,
                ..
            } = settings;
            let disabled = if *enabled { "" } else { ", disabled" };
            format!("{channel}={days} by {account_id}{disabled}")
        })
        .collect();
    let notify_url = app.notify_url.as_deref();
    json!({
        "name": app.name,
        "mchNo": app.mch_no,
        "signType": app.sign_type.as_str(),
        "enabled": app.enabled,
        "default": app.is_default,
        "signRequired": app.sign_required,
        "singleEdition": app.single_edition,
        "edition": app.edition.as_str(),
        "reqTimeLeewayMs": app.req_time_leeway_ms,
        "notifyUrl": notify_url.map(|url| url.split(['?', '#']).next()),
        "notifyHosts": app.notify_hosts,
        "oldSecretUntil": app.old_secret.as_ref().map(|old| old.until.0),
        "channels": channels,
    })
}

/// Seals an app's secrets for storage.
pub fn sealed(ctx: &Ctx, app: MerchantApp) -> Result<SealedApp> {
    let key = [app.app_id.as_str()];
    let secret = ctx.vault.seal(&APP_SECRET, &key, &app.secret)?;
    let seal_old = |old: &OldSecret| {
        let secret = ctx.vault.seal(&APP_OLD_SECRET, &key, &old.secret)?;
        let until = old.until;
        Ok::<_, Error>(OldSecret { secret, until })
    };
    let old_secret = app.old_secret.as_ref().map(seal_old).transpose()?;
    Ok(SealedApp {
        old_secret,
        ..app.with_secret(secret)
    })
}

/// Checks the settings of an app, each by field.
fn check<S>(ctx: &Ctx, new: &MerchantApp<S>) -> Result<(), Refusal> {
    let mut channels: Vec<_> = new
        .channels
        .iter()
        .map(|settings| settings.channel)
        .collect();
    channels.sort_by_key(|channel| channel.as_str());
    channels.dedup();
    if channels.len() < new.channels.len() {
        return Err(Refusal::field("channel", Reason::Twice));
    }
    if !new.sign_required && new.moves_money() {
        return Err(Refusal::field("unsigned", Reason::MovesMoney));
    }
    if new.app_id == Scope::ALL_APPS {
        return Err(Refusal::field(field::APP_ID.name, Reason::BadCharacter));
    }
    let text = |text: &str| Json::Text(text.to_owned());
    let given = [
        (&field::APP_ID, Some(new.app_id.as_str())),
        (&field::MCH_NO, new.mch_no.as_deref()),
        (&field::NOTIFY_URL, new.notify_url.as_deref()),
    ];
    for (field, value) in given {
        match value {
            Some("") => return Err(Refusal::field(field.name, Reason::Missing)),
            Some(value) => field.check(&text(value), Edition::Open, &ctx.config.time_zone)?,
            None => {}
        }
    }
    let hosts = new.notify_hosts.iter();
    for host in hosts.clone() {
        if notify_host(host)? != *host {
            return Err(Refusal::field(NOTIFY_HOSTS, Reason::NotAHost));
        }
    }
    let max = limits::NOTIFY_HOSTS_CHARS;
    if hosts.map(|host| host.len() + 1).sum::<usize>() > max {
        return Err(Refusal::field(NOTIFY_HOSTS, Reason::TooLong { max }));
    }
    check_text("name", &new.name, 1, limits::APP_NAME_CHARS)
}

fn check_text(name: &'static str, value: &str, min: usize, max: usize) -> Result<(), Refusal> {
    let reason = match value.chars().count() {
        length if length < min => Reason::TooShort { min },
        length if length > max => Reason::TooLong { max },
        _ if value.chars().any(char::is_control) => Reason::ControlCharacter,
        _ => return Ok(()),
    };
    Err(Refusal::field(name, reason))
}

/// Checks a new secret of an app.
fn check_secret(secret: &Secret) -> Result<(), Refusal> {
    let secret = secret.reveal();
    check_text("secret", secret, SECRET_LEAST_CHARS, limits::SECRET_CHARS)?;
    match guessable::secret(secret) {
        Some(weakness) => Err(Refusal::field("secret", Reason::Guessable { weakness })),
        None => Ok(()),
    }
}

/// Reads an entry of an app's list of hosts, a name or an ending that begins with a dot, into the form in which addresses
/// are compared with it: in lower case, other scripts as `xn--`.
///
/// # Errors
/// Refuses what is no host.
pub fn notify_host(text: &str) -> Result<String, Refusal> {
    let (dot, name) = match text.strip_prefix('.') {
        Some(name) => (".", name),
        None => ("", text),
    };
    match url::Host::parse(name) {
        Ok(url::Host::Domain(name)) => Ok(format!("{dot}{name}")),
        Ok(address) if dot.is_empty() => Ok(address.to_string()),
        _ => Err(Refusal::field(NOTIFY_HOSTS, Reason::NotAHost)),
    }
}

/// Checks that a request's `notifyUrl` names a host on the app's list, where it has one.
pub fn check_notify_url(app: &MerchantApp, url: Option<&str>) -> Result<(), Refusal> {
    let Some(url) = url else { return Ok(()) };
    let url = url::Url::parse(url).ok();
    let host = url.as_ref().and_then(url::Url::host_str);
    match app.allows_notify_host(host.unwrap_or_default()) {
        true => Ok(()),
        false => Err(Refusal::field(
            field::NOTIFY_URL.name,
            Reason::HostNotAllowed,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_into_the_form_of_addresses() {
        for (text, host) in [
            ("Shop.Example", "shop.example"),
            (".pay.example", ".pay.example"),
            ("茶.example", "xn--cl1a.example"),
            ("10.0.0.1", "10.0.0.1"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(notify_host(text), Ok(host.to_owned()));
            // What was read is read into itself, which the check of an app relies on.
            assert_eq!(notify_host(host), Ok(host.to_owned()));
        }
        for wrong in [
            "",
            ".",
            "a b",
            "https://shop.example",
            "a/b",
            "a:1",
            ".10.0.0.1",
        ] {
            assert!(notify_host(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_notify_url_names_a_host_on_the_list() {
        let mut app = crate::demo::merchant();
        let check = |app: &MerchantApp, url| check_notify_url(app, Some(url)).is_ok();
        assert!(check(&app, "https://any.example/n"));
        app.notify_hosts = vec![
            notify_host("支付.example").unwrap(),
            ".shop.example".to_owned(),
        ];
        for url in [
            "https://支付.example/n",
            "HTTP://A.SHOP.EXAMPLE:8080/n?a=1",
            "https://shop.example@a.shop.example/n",
        ] {
            assert!(check(&app, url), "{url}");
        }
        for url in [
            "https://shop.example/n",
            "https://a.shop.example.evil/n",
            "https://a.shop.example@evil.example/n",
            "https://evil.example/a.shop.example",
            "https://evil.example\\.shop.example/n",
            "https://a.shop.example./n",
            "no address",
        ] {
            assert!(!check(&app, url), "{url}");
        }
        assert_eq!(check_notify_url(&app, None), Ok(()));
    }
}
