//! Tests of the whole server: its use-cases on real databases, its gateway over HTTP, and the program as a process.
//! They are one crate, because every test crate links the whole server again.
//!
//! Separate crates, each for its own reason:
//! - `layers` reads the source and needs no server: it answers in seconds.
//! - `query_plans` records every statement of its process, so no other test may run beside it.
//! - `simulation` uses all processors for its own threads, and sets its own duration.
//! - `torture` kills and starves processes: `make torture` runs it for a long time, one test after the other.

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod apps;
mod audit;
mod backup;
mod by_hand;
mod cli;
mod copy;
mod gateway;
mod node_numbers;
mod nodes;
mod notices;
mod operations;
mod readme;
mod refund_properties;
mod refund_retry;
mod restored;
mod scheduled;
mod settle_properties;
mod vault;
