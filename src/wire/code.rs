//! The codes of answers.

use crate::domain::error::Refusal;
use crate::domain::merchant::Edition;

/// The `code` of an answer; 0: accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub i32);

impl Code {
    pub const ACCEPTED: Code = Code(0);
    /// Something of ours broke; the caller gets a trace id.
    pub const INTERNAL: Code = Code(10500);

    /// Returns the code of a refusal, which for one of them depends on the edition.
    pub fn of(refusal: &Refusal, edition: Edition) -> Code {
        match (refusal, edition) {
            (Refusal::SyncUnderWay, Edition::Single) => Code(10007),
            _ => Code(refusal.code()),
        }
    }
}
