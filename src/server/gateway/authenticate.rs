//! Authentication: reads a request, determines its edition and its app, and checks its signature and common fields.
//! The result is a [`SignedRequest`].

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::domain::audit::Origin;
use crate::domain::error::{Limited, Reason, Refusal};
use crate::domain::event::Actor;
use crate::domain::limits;
use crate::domain::merchant::{Edition, MerchantApp};
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::server::client_ip::ClientIp;
use crate::server::counters;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};
use crate::server::gateway::answer::Reply;
use crate::server::shares::Share;
use crate::server::trace::TraceId;
use crate::wire::data::EditionFormat;
use crate::wire::field::Field;
use crate::wire::json::Fields;
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

/// Authenticates a request. The reply gets the edition and the app as soon as they are known, so that refusals from
/// then on are signed.
async fn enter(
    request: Request,
    reply: &mut Reply,
) -> Result<(Arc<MerchantApp>, Fields, Share<String>)> {
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
    reply.merchant = Some(merchant.clone());
    if reply.edition == Edition::Single && !merchant.single_edition {
        return Err(Refusal::EditionNotEnabled.into());
    }
    if merchant.needs_signature() {
        given.check(&[field::SIGN])?;
        let signer = Signer {
            secret: merchant.secret.reveal(),
            sign_type: merchant.sign_type,
            edition: reply.edition,
        };
        if !signer.verifies(&fields, &given.needed(&field::SIGN)?) {
            return Err(Refusal::BadSignature.into());
        }
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
    let seconds = off_ms.saturating_abs() / SECOND_MS;
    match off_ms {
        off if off > merchant.req_time_leeway_ms => Err(Refusal::field(
            field::REQ_TIME.name,
            Reason::ClockAhead { seconds },
        )),
        off if off < -merchant.req_time_leeway_ms => Err(Refusal::field(
            field::REQ_TIME.name,
            Reason::ClockBehind { seconds },
        )),
        _ => Ok(()),
    }
}

/// Returns the time by which a request that begins now has to be answered.
fn deadline(ctx: &Ctx) -> Instant {
    let limit_ms = u64::try_from(ctx.config.request_time_limit_ms).unwrap_or_default();
    Instant::now() + Duration::from_millis(limit_ms)
}

impl SignedRequest {
    /// Checks the request against the endpoint's fields and returns them.
    pub fn check(&self, table: &[Field]) -> Result<RequestFields<'_>, Refusal> {
        let zone = &self.ctx.config.time_zone;
        let given = RequestFields {
            fields: &self.fields,
            edition: self.edition,
            zone,
        };
        given.check(table)?.check_unambiguous(table)
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
