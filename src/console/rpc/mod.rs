//! The server functions. Each makes one call into [`crate::server::desk`], which first authorises the caller. When the
//! server renders a page, it calls the same functions.
//!
//! Reading functions are `GET` (`input = GetUrl`) and answer a type of [`mod@crate::console::view`]. Functions that change
//! something are `POST`, guarded against other sites, and redirect to a page.

pub mod layout;
pub mod lists;
pub mod orders;
pub mod records;
pub mod refunds;
pub mod restored;

use leptos::prelude::*;
use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::ServerFnErrorErr;

use crate::console::view::{ApiError, ErrorKind};

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

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
