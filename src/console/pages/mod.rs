//! The pages, one file each.

mod callback;
mod help;
mod home;
mod lazy;
mod login;
mod not_found;
mod notice;
mod order;
mod orders;
mod records;
mod refund;
mod refund_order;
mod refunds;

pub use callback::CallbackPage;
pub use help::HelpPage;
pub use home::HomePage;
pub use lazy::{LazyPage, is_lazy, load_for};
pub use login::LoginPage;
pub use not_found::NotFoundPage;
pub use notice::{NoticePage, SendNoticePage};
pub use order::OrderPage;
pub use orders::OrdersPage;
pub use records::{CallbacksPage, NoticesPage, ReviewQueuePage, SyncsPage};
pub use refund::{CloseRefundPage, RefundPage, RetryRefundPage, ReviewRefundPage};
pub use refund_order::RefundOrderPage;
pub use refunds::RefundsPage;
