//! The pages, one file each; those of an order and a refund are folders.

mod audit;
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
mod refunds;
mod restored;

pub use audit::{AuditCheckPage, AuditPage};
pub use callback::CallbackPage;
pub use help::HelpPage;
pub use home::HomePage;
pub use lazy::{LazyPage, is_lazy, load_for};
pub use login::LoginPage;
pub use not_found::NotFoundPage;
pub use notice::{NoticePage, SendNoticePage};
pub use order::{OrderPage, RefundOrderPage};
pub use orders::OrdersPage;
pub use records::{CallbacksPage, NoticesPage, ReviewQueuePage, SyncsPage};
pub use refund::{BookRefundPage, CloseRefundPage, RefundPage, RetryRefundPage, ReviewRefundPage};
pub use refunds::RefundsPage;
pub use restored::RestoredPage;
