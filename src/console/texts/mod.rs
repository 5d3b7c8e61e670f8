//! Every text of the console, in both languages side by side. One thing has one word everywhere.

mod audit;
mod common;
mod events;
mod layout;
mod lists;
mod orders;
mod records;
mod refunds;
mod restored;
mod terms;

pub use audit::*;
pub use common::*;
pub use events::*;
pub use layout::*;
pub use lists::*;
pub use orders::*;
pub use records::*;
pub use refunds::*;
pub use restored::*;
pub use terms::*;
