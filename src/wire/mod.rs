//! The merchants' protocol, pure: JSON as it was written, signatures, the fields of requests, the bodies of
//! answers and notices, and codes. Nothing here does I/O, knows a clock or knows the server.

pub mod code;
pub mod data;
pub mod field;
pub mod json;
pub mod notice;
pub mod request;
pub mod sign;
