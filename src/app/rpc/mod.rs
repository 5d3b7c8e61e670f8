//! What the browser may ask of the server. Every function is thin: it finds out who asks, and makes
//! one call into [`crate::server::console`]. Rendering on the server calls the same functions.
//!
//! Reading functions are `GET` (`input = GetUrl`) and answer [`Packed`]; everything that changes
//! something is `POST` and guarded against other sites.

pub mod desk;
mod json;
pub mod lists;
pub mod orders;
mod packed;
pub mod records;
pub mod refunds;

pub use json::{Json, JsonText};
pub use packed::Packed;

use leptos::prelude::*;
use leptos::server_fn::error::ServerFnErrorErr;
use serde::{Deserialize, Serialize};

use crate::domain::lang::Lang;
use crate::domain::words;

/// Why a call to the server did not succeed: what the server made of its error for this operator. The
/// browser knows only what it treats in a way of its own, and shows the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub cause: Cause,
    /// What is wrong, in the operator's language; empty where the cause says it all.
    pub text: String,
    /// The field that it is about. The text does not name it, and goes on from its name.
    pub field: Option<String>,
    /// Finds the request in the server's log. None where the server was not reached.
    pub trace: Option<String>,
    /// The HTTP status that goes with it.
    pub status: u16,
}

words! {
    /// What went wrong, as far as the browser treats it in a way of its own.
    Cause {
        /// Nobody is logged in, or the login has ended.
        NotLoggedIn = "not_logged_in",
        Forbidden = "forbidden",
        NoSuchApp = "no_such_app",
        NoSuchOrder = "no_such_order",
        NoSuchRefund = "no_such_refund",
        /// Any other refusal. The text says why.
        Refused = "refused",
        /// What was sent cannot be read.
        Unreadable = "unreadable",
        /// The server failed. The cause is in its log only.
        Internal = "internal",
        /// The server was not reached, or what came back is not an answer of ours.
        Unreachable = "unreachable",
    }
}

impl Trouble {
    /// One that the cause says all about.
    pub fn of(cause: Cause, status: u16) -> Trouble {
        Trouble {
            cause,
            text: String::new(),
            field: None,
            trace: None,
            status,
        }
    }

    /// The server was not reached.
    pub fn unreachable() -> Trouble {
        Trouble::of(Cause::Unreachable, 502)
    }

    /// The message.
    pub fn text(&self, lang: Lang) -> String {
        let fixed = match self.cause {
            Cause::Internal => super::words::INTERNAL,
            Cause::Unreachable => super::words::UNREACHABLE,
            Cause::Unreadable => super::words::UNREADABLE,
            _ => return self.text.clone(),
        };
        fixed.get(lang).to_owned()
    }
}

impl FromServerFnError for Trouble {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Trouble {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Trouble::of(Cause::Unreadable, 400)
            }
            ServerFnErrorErr::Request(_)
            | ServerFnErrorErr::Response(_)
            | ServerFnErrorErr::Deserialization(_) => Trouble::unreachable(),
            _ => Trouble::of(Cause::Internal, 500),
        }
    }
}
