//! The running program: the routes, the listeners, the jobs, the embedded files, and copying a database.

pub mod assets;
pub mod copy;
pub mod jobs;
pub mod pages;
pub mod router;
pub mod serve;
