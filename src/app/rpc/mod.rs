//! What the browser may ask of the server. Every function is thin: it finds out who asks, and makes
//! one call into [`crate::server::console`]. Rendering on the server calls the same functions.
//!
//! Reading functions are `GET` (`input = GetUrl`) and answer [`Packed`], everything that changes something is `POST` and
//! guarded against other sites.

pub mod desk;
mod json;
pub mod orders;
mod packed;
pub mod refunds;

pub use json::{Json, JsonText};
pub use packed::Packed;

use leptos::prelude::*;
use leptos::server_fn::error::ServerFnErrorErr;
use serde::{Deserialize, Serialize};

use crate::domain::error::Refusal;
use crate::domain::lang::Lang;

/// Why a call to the server did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// Finds the request in the server's log. None where the server was not reached.
    pub trace: Option<String>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TroubleKind {
    /// The server refused, and says why.
    Refused(Refusal),
    /// The server failed. The cause is in its log only.
    Internal,
    /// The server was not reached, or what came back is not an answer of ours.
    Unreachable,
}

impl Trouble {
    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.kind {
            TroubleKind::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The field at fault, if one is named.
    pub fn field(&self) -> Option<&str> {
        self.refusal().and_then(Refusal::field_name)
    }

    /// The message where it stands at the field: without its name.
    pub fn at_field(&self, lang: Lang) -> String {
        match self.refusal() {
            Some(Refusal::Field { reason, .. }) => sentence(reason.text(lang)),
            _ => self.text(lang),
        }
    }

    /// The message.
    pub fn text(&self, lang: Lang) -> String {
        match &self.kind {
            TroubleKind::Refused(Refusal::WrongState { status }) => {
                super::words::wrong_state(status, lang)
            }
            TroubleKind::Refused(refusal) => sentence(refusal.text(lang)),
            TroubleKind::Internal => super::words::INTERNAL.get(lang).to_owned(),
            TroubleKind::Unreachable => super::words::UNREACHABLE.get(lang).to_owned(),
        }
    }
}

/// Begins with a capital letter, where the script has them.
fn sentence(text: String) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().collect::<String>() + chars.as_str(),
        None => text,
    }
}

impl FromServerFnError for Trouble {
    type Encoder = JsonText;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Trouble {
        let kind = match error {
            ServerFnErrorErr::Args(why) | ServerFnErrorErr::MissingArg(why) => {
                TroubleKind::Refused(Refusal::Unreadable { why })
            }
            ServerFnErrorErr::Request(_)
            | ServerFnErrorErr::Response(_)
            | ServerFnErrorErr::Deserialization(_) => TroubleKind::Unreachable,
            _ => TroubleKind::Internal,
        };
        Trouble { kind, trace: None }
    }
}
