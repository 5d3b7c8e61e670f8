//! Crashes and faults: real processes on real databases, killed and starved under load, with a check of everything
//! afterwards. Each test prints its counts; `make torture` runs the tests for longer.

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
