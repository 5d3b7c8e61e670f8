//! The server as whoever runs it meets it: its health, its figures, its log, its traces, and the
//! files of `deploy/`. Real processes throughout.

mod figures;
mod files;
mod health;
mod logs;
mod node;
mod order_page;
mod people;
mod traces;
