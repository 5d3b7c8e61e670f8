//! The operators: accounts, grants of roles, logins and sessions.

mod accounts;
pub mod devices;
mod grants;
pub mod lockout;
mod login;
pub mod login_limits;
pub mod passwords;
pub mod sessions;

pub use accounts::{
    add, check_password, delete, end_sessions, list, set_enabled, set_password, unlock,
};
pub use grants::{grant, operator, revoke};
pub use lockout::clean_up;
pub use login::login;
pub use passwords::{DEMO_HASH, DEMO_PASSWORD};

use crate::domain::audit::{Act, Action, Origin, SubjectKind};
use crate::domain::error::{Reason, Refusal};
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};

/// Makes an act on an operator's account.
fn act(ctx: &Ctx, by: impl Into<Origin>, action: Action, name: &str) -> Act {
    let subject = (SubjectKind::Operator, name);
    Act::new(ctx.clock.now(), &by.into(), action, subject)
}

/// Returns the refusal of an unknown operator's name.
fn nobody() -> Error {
    Refusal::field("name", Reason::Unknown).into()
}

/// Tells whether a name may hold a character: letters and digits of any script and `. _ - @`. Names are logged, shown
/// and compared, so others are refused.
fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || "._-@".contains(c)
}

fn within(field: &'static str, text: &str, min: usize, max: usize) -> Result<()> {
    let reason = match text.chars().count() {
        0 => Reason::Missing,
        length if length < min => Reason::TooShort { min },
        length if length > max => Reason::TooLong { max },
        _ => return Ok(()),
    };
    Err(Refusal::field(field, reason).into())
}
