//! The running program: routes, listeners, jobs, embedded files, and the copy of a database.

pub mod assets;
pub mod copy;
pub mod jobs;
pub mod pages;
pub mod router;
pub mod serve;
