//! Everything that does I/O: the server around the domain.

pub mod app;
pub mod assets;
pub mod channel;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod json;
pub mod numbers;
pub mod orders;
pub mod refunds;
pub mod router;
pub mod sign;
pub mod store;
pub mod trace;
pub mod unipay;
