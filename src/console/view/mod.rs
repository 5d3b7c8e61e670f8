//! The data that the server passes to pages, ready to be shown.

mod detail;
mod error;
mod list;
mod local_time;
mod navigation;
mod order;
pub mod query;
mod refund;
pub mod refund_form;
mod state;
mod time;

pub use detail::{DetailAction, DetailLine, DetailView, Section, Verbatim};
pub use error::{ApiError, ErrorKind};
pub use list::{Cell, Chip, Link, ListName, ListView};
pub use local_time::LocalTime;
pub use navigation::{Navigation, RestoredNotice};
pub use order::{MovementOfOrder, OrderView, RefundOfOrder};
pub use refund::{AllowedActions, RefundView};
pub use state::{State, Tone};
pub use time::{Days, Entry, Stamp};
