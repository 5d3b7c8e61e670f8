//! The merchants' protocol: JSON with its digits kept, signatures, the fields of requests, the bodies of answers and
//! notices, and codes. Nothing here does I/O, reads a clock or depends on the server.

pub mod code;
pub mod data;
pub mod field;
pub mod json;
pub mod notice;
pub mod request;
pub mod sign;
