//! The running program: routes, listeners, bodies of requests, jobs, embedded files, and the copy of a database.

pub mod assets;
mod body;
pub mod copy;
pub mod jobs;
pub mod listener;
pub mod pages;
pub mod router;
pub mod serve;
