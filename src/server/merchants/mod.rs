//! The merchants' apps and their channel accounts.

pub mod accounts;
pub mod cache;

use serde_json::{Value, json};

use crate::domain::account::{ChannelAccount, SealedAccount};
use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::error::{Reason, Refusal};
use crate::domain::limits;
use crate::domain::merchant::{AppChannel, Edition, MerchantApp, SealedApp};
use crate::domain::people::Scope;
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::store::sealed::APP_SECRET;
use crate::server::{audit, store};
use crate::wire::field;
use crate::wire::json::Json;

/// Minimum length of a secret, in characters. Nothing else keeps others from making requests in the app's name.
const SECRET_LEAST_CHARS: usize = 16;

/// Secret of the demonstration's app, published in the README.
pub const PUBLISHED_SECRET: &str = "123456";

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
    test_accounts.iter().try_for_each(accounts::check)?;
    let new = sealed(ctx, new)?;
    let test_accounts = test_accounts.into_iter();
    let test_accounts: Vec<_> = test_accounts
        .map(|account| accounts::sealed(ctx, account))
        .collect::<Result<_>>()?;
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
                    for account in &test_accounts {
                        if let Err(refusal) = accounts::insert(conn, account, &by, now).await? {
                            // An error ends the transaction, so that nothing of it is stored.
                            return Err(refusal.into());
                        }
                    }
                    let accounts = store::account::all(conn).await?;
                    let is_of = |account: &SealedAccount, settings: &AppChannel| {
                        account.account_id == settings.account_id
                            && account.channel == settings.channel
                            && account.test_mode == settings.test_mode
                    };
                    for settings in &new.channels {
                        if !accounts.iter().any(|account| is_of(account, settings)) {
                            return Err(Refusal::field("account", Reason::Unknown).into());
                        }
                    }
                    store::merchant::insert(conn, &new, now).await?;
                    audit::record(conn, &act).await?;
                    Ok(Ok(()))
                })
            },
        )
        .await?;
    Ok(added?)
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
                ..
            } = settings;
            format!("{channel}={days} by {account_id}")
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
        "channels": channels,
    })
}

/// Seals an app's secret for storage.
pub fn sealed(ctx: &Ctx, app: MerchantApp) -> Result<SealedApp> {
    let secret = ctx.vault.seal(&APP_SECRET, &[&app.app_id], &app.secret)?;
    Ok(app.with_secret(secret))
}

/// Warns of apps whose secret is published: a database that was once a demonstration's may still have its app.
pub async fn warn_of_published_secrets(ctx: &Ctx) -> Result<()> {
    for app in ctx.merchants.all().await?.iter() {
        if app.secret.is(PUBLISHED_SECRET) {
            tracing::warn!(
                "the secret of the app {} is the demonstration's, which is published",
                app.app_id
            );
        }
    }
    Ok(())
}

fn check(ctx: &Ctx, new: &MerchantApp) -> Result<(), Refusal> {
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
    let lengths = [
        ("name", new.name.as_str(), 1, limits::APP_NAME_CHARS),
        (
            "secret",
            new.secret.reveal(),
            SECRET_LEAST_CHARS,
            limits::SECRET_CHARS,
        ),
    ];
    for (name, value, min, max) in lengths {
        let reason = match value.chars().count() {
            length if length < min => Reason::TooShort { min },
            length if length > max => Reason::TooLong { max },
            _ if value.chars().any(char::is_control) => Reason::ControlCharacter,
            _ => continue,
        };
        return Err(Refusal::field(name, reason));
    }
    Ok(())
}
