//! The codes of the gateway's answers.

use crate::domain::error::Refusal;
use crate::domain::merchant::Edition;

/// The `code` of an answer; 0 means accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub i32);

impl Code {
    pub const ACCEPTED: Code = Code(0);
    /// An internal error; the answer carries a trace id.
    pub const INTERNAL: Code = Code(10500);

    /// Returns the code of a refusal. One refusal has another code in each edition.
    pub fn of(refusal: &Refusal, edition: Edition) -> Code {
        match (refusal, edition) {
            (Refusal::SyncUnderWay, Edition::Single) => Code(10007),
            _ => Code(refusal.code()),
        }
    }
}
