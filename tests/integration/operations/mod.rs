//! The server from its administrator's side: health, figures, log, traces, and the files of `deploy/`. All tests use
//! real processes.

mod figures;
mod files;
mod floods;
mod health;
mod logs;
pub mod node;
mod order_page;
mod people;
mod proxy;
mod traces;
