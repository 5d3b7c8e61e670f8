//! The errors that a page shows.

use serde::{Deserialize, Serialize};

use crate::console::texts;
use crate::domain::lang::Lang;
use crate::domain::string_enum;

/// Why a call to the server did not succeed: what the server made of its error for this operator. The
/// browser knows only what it treats in a way of its own, and shows the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    pub kind: ErrorKind,
    /// What is wrong, in the operator's language; empty where the cause says it all.
    pub text: String,
    /// The field that it is about. The text does not name it, and goes on from its name.
    pub field: Option<String>,
    /// Finds the request in the server's log. None where the server was not reached.
    pub trace: Option<String>,
    /// The HTTP status that goes with it.
    pub status: u16,
}

string_enum! {
    /// What went wrong, as far as the browser treats it in a way of its own.
    ErrorKind {
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

impl ApiError {
    /// One that the cause says all about.
    pub fn of(kind: ErrorKind, status: u16) -> ApiError {
        ApiError {
            kind,
            text: String::new(),
            field: None,
            trace: None,
            status,
        }
    }

    /// The server was not reached.
    pub fn unreachable() -> ApiError {
        ApiError::of(ErrorKind::Unreachable, 502)
    }

    /// The message.
    pub fn text(&self, lang: Lang) -> String {
        let fixed = match self.kind {
            ErrorKind::Internal => texts::INTERNAL,
            ErrorKind::Unreachable => texts::UNREACHABLE,
            ErrorKind::Unreadable => texts::UNREADABLE,
            _ => return self.text.clone(),
        };
        fixed.get(lang).to_owned()
    }
}
