//! The merchants' gateway from outside: the real router over HTTP.

mod bad_input;
mod clients;
mod docs;
mod editions;
mod examples;
mod orders;
mod rates;
mod refunds;
mod sandbox;
mod signatures;
mod wire;
