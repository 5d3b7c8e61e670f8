//! The screens, one file each.

mod help;
mod home;
mod login;
mod not_found;
mod orders;

pub use help::HelpPage;
pub use home::HomePage;
pub use login::LoginPage;
pub use not_found::NotFoundPage;
pub use orders::OrdersPage;
