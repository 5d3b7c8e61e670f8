//! Crashes and faults: real processes on real databases, killed and starved under load, and an audit of
//! what is left. Each test prints what was survived; `make torture` runs them for longer.

#[path = "../support/mod.rs"]
mod support;

mod audit;
mod desk;
mod load;
mod merchant;
mod node;
mod postgres;
mod stepped_clock;

mod clock;
mod disk;
mod faults;
mod kills;
mod on_postgres;
