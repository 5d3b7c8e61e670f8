//! Callbacks of channels: checked, applied as evidence, and recorded as they came.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::domain::account::ChannelAccount;
use crate::domain::callback::{Callback, Verdict};
use crate::domain::error::Refusal;
use crate::domain::event::Actor;
use crate::domain::limits;
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Channel;
use crate::domain::refund::{Evidence, OutcomeKind, Refund, RefundKey, Source, Statement};
use crate::domain::text::{sanitized, truncated};
use crate::domain::time::{HOUR_MS, Timestamp};
use crate::server::channels::Line;
use crate::server::channels::adapter::{CallbackContent, CallbackReply};
use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::numbers::Kind;
use crate::server::refunds::apply::settle;
use crate::server::{counters, store};

/// Takes a channel's callback at an app: checks it, settles the refund by it, and records it as it came. A callback
/// that was taken before is only counted.
///
/// The callback is applied before it is recorded. After a crash in between, the channel has had no reply and calls
/// again; applying the same evidence twice changes nothing.
///
/// `account_id` is the account that the address names. Where it names none, the app's current account is used.
///
/// # Errors
/// Refuses an unknown app, channel or account. A callback with a wrong signature is no error: the reply says so in the
/// channel's format.
#[tracing::instrument(level = "debug", skip_all, fields(app = app_id, channel = channel.as_str()))]
pub async fn callback(
    ctx: &Ctx,
    app_id: &str,
    channel: Channel,
    account_id: Option<&str>,
    headers: &HashMap<String, String>,
    body: &[u8],
) -> Result<CallbackReply> {
    // A disabled app's callbacks are taken as well: refunds that have begun are brought to their end.
    let merchant = ctx.merchants.known(app_id).await?;
    let line = line_of_callback(ctx, &merchant, channel, account_id).await?;
    let account_id = line.account().account_id.as_str();
    let now = ctx.clock.now();
    let said = sanitized(&String::from_utf8_lossy(body), limits::CALLBACK_BYTES);
    let read = line.read_callback(headers, body).await;
    let digest = match &read {
        Ok(_) => digest(body),
        Err(_) => sample_digest(now),
    };
    let known = recorded(ctx, app_id, account_id, &digest).await?;
    let (verdict, refund_no) = match read {
        Err(_) => {
            counters::callback_unbelieved(&merchant.app_id, channel);
            // Forged callbacks must not fill the disk: one sample an hour is kept.
            if known.is_some() {
                return Ok(line.reply(false));
            }
            (Verdict::BadSignature, None)
        }
        Ok(_) if known.is_some_and(Verdict::taken) => {
            count(ctx, app_id, account_id, digest, now).await?;
            return Ok(line.reply(true));
        }
        Ok(callback) => {
            match known_by_channel(ctx, &merchant, line.account(), &callback.channel_no).await? {
                None => (Verdict::NotFound, None),
                Some((refund, attempt)) => {
                    let refund_no = refund.refund_no.clone();
                    let verdict = match callback.content {
                        CallbackContent::Statement(statement) => {
                            apply_statement(ctx, refund, attempt, statement, now, &said).await?
                        }
                        CallbackContent::Hint => {
                            hasten(ctx, refund, now).await?;
                            Verdict::Ignored
                        }
                    };
                    (verdict, Some(refund_no))
                }
            }
        }
    };
    let row = Callback {
        app_id: merchant.app_id.clone(),
        callback_no: ctx.numbers.make(Kind::Callback, now).await?,
        channel,
        account_id: account_id.to_owned(),
        received_at: now,
        headers: header_lines(headers),
        body: match verdict {
            Verdict::BadSignature => truncated(&said, limits::SAID_BYTES).to_owned(),
            _ => said,
        },
        verdict,
        refund_no,
        times: 1,
        last_at: now,
    };
    ctx.db
        .write((row, digest), move |conn, (row, digest)| {
            Box::pin(async move { Ok(store::callback::put(conn, &row, &digest).await?) })
        })
        .await?;
    Ok(line.reply(verdict.taken()))
}

/// Returns the line to the account that sent a callback.
///
/// # Errors
/// [`Refusal::ChannelNotEnabled`] where the app does not have the channel, the channel has no such account, or this
/// server does not reach it.
async fn line_of_callback<'a>(
    ctx: &'a Ctx,
    merchant: &MerchantApp,
    channel: Channel,
    account_id: Option<&str>,
) -> Result<Line<'a>> {
    let account_id = match account_id {
        Some(named) => {
            let found = ctx.channels.accounts.find(named).await?;
            let of_channel = found.filter(|account| account.channel == channel);
            of_channel.map(|account| account.account_id.clone())
        }
        None => merchant
            .channel(channel)
            .map(|settings| settings.account_id.clone()),
    };
    let account_id = account_id.ok_or(Refusal::ChannelNotEnabled {
        channel: channel.as_str().into(),
    })?;
    ctx.channels.line(&account_id).await
}

/// Returns the digest that identifies a verified callback.
fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

/// Returns the digest under which callbacks that failed verification are recorded: one for each hour.
fn sample_digest(now: Timestamp) -> String {
    format!("unbelieved {}", now.0.div_euclid(HOUR_MS))
}

/// Returns the verdict of an account's callback recorded with this digest. `None` where none was.
async fn recorded(
    ctx: &Ctx,
    app_id: &str,
    account_id: &str,
    digest: &str,
) -> Result<Option<Verdict>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::callback::verdict(&mut conn, app_id, account_id, digest).await?)
}

async fn count(
    ctx: &Ctx,
    app_id: &str,
    account_id: &str,
    digest: String,
    now: Timestamp,
) -> Result<()> {
    let of = (app_id.to_owned(), account_id.to_owned(), digest);
    ctx.db
        .write(of, move |conn, (app_id, account_id, digest)| {
            Box::pin(async move {
                Ok(store::callback::count(conn, &app_id, &account_id, &digest, now).await?)
            })
        })
        .await
}

/// Settles a refund by the statement of a verified callback. A refusal that is not conclusive only makes the refund due
/// at once, as the channel waits for our reply.
async fn apply_statement(
    ctx: &Ctx,
    refund: Refund,
    attempt: i64,
    statement: Statement,
    at: Timestamp,
    said: &str,
) -> Result<Verdict> {
    let before = refund.status;
    let statement = statement.cleaned();
    let kind = statement.outcome.kind();
    let evidence = Evidence {
        source: Source::Callback,
        attempt,
        outcome: statement.outcome,
        amount: statement.amount,
        at,
    };
    let another_amount = evidence.is_about_another_amount(&refund);
    let settled = settle(ctx, &refund, evidence, Actor::Channel, said, None).await?;
    if another_amount {
        tracing::error!(refund.refund_no, "a callback is about another amount");
        return Ok(Verdict::AmountDiffers);
    }
    if matches!(kind, OutcomeKind::Fail | OutcomeKind::Close) && settled.holds() {
        hasten(ctx, settled, at).await?;
        return Ok(Verdict::Ignored);
    }
    Ok(match settled.status == before {
        true => Verdict::Ignored,
        false => Verdict::Accepted,
    })
}

/// Makes a refund due at once.
pub(super) async fn hasten(ctx: &Ctx, refund: Refund, at: Timestamp) -> Result<()> {
    ctx.db
        .write(refund, move |conn, refund| {
            Box::pin(async move {
                let (app_id, refund_no) = (&refund.app_id, &refund.refund_no);
                Ok(store::submission::hasten(conn, app_id, refund_no, at).await?)
            })
        })
        .await
}

/// Returns the refund, and the number of its last submission, that an account's channel knows by a number.
async fn known_by_channel(
    ctx: &Ctx,
    merchant: &MerchantApp,
    account: &ChannelAccount,
    channel_no: &str,
) -> Result<Option<(Refund, i64)>> {
    let app_id = &merchant.app_id;
    let mut conn = ctx.db.read().await?;
    let account_id = &account.account_id;
    let named = store::submission::by_channel_no(&mut conn, app_id, account_id, channel_no).await?;
    let Some((refund_no, attempt)) = named else {
        return Ok(None);
    };
    let key = RefundKey::RefundNo(refund_no);
    let refund = store::refund::by_key(&mut conn, app_id, &key).await?;
    Ok(refund.map(|refund| (refund, attempt)))
}

/// Headers that may hold a password or a token. Their values are no evidence and are not stored.
const CREDENTIALS: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
];

fn header_lines(headers: &HashMap<String, String>) -> String {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| match CREDENTIALS.contains(&name.as_str()) {
            true => format!("{name}: (left out)\n"),
            false => format!("{name}: {value}\n"),
        })
        .collect();
    lines.sort();
    sanitized(&lines.concat(), limits::SAID_BYTES)
}
