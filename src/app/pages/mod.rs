//! The screens, one file each.

mod help;
mod home;
mod login;
mod not_found;
mod order;
mod orders;
mod part;
mod refund;
mod refund_order;
mod refunds;

pub use help::HelpPage;
pub use home::HomePage;
pub use login::LoginPage;
pub use not_found::NotFoundPage;
pub use order::OrderPage;
pub use orders::OrdersPage;
pub use part::{Part, is_in_part, load_for};
pub use refund::{CloseRefundPage, RefundPage, RetryRefundPage};
pub use refund_order::RefundOrderPage;
pub use refunds::RefundsPage;
