//! Authentication: reads a request, determines its edition and its app, and checks its signature and common fields.
//! The result is a [`SignedRequest`].

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use crate::domain::audit::Origin;
use crate::domain::error::{Limited, Reason, Refusal};
use crate::domain::event::Actor;
use crate::domain::limits;
use crate::domain::merchant::{Edition, MerchantApp};
use crate::domain::refund;
use crate::domain::secret::Secret;
use crate::domain::text::sanitized;
use crate::domain::time::{HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp};
use crate::server::client_ip::ClientIp;
use crate::server::counters;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::gateway::answer::Reply;
use crate::server::outbound;
use crate::server::shares::Share;
use crate::server::trace::TraceId;
use crate::wire::data::EditionFormat;
use crate::wire::field::Field;
use crate::wire::json::{Fields, Json};
use crate::wire::request::RequestFields;
use crate::wire::sign::Signer;
use crate::wire::{field, request};

/// An authenticated request.
pub struct SignedRequest {
    pub ctx: Ctx,
    /// The app that sent the request.
    pub merchant: Arc<MerchantApp>,
    pub edition: Edition,
    /// The app and the client's address.
    pub origin: Origin,
    fields: Fields,
    reply: Reply,
    deadline: Instant,
    /// The app's place among the requests under way.
    _place: Share<String>,
}

impl FromRequest<Ctx> for SignedRequest {
    type Rejection = Response;

    async fn from_request(request: Request, ctx: &Ctx) -> Result<SignedRequest, Response> {
        let trace = request
            .extensions()
            .get::<TraceId>()
            .cloned()
            .unwrap_or_else(TraceId::make);
        let mut reply = Reply::new(ctx, trace);
        let deadline = deadline(ctx);
        let (parts, body) = request.into_parts();
        // Only the audit needs the address, so a request without a known address is still served.
        let address = ClientIp::of(&parts, &ctx.config.trusted_proxies);
        let origin = Origin {
            actor: Actor::Merchant,
            address: address.ok().map(|ClientIp(address)| address),
        };
        let request = Request::from_parts(parts, body);
        match enter(request, &mut reply).await {
            Ok((merchant, fields, place)) => Ok(SignedRequest {
                ctx: ctx.clone(),
                merchant,
                edition: reply.edition,
                origin,
                fields,
                reply,
                deadline,
                _place: place,
            }),
            Err(error) => Err(reply.refused(&error)),
        }
    }
}

/// Authenticates a request. The reply gets the edition as soon as it is known, and the app once the request's signature is
/// verified: refusals from then on are signed. An answer signed for anybody who asks would let him guess the secret.
async fn enter(
    request: Request,
    reply: &mut Reply,
) -> Result<(Arc<MerchantApp>, Fields, Share<String>)> {
    let headers = request.headers().clone();
    let fields = request::read(&body(request).await?)?;
    reply.edition = request::edition(&fields);
    let ctx = reply.ctx.clone();
    let given = RequestFields {
        fields: &fields,
        edition: reply.edition,
        zone: &ctx.config.time_zone,
    };

    let merchant = match reply.edition {
        Edition::Open => {
            given.check(&[field::APP_ID])?;
            ctx.merchants
                .enabled(given.text(&field::APP_ID).as_deref())
                .await?
        }
        Edition::Single => ctx.merchants.enabled(None).await?,
    };
    if reply.edition == Edition::Single && !merchant.single_edition {
        return Err(Refusal::EditionNotEnabled.into());
    }
    let signed = check_signature(given, &merchant, ctx.clock.now());
    if let Ok(by) = signed {
        reply.merchant = Some(merchant.clone());
        reply.by_old_secret = by == SignedBy::OldSecret;
    }
    if merchant.needs_signature() {
        signed?;
    } else {
        check_unsigned(&headers)?;
    }
    if !ctx.rate_limits.takes_app(&merchant.app_id, ctx.clock.now()) {
        counters::request_limited("app");
        return Err(Refusal::TooOften {
            limited: Limited::App,
            per_second: ctx.config.app_requests_per_second,
        }
        .into());
    }
    let place = ctx.app_places.take(merchant.app_id.clone());
    let place = place.ok_or_else(|| {
        counters::request_limited("app_at_once");
        Refusal::AppOverloaded
    })?;
    check_common(given, &merchant, ctx.clock.now())?;
    Ok((merchant, fields, place))
}

/// The secret that a request was signed with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SignedBy {
    Secret,
    OldSecret,
}

/// Checks a request's signature, and tells whether the old secret signed it.
///
/// # Errors
/// Refuses a missing or wrong signature. The text that was signed goes to the log, where the trace id of the answer finds
/// it: whoever may read the log may compare it with the caller's.
fn check_signature(
    given: RequestFields<'_>,
    merchant: &MerchantApp,
    now: Timestamp,
) -> Result<SignedBy, Refusal> {
    given.check(&[field::SIGN])?;
    let sign = given.needed(&field::SIGN)?;
    let signer = Signer::of(merchant, &merchant.secret, given.edition);
    if signer.verifies(given.fields, &sign) {
        return Ok(SignedBy::Secret);
    }
    let by_old =
        |secret: &Secret| Signer::of(merchant, secret, given.edition).verifies(given.fields, &sign);
    if merchant.valid_old_secret(now).is_some_and(by_old) {
        return Ok(SignedBy::OldSecret);
    }
    let text = signer.shown_text(&without_passwords(given.fields));
    let text = sanitized(&text, limits::SAID_BYTES);
    tracing::info!(app = merchant.app_id, text, "the signature does not verify");
    // Clients 3.0 beta sign the text as it is.
    let as_it_is = Signer {
        edition: Edition::Single,
        ..signer
    };
    match given.edition == Edition::Open && as_it_is.verifies(given.fields, &sign) {
        true => Err(Refusal::NotUpperCased),
        false => Err(Refusal::BadSignature),
    }
}

/// Returns the fields with addresses freed of passwords, for the log.
fn without_passwords(fields: &Fields) -> Fields {
    let mut fields = fields.clone();
    for value in fields.values_mut() {
        if let Json::Text(text) = value
            && text.contains("://")
        {
            *text = outbound::shown(text);
        }
    }
    fields
}

/// Refuses a request without a signature that is no JSON: a page of another site can make a browser send other types, and
/// no older browser says where from.
fn check_unsigned(headers: &HeaderMap) -> Result<(), Refusal> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()?.split(';').next());
    if kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let allowed = "application/json".into();
    Err(Refusal::field("Content-Type", Reason::NotOneOf { allowed }))
}

/// Returns the body of a request. The router has read it whole, within its limits of length and time.
pub async fn body(request: Request) -> Result<Bytes> {
    let read = to_bytes(request.into_body(), limits::BODY_BYTES).await;
    read.map_err(|error| Error::internal(format!("a body was not read before: {error}")))
}

fn check_common(
    given: RequestFields<'_>,
    merchant: &MerchantApp,
    now: Timestamp,
) -> Result<(), Refusal> {
    given.check(field::COMMON)?;
    let mch_no = given.text(&field::MCH_NO);
    if mch_no.is_some() && merchant.mch_no.is_some() && mch_no != merchant.mch_no {
        return Err(Refusal::field(field::MCH_NO.name, Reason::Mismatch));
    }
    let off_ms = given.time(&field::REQ_TIME)?.0.saturating_sub(now.0);
    if off_ms.saturating_abs() <= merchant.req_time_leeway_ms {
        return Ok(());
    }
    let seconds = off_ms.saturating_abs() / SECOND_MS;
    let reason = if is_off_by_zones(off_ms, merchant.req_time_leeway_ms) {
        let zone = match given.edition {
            Edition::Open => given.zone.iana_name().unwrap_or("UTC").to_owned(),
            Edition::Single => "UTC".to_owned(),
        };
        let zone = zone.into();
        Reason::OtherZone { seconds, zone }
    } else if off_ms > 0 {
        Reason::ClockAhead { seconds }
    } else {
        Reason::ClockBehind { seconds }
    };
    Err(Refusal::field(field::REQ_TIME.name, reason))
}

/// Tells whether a difference of clocks is about that of two time zones: one or more hours or half hours, up to 14 h.
fn is_off_by_zones(off_ms: i64, leeway_ms: i64) -> bool {
    let off_ms = off_ms.saturating_abs();
    let half_hours = (off_ms + HOUR_MS / 4) / (HOUR_MS / 2);
    let beside_ms = off_ms - half_hours * (HOUR_MS / 2);
    (2..=28).contains(&half_hours) && beside_ms.abs() <= leeway_ms.min(5 * MINUTE_MS)
}

/// Returns the time by which a request that begins now has to be answered.
fn deadline(ctx: &Ctx) -> Instant {
    let limit_ms = u64::try_from(ctx.config.request_time_limit_ms).unwrap_or_default();
    Instant::now() + Duration::from_millis(limit_ms)
}

impl SignedRequest {
    /// Checks the request against the endpoint's fields and returns them.
    pub fn check(&self, table: &[Field]) -> Result<RequestFields<'_>, Refusal> {
        self.given().check(table)?.check_unambiguous(table)
    }

    fn given(&self) -> RequestFields<'_> {
        RequestFields {
            fields: &self.fields,
            edition: self.edition,
            zone: &self.ctx.config.time_zone,
        }
    }

    /// Runs a use-case within the request's time limit. Returns `None` when the limit is reached; a refund that the
    /// use-case has begun continues.
    pub async fn with_time_limit<T>(
        &self,
        work: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        match timeout_at(self.deadline, work).await {
            Ok(done) => done.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Returns the mark by which a copy of this request is recognised.
    pub fn as_signed(&self) -> Result<refund::SignedRequest, Refusal> {
        let signer = Signer::of(&self.merchant, &self.merchant.secret, self.edition);
        // The text without the secret, which may be another by the time of a copy.
        let text = signer.shown_text(&self.fields);
        Ok(refund::SignedRequest {
            req_time: self.given().time(&field::REQ_TIME)?,
            digest: hex::encode(Sha256::digest(text)),
            edition: self.edition,
        })
    }

    /// Returns the form in which this request's edition writes amounts and moments.
    pub fn wire(&self) -> EditionFormat<'_> {
        EditionFormat {
            edition: self.edition,
            zone: &self.ctx.config.time_zone,
        }
    }

    /// Answers with the outcome of a use-case.
    pub fn answer<T: Serialize>(&self, outcome: Result<T>) -> Response {
        self.reply.with(outcome)
    }
}

/// Returns the error of a request whose time limit was reached before its outcome.
pub fn out_of_time() -> Error {
    Error::internal("a request did not end within its time limit")
}
