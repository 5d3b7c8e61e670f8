//! Callbacks of channels: checked, recorded as they came, and applied as evidence.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::domain::callback::{Callback, Verdict};
use crate::domain::event::Actor;
use crate::domain::limits;
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Channel;
use crate::domain::refund::{Evidence, Outcome, Refund, RefundKey, Source};
use crate::domain::text::{sanitized, truncated};
use crate::domain::time::Timestamp;
use crate::server::channels::CallbackReply;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::numbers::Kind;
use crate::server::refunds::apply::settle;
use crate::server::refunds::sync::sync;
use crate::server::store;

/// Takes a channel's callback: checks it, settles the refund by it, and records it as it came. One
/// that was taken before is counted and does nothing more.
///
/// It is recorded after it was applied: after a crash in between, the channel, which has had no
/// answer, calls again, and the same evidence once more changes nothing.
///
/// # Errors
/// Refuses an app or channel that is not enabled. A callback that is not believed is no error: the
/// reply says so, in the channel's way.
#[tracing::instrument(level = "debug", skip_all, fields(app = app_id, channel = channel.as_str()))]
pub async fn callback(
    ctx: &Ctx,
    app_id: &str,
    channel: Channel,
    headers: &HashMap<String, String>,
    body: &[u8],
) -> Result<CallbackReply> {
    let merchant = ctx.merchants.enabled(Some(app_id)).await?;
    let adapter = ctx.channels.adapter(channel)?;
    let now = ctx.clock.now();
    let said = sanitized(&String::from_utf8_lossy(body), limits::CALLBACK_BYTES);
    let read = adapter.read_callback(&merchant, headers, body);
    let digest = digest(body, read.is_ok());
    if read.is_ok() && taken_before(ctx, app_id, channel, &digest).await? {
        count(ctx, app_id, channel, digest, now).await?;
        return Ok(adapter.reply(true));
    }
    let (verdict, refund_no) = match read {
        Err(_) => (Verdict::BadSignature, None),
        Ok(callback) => {
            let known = known_by_channel(ctx, &merchant, channel, &callback.channel_no).await?;
            match known.filter(|refund| refund.amount == callback.amount) {
                None => (Verdict::NotFound, None),
                Some(refund) => {
                    let refund_no = refund.refund_no.clone();
                    let verdict =
                        apply_callback(ctx, &merchant, refund, callback.outcome, now, &said)
                            .await?;
                    (verdict, Some(refund_no))
                }
            }
        }
    };
    let row = Callback {
        app_id: merchant.app_id.clone(),
        callback_no: ctx.numbers.make(Kind::Callback, now).await?,
        channel,
        received_at: now,
        headers: header_lines(headers),
        // Whoever is not the channel may not fill the disk.
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
        .write(move |conn| {
            let (row, digest) = (row.clone(), digest.clone());
            Box::pin(async move { Ok(store::callback::put(conn, &row, &digest).await?) })
        })
        .await?;
    Ok(adapter.reply(verdict.taken()))
}

/// What tells one callback from another: its body, and whether its signature was right, so that
/// nobody can take a true one's place beforehand.
fn digest(body: &[u8], verified: bool) -> String {
    let mut digest = Sha256::new();
    digest.update([u8::from(verified)]);
    digest.update(body);
    hex::encode(digest.finalize())
}

async fn taken_before(ctx: &Ctx, app_id: &str, channel: Channel, digest: &str) -> Result<bool> {
    let mut conn = ctx.db.read().await?;
    let verdict = store::callback::verdict(&mut conn, app_id, channel, digest).await?;
    Ok(verdict.is_some_and(Verdict::taken))
}

async fn count(
    ctx: &Ctx,
    app_id: &str,
    channel: Channel,
    digest: String,
    now: Timestamp,
) -> Result<()> {
    let app_id = app_id.to_owned();
    ctx.db
        .write(move |conn| {
            let (app_id, digest) = (app_id.clone(), digest.clone());
            Box::pin(async move {
                Ok(store::callback::count(conn, &app_id, channel, &digest, now).await?)
            })
        })
        .await
}

/// Settles a refund by a callback. One that says no while that is not conclusive is a hint: the
/// channel is asked.
async fn apply_callback(
    ctx: &Ctx,
    merchant: &MerchantApp,
    refund: Refund,
    outcome: Outcome,
    at: Timestamp,
    said: &str,
) -> Result<Verdict> {
    let before = refund.status;
    let key = RefundKey::RefundNo(refund.refund_no.clone());
    let is_refusal = matches!(outcome, Outcome::Fail { .. } | Outcome::Close { .. });
    let evidence = Evidence {
        source: Source::Callback,
        attempt: refund.attempt,
        outcome,
        at,
    };
    let settled = settle(ctx, refund, evidence, Actor::Channel, said).await?;
    if is_refusal && settled.holds() {
        match sync(ctx, merchant, &key, Actor::System).await {
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(if settled.status == before {
        Verdict::Ignored
    } else {
        Verdict::Accepted
    })
}

async fn known_by_channel(
    ctx: &Ctx,
    merchant: &MerchantApp,
    channel: Channel,
    channel_no: &str,
) -> Result<Option<Refund>> {
    let mut conn = ctx.db.read().await?;
    Ok(store::refund::by_channel_no(&mut conn, &merchant.app_id, channel, channel_no).await?)
}

fn header_lines(headers: &HashMap<String, String>) -> String {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    lines.sort();
    sanitized(&lines.concat(), limits::SAID_BYTES)
}
