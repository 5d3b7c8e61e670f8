//! Conversion of the server's errors into those that pages show. A refusal keeps its reason; the cause of any other
//! error goes to the log, and the page shows the trace id.

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use leptos::prelude::*;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use leptos_axum::ResponseOptions;

use crate::console::preferences::Preferences;
use crate::console::texts;
use crate::console::view::{ApiError, ErrorKind};
use crate::domain::error::Refusal;
use crate::domain::limits;
use crate::server::desk::caller::is_page;
use crate::server::error::Error;
use crate::server::trace::TraceId;

impl From<Error> for ApiError {
    fn from(error: Error) -> ApiError {
        let mut error = match error {
            Error::Refused(refusal) => refused(refusal),
            Error::Internal(_) if error.is_commit_unknown() => {
                tracing::error!(%error, "an action may have taken place");
                refused(Refusal::Undecided)
            }
            Error::Internal(cause) => {
                tracing::error!(%cause, "the console could not be served");
                ApiError::of(ErrorKind::Internal, 500)
            }
        };
        error.trace = trace();
        // A page's response gets the HTTP status of the error here, a server function's answer in `with_status`. A
        // request without a login is redirected.
        if is_page()
            && error.kind != ErrorKind::NotLoggedIn
            && let Some(response) = use_context::<ResponseOptions>()
        {
            response.set_status(status(&error));
        }
        error
    }
}

/// Returns the request's trace id.
pub fn trace() -> Option<String> {
    let request = use_context::<Parts>()?;
    let trace = request.extensions.get::<TraceId>()?;
    Some(trace.0.clone())
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> ApiError {
        Error::Refused(refusal).into()
    }
}

/// Makes the page's error of a refusal, in the operator's language.
fn refused(refusal: Refusal) -> ApiError {
    let lang = use_context::<Preferences>().unwrap_or_default().lang;
    let (kind, status) = match &refusal {
        Refusal::NotLoggedIn => (ErrorKind::NotLoggedIn, 401),
        Refusal::Forbidden => (ErrorKind::Forbidden, 403),
        Refusal::AppNotEnabled => (ErrorKind::NoSuchApp, 404),
        Refusal::NoSuchOrder => (ErrorKind::NoSuchOrder, 404),
        Refusal::NoSuchRefund => (ErrorKind::NoSuchRefund, 404),
        Refusal::NoSuchPage | Refusal::NoSuchNotice => (ErrorKind::Refused, 404),
        Refusal::Unreadable { .. } => (ErrorKind::Unreadable, 400),
        Refusal::SyncUnderWay | Refusal::SubmissionUnderWay | Refusal::NoticeNotSendable => {
            (ErrorKind::Refused, 409)
        }
        Refusal::TooManyAttempts { .. } | Refusal::TooOften { .. } => (ErrorKind::Refused, 429),
        Refusal::Overloaded => (ErrorKind::Refused, 503),
        _ => (ErrorKind::Refused, 422),
    };
    let (field, text) = match refusal {
        Refusal::Field { field, reason } => (Some(field.into_owned()), reason.text(lang)),
        Refusal::WrongState { status } => (None, texts::wrong_state(&status, lang)),
        refusal => (None, texts::sentence(refusal.text(lang))),
    };
    ApiError {
        text,
        field,
        ..ApiError::of(kind, status)
    }
}

impl IntoResponse for ApiError {
    /// Answers a request whose route is neither a page nor a server function.
    fn into_response(self) -> Response {
        let lang = use_context::<Preferences>().unwrap_or_default().lang;
        (status(&self), self.text(lang)).into_response()
    }
}

/// Returns the HTTP status of an error.
fn status(error: &ApiError) -> StatusCode {
    StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Sets the HTTP status of a server function's error. leptos answers every error with 500, but a fault in a caller's
/// input is no failure of the server.
pub async fn with_status(response: Response) -> Response {
    let failed = response.status() == StatusCode::INTERNAL_SERVER_ERROR
        && response.headers().contains_key(SERVER_FN_ERROR_HEADER);
    if !failed {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, limits::BODY_BYTES).await.unwrap_or_default();
    if let Ok(error) = serde_json::from_slice::<ApiError>(&body) {
        parts.status = status(&error);
    }
    Response::from_parts(parts, Body::from(body))
}
