//! Tests of the whole server: its use-cases on real databases, its gateway over HTTP, and the program as a
//! process. One crate, because each test crate links the whole server once more.
//!
//! Crates of their own, for the reason given with each:
//! - `layers` reads the source and needs no server: it answers in seconds.
//! - `query_plans` catches every statement that its process runs: no other test may run beside it.
//! - `simulation` takes all processors for its own threads, and its time is set by itself.
//! - `torture` kills and starves processes: run by `make torture` for long, one test after the other.

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod audit;
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
mod scheduled;
mod settle_properties;
mod vault;
