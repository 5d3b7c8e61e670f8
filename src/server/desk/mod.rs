//! The console's server side: authorises callers and makes the data of pages. Each function of [`crate::console::rpc`]
//! makes one call into it.

mod accounts;
pub mod audit;
pub mod callbacks;
pub mod caller;
pub mod errors;
pub mod find;
pub mod headers;
pub mod layout;
pub mod lists;
pub mod notices;
pub mod orders;
pub mod refunds;
pub mod restored;
mod review_queue;
mod syncs;
mod times;

use crate::domain::error::{Reason, Refusal};
use crate::domain::limits;

/// Returns an operator's remark without the space around it; it may be empty.
///
/// # Errors
/// Refuses one that is too long, by the name of its field.
fn remark<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Refusal> {
    let (text, max) = (text.trim(), limits::REMARK_CHARS);
    match text.chars().count() > max {
        true => Err(Refusal::field(field, Reason::TooLong { max })),
        false => Ok(text),
    }
}

/// Returns an operator's remark that has to be given.
///
/// # Errors
/// Refuses one that is missing or too long, by the name of its field.
fn needed_remark<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Refusal> {
    match remark(field, text)? {
        "" => Err(Refusal::field(field, Reason::Missing)),
        given => Ok(given),
    }
}
