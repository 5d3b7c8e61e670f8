//! What the browser may ask of the server. Every function is thin: it finds out who asks, and makes
//! one call into [`crate::server::desk`]. Rendering on the server calls the same functions.
//!
//! Reading functions are `GET` (`input = GetUrl`) and answer [`Packed`]; everything that changes
//! something is `POST` and guarded against other sites.

mod json;
pub mod layout;
pub mod lists;
pub mod orders;
mod packed;
pub mod records;
pub mod refunds;

pub use json::{Json, JsonText};
pub use packed::Packed;

use leptos::prelude::*;
use leptos::server_fn::error::ServerFnErrorErr;

use crate::console::view::{ApiError, ErrorKind};

impl FromServerFnError for ApiError {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> ApiError {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                ApiError::of(ErrorKind::Unreadable, 400)
            }
            ServerFnErrorErr::Request(_)
            | ServerFnErrorErr::Response(_)
            | ServerFnErrorErr::Deserialization(_) => ApiError::unreachable(),
            _ => ApiError::of(ErrorKind::Internal, 500),
        }
    }
}
