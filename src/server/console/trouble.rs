//! From the server's error to what a page can show: refusals as they are, everything else as a trace
//! id, its cause in the log.

use axum::body::{Body, to_bytes};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use leptos::prelude::*;
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use leptos_axum::ResponseOptions;

use super::caller::is_page;
use crate::app::rpc::{Trouble, TroubleKind};
use crate::domain::error::Refusal;
use crate::domain::limits;
use crate::server::error::Error;
use crate::server::trace::TraceId;

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        let trace = use_context::<Parts>()
            .and_then(|request| request.extensions.get::<TraceId>().cloned())
            .map(|trace| trace.0);
        let kind = match error {
            Error::Refused(refusal) => TroubleKind::Refused(refusal),
            Error::Internal(cause) => {
                tracing::error!(%cause, "the console could not be served");
                TroubleKind::Internal
            }
        };
        let trouble = Trouble { kind, trace };
        // A page that cannot be shown says so to machines too; a function's answer gets its status
        // from `with_status`, and who is not logged in is sent on.
        let status = trouble.status();
        if is_page()
            && status != StatusCode::UNAUTHORIZED
            && let Some(response) = use_context::<ResponseOptions>()
        {
            response.set_status(status);
        }
        trouble
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Trouble {
        Error::Refused(refusal).into()
    }
}

impl Trouble {
    fn status(&self) -> StatusCode {
        match &self.kind {
            TroubleKind::Refused(refusal) => match refusal {
                Refusal::NotLoggedIn | Refusal::WrongLogin => StatusCode::UNAUTHORIZED,
                Refusal::Forbidden => StatusCode::FORBIDDEN,
                Refusal::NoSuchPage
                | Refusal::NoSuchOrder
                | Refusal::NoSuchRefund
                | Refusal::AppNotEnabled => StatusCode::NOT_FOUND,
                Refusal::Unreadable { .. } => StatusCode::BAD_REQUEST,
                Refusal::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
                Refusal::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
                Refusal::SyncUnderWay | Refusal::SubmissionUnderWay => StatusCode::CONFLICT,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            },
            TroubleKind::Internal | TroubleKind::Unreachable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Gives the answer of a server function the status that fits its trouble: the framework says 500 of
/// every one, and nothing that a caller sends is our failure.
pub async fn with_status(response: Response) -> Response {
    let failed = response.status() == StatusCode::INTERNAL_SERVER_ERROR
        && response.headers().contains_key(SERVER_FN_ERROR_HEADER);
    if !failed {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, limits::BODY_BYTES).await.unwrap_or_default();
    if let Ok(trouble) = serde_json::from_slice::<Trouble>(&body) {
        parts.status = trouble.status();
    }
    Response::from_parts(parts, Body::from(body))
}
