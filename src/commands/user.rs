//! The command `refundry user`.

use clap::Subcommand;
use refundry::domain::people::Role;
use refundry::server::config::Offline;
use refundry::server::people;
use refundry::wire::field::local_text;

use super::secret::NewPassword;
use super::{Failure, one_of, open, say};

#[derive(Subcommand)]
pub enum User {
    /// Add an operator
    Add {
        /// Name to log in with: letters and digits of any script, and . _ - @
        name: String,
        /// What the operator may do: look, move money, everything
        #[arg(long, default_value = "operator", value_parser = one_of(Role::ALL, Role::as_str))]
        role: Role,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        offline: Offline,
    },
    /// List the operators
    List(Offline),
    /// Let an operator log in again
    Enable {
        name: String,
        #[command(flatten)]
        offline: Offline,
    },
    /// Let an operator no longer log in, and end the sessions there are
    Disable {
        name: String,
        #[command(flatten)]
        offline: Offline,
    },
    /// Change an operator's password, lift a lock-out, and end the sessions there are
    Password {
        name: String,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        offline: Offline,
    },
}

/// Runs the command.
pub async fn run(user: User) -> Result<(), Failure> {
    let offline = match &user {
        User::List(offline) => offline,
        User::Add { offline, .. }
        | User::Enable { offline, .. }
        | User::Disable { offline, .. }
        | User::Password { offline, .. } => offline,
    };
    let ctx = open(offline).await?;
    match user {
        User::Add {
            name,
            role,
            password,
            ..
        } => {
            let password = password.read()?;
            people::add(&ctx, &name, role, &password.text).await?;
            say(format_args!("added {name}, {role}"));
            password.show();
        }
        User::List(_) => {
            let accounts = people::list(&ctx).await?;
            let row = |[name, role, state, since]: [&str; 4]| {
                say(format_args!("{name:<24} {role:<10} {state:<10} {since}"));
            };
            let zone = ctx.config.time_zone.iana_name().unwrap_or("UTC");
            row(["NAME", "ROLE", "STATE", &format!("SINCE ({zone})")]);
            for account in accounts {
                let state = if account.enabled {
                    "enabled"
                } else {
                    "disabled"
                };
                let since = local_text(account.created_at, &ctx.config.time_zone);
                row([&account.name, account.role.as_str(), state, &since]);
            }
        }
        User::Enable { name, .. } => {
            people::set_enabled(&ctx, &name, true).await?;
            say(format_args!("{name} may log in"));
        }
        User::Disable { name, .. } => {
            people::set_enabled(&ctx, &name, false).await?;
            say(format_args!(
                "{name} may no longer log in, and is logged out"
            ));
        }
        User::Password { name, password, .. } => {
            let password = password.read()?;
            people::set_password(&ctx, &name, &password.text).await?;
            say(format_args!("{name} has a new password, and is logged out"));
            password.show();
        }
    }
    ctx.db.close().await;
    Ok(())
}
