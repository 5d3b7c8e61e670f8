//! The errors that pages show.

use serde::{Deserialize, Serialize};

use crate::console::texts;
use crate::domain::lang::Lang;
use crate::domain::string_enum;

/// The error of a call to the server, in the operator's language. The browser treats some kinds specially, and shows
/// the text of the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    pub kind: ErrorKind,
    /// The message in the operator's language; empty for kinds that have a fixed one.
    pub text: String,
    /// The field at fault. The text does not name the field; it continues the field's name.
    pub field: Option<String>,
    /// The trace id, which finds the request in the server's log; `None` where the server was not reached.
    pub trace: Option<String>,
    /// The HTTP status of the answer.
    pub status: u16,
}

string_enum! {
    /// The kinds of errors that the browser distinguishes.
    ErrorKind {
        /// Nobody is logged in, or the login has ended.
        NotLoggedIn = "not_logged_in",
        Forbidden = "forbidden",
        NoSuchApp = "no_such_app",
        NoSuchOrder = "no_such_order",
        NoSuchRefund = "no_such_refund",
        /// Any other refusal. The text says why.
        Refused = "refused",
        /// The request cannot be read.
        Unreadable = "unreadable",
        /// The server failed. The cause is in its log only.
        Internal = "internal",
        /// The server was not reached, or the answer is not ours.
        Unreachable = "unreachable",
    }
}

impl ApiError {
    /// Makes an error without further text, which its kind describes fully.
    pub fn of(kind: ErrorKind, status: u16) -> ApiError {
        ApiError {
            kind,
            text: String::new(),
            field: None,
            trace: None,
            status,
        }
    }

    /// Makes the error of a server that was not reached.
    pub fn unreachable() -> ApiError {
        ApiError::of(ErrorKind::Unreachable, 502)
    }

    /// Returns the message.
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
