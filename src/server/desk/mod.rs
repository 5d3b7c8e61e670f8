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
