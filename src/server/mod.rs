//! Everything that does I/O: the server around the domain.

pub mod app;
pub mod assets;
pub mod breakers;
pub mod channel;
pub mod clock;
pub mod config;
pub mod console;
pub mod copy;
pub mod db;
pub mod demo;
pub mod docs;
pub mod error;
pub mod health;
pub mod import;
pub mod jobs;
pub mod json;
pub mod merchants;
pub mod metrics;
pub mod notices;
pub mod numbers;
pub mod openapi;
pub mod operators;
pub mod orders;
pub mod passwords;
pub mod refunds;
pub mod router;
pub mod serve;
pub mod sessions;
pub mod sign;
pub mod store;
pub mod telemetry;
#[cfg(test)]
mod testing;
pub mod trace;
pub mod unipay;
