//! The console's server side: who asks, and what its pages are given. The functions of
//! [`crate::console::rpc`] come in here, with one call each.

pub mod callbacks;
pub mod caller;
pub mod csrf;
pub mod errors;
pub mod find;
pub mod layout;
pub mod lists;
pub mod notices;
pub mod orders;
pub mod refunds;
mod review_queue;
mod syncs;
mod times;
