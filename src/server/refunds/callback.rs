//! Callbacks of channels: checked, recorded as they came, and applied as evidence.

use std::collections::HashMap;

use super::settle::settle;
use super::sync::sync;
use crate::domain::event::Actor;
use crate::domain::limits;
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Channel;
use crate::domain::refund::{Evidence, Finding, Refund, RefundKey, Source};
use crate::domain::time::Millis;
use crate::server::app::App;
use crate::server::channel::CallbackReply;
use crate::server::error::{Error, Result};
use crate::server::numbers::Kind;
use crate::server::store;
use crate::server::store::callback::CallbackRow;

/// Takes a channel's callback: checks it, records it as it came, and settles the refund by it.
///
/// # Errors
/// Refuses an app or channel that is not enabled. A callback that is not believed is no error: the
/// reply says so, in the channel's way.
pub async fn callback(
    app: &App,
    app_id: &str,
    channel: Channel,
    headers: &HashMap<String, String>,
    body: &[u8],
) -> Result<CallbackReply> {
    let merchant = app.merchant_app(Some(app_id)).await?;
    let gate = app.channels.gate(channel)?;
    let now = app.clock.now();
    let said = String::from_utf8_lossy(body).into_owned();
    let (verdict, refund_no) = match gate.read_callback(&merchant, headers, body) {
        Err(_) => ("bad_signature", None),
        Ok(callback) => {
            let known = known_by_channel(app, &merchant, channel, &callback.channel_no).await?;
            match known.filter(|refund| refund.amount == callback.amount) {
                None => ("not_found", None),
                Some(refund) => {
                    let refund_no = refund.refund_no.clone();
                    let verdict =
                        apply_callback(app, &merchant, refund, callback.finding, now, &said)
                            .await?;
                    (verdict, Some(refund_no))
                }
            }
        }
    };
    let row = CallbackRow {
        app_id: merchant.app_id.clone(),
        callback_no: app.numbers.make(Kind::Callback, now),
        channel,
        received_at: now,
        headers: header_lines(headers),
        body: said,
        verdict,
        refund_no,
    };
    app.db
        .write(move |conn| {
            let row = row.clone();
            Box::pin(async move { Ok(store::callback::insert(conn, &row).await?) })
        })
        .await?;
    Ok(gate.reply(matches!(verdict, "accepted" | "ignored")))
}

/// Settles a refund by a callback. One that says no while that is not conclusive is a hint: the
/// channel is asked.
async fn apply_callback(
    app: &App,
    merchant: &MerchantApp,
    refund: Refund,
    finding: Finding,
    at: Millis,
    said: &str,
) -> Result<&'static str> {
    let before = refund.status;
    let key = RefundKey::RefundNo(refund.refund_no.clone());
    let is_refusal = matches!(finding, Finding::Fail { .. } | Finding::Close { .. });
    let evidence = Evidence {
        source: Source::Callback,
        attempt: refund.attempt,
        finding,
        at,
    };
    let settled = settle(app, refund, evidence, Actor::Channel, said).await?;
    if is_refusal && settled.holds() {
        match sync(app, merchant, &key, Actor::System).await {
            Ok(_) | Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(if settled.status == before {
        "ignored"
    } else {
        "accepted"
    })
}

async fn known_by_channel(
    app: &App,
    merchant: &MerchantApp,
    channel: Channel,
    channel_no: &str,
) -> Result<Option<Refund>> {
    let mut conn = app.db.read().await?;
    Ok(store::refund::by_channel_no(&mut conn, &merchant.app_id, channel, channel_no).await?)
}

fn header_lines(headers: &HashMap<String, String>) -> String {
    let mut lines: Vec<_> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    lines.sort();
    limits::cut(&lines.concat(), limits::SAID_BYTES).to_owned()
}
