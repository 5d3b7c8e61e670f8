//! The server: everything that does I/O.

pub mod audit;
pub mod backup;
pub mod balances;
pub mod channels;
pub mod checkup;
pub mod client_ip;
pub mod clock;
pub mod config;
pub mod counters;
pub mod ctx;
pub mod db;
pub mod desk;
pub mod error;
pub mod gateway;
pub mod merchants;
pub mod node_lease;
pub mod notices;
pub mod numbers;
pub mod orders;
pub mod outbound;
pub mod people;
pub mod rate_limits;
pub mod recent;
pub mod refunds;
pub mod restoration;
pub mod retention;
pub mod run;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
pub mod trace;
pub mod vault;
pub mod watch;
