//! Observation of the running server: health, figures, traces and logs.

pub mod database_gauges;
pub mod exporter;
pub mod health;
pub mod telemetry;
