//! The parts that pages are made of. None of them knows a page.

mod action;
mod ask;
mod badge;
mod chips;
mod confirm;
mod dialog;
mod facts;
mod filters;
mod frame;
mod hands;
mod icon;
mod note;
mod number;
mod page;
mod pager;
mod returning;
mod table;
mod timeline;

pub use action::*;
pub use ask::*;
pub use badge::*;
pub use chips::*;
pub use confirm::*;
pub use dialog::*;
pub use facts::*;
pub use filters::*;
pub use frame::*;
pub use hands::*;
pub use icon::*;
pub use note::*;
pub use number::*;
pub use page::*;
pub use pager::*;
pub use table::*;
pub use timeline::*;
