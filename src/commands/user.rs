//! The command `refundry user`.

use clap::{Args, Subcommand};
use refundry::domain::people::{Grant, Role, Scope};
use refundry::server::config::Offline;
use refundry::server::people;
use refundry::wire::field::local_text;

use super::secret::NewPassword;
use super::{Failure, one_of, open, origin, say};

#[derive(Subcommand)]
pub enum User {
    /// Add an operator
    Add {
        /// Name to log in with: letters and digits of any script, and . _ - @
        name: String,
        #[command(flatten)]
        grant: NewGrant,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        offline: Offline,
    },
    /// List the operators, each with its roles
    List(Offline),
    /// Give an operator a role, replacing the present one; it takes effect with the next request
    Grant {
        name: String,
        #[command(flatten)]
        grant: NewGrant,
        #[command(flatten)]
        offline: Offline,
    },
    /// Remove an operator's role; without any role the operator sees no app
    Revoke {
        name: String,
        /// App at which to remove the operator's own role [default: the role for all other apps]
        #[arg(long, value_name = "APP_ID")]
        app: Option<String>,
        #[command(flatten)]
        offline: Offline,
    },
    /// Lift the lock-outs of an operator's name after failed logins
    Unlock {
        name: String,
        #[command(flatten)]
        offline: Offline,
    },
    /// Let an operator log in again
    Enable {
        name: String,
        #[command(flatten)]
        offline: Offline,
    },
    /// Disable an operator's login, and end the operator's sessions
    Disable {
        name: String,
        #[command(flatten)]
        offline: Offline,
    },
    /// Delete an operator, and end the operator's sessions; the audit keeps what the operator did
    Delete {
        name: String,
        #[command(flatten)]
        offline: Offline,
    },
    /// Manage an operator's sessions
    #[command(subcommand)]
    Sessions(Sessions),
    /// Change an operator's password, lift lock-outs, and end the operator's sessions
    Password {
        name: String,
        #[command(flatten)]
        password: NewPassword,
        #[command(flatten)]
        offline: Offline,
    },
}

#[derive(Subcommand)]
pub enum Sessions {
    /// End all sessions of an operator, who may log in again
    End {
        name: String,
        #[command(flatten)]
        offline: Offline,
    },
}

#[derive(Args)]
pub struct NewGrant {
    /// Role: viewer reads; operator also moves money; auditor reads and exports; admin does everything
    #[arg(long, default_value = "operator", value_parser = one_of(Role::ALL, Role::as_str))]
    role: Role,
    /// App at which the operator has the role [default: all apps without a role of their own]
    #[arg(long, value_name = "APP_ID")]
    app: Option<String>,
}

impl NewGrant {
    fn grant(self) -> Grant {
        Grant {
            scope: scope(self.app),
            role: self.role,
        }
    }
}

fn scope(app: Option<String>) -> Scope {
    app.map_or(Scope::AllApps, |app_id| Scope::of(&app_id))
}

/// Returns a role as it is listed: `viewer`, or `viewer@SHOP` at one app.
fn listed(grant: &Grant) -> String {
    match &grant.scope {
        Scope::AllApps => grant.role.to_string(),
        Scope::App(app_id) => format!("{}@{app_id}", grant.role),
    }
}

/// Runs the command.
pub async fn run(user: User) -> Result<(), Failure> {
    let offline = match &user {
        User::List(offline) => offline,
        User::Add { offline, .. }
        | User::Enable { offline, .. }
        | User::Disable { offline, .. }
        | User::Grant { offline, .. }
        | User::Revoke { offline, .. }
        | User::Unlock { offline, .. }
        | User::Delete { offline, .. }
        | User::Sessions(Sessions::End { offline, .. })
        | User::Password { offline, .. } => offline,
    };
    let ctx = open(offline).await?;
    match user {
        User::Add {
            name,
            grant,
            password,
            ..
        } => {
            let password = password.read()?;
            let grant = grant.grant();
            let role = listed(&grant);
            people::add(&ctx, &name, grant, password.secret.reveal(), origin()).await?;
            say(format_args!("added {name}, {role}"));
            password.show();
        }
        User::List(_) => {
            let accounts = people::list(&ctx).await?;
            let row = |[name, roles, state, since]: [&str; 4]| {
                say(format_args!("{name:<24} {roles:<24} {state:<10} {since}"));
            };
            let zone = ctx.config.time_zone.iana_name().unwrap_or("UTC");
            row(["NAME", "ROLES", "STATE", &format!("SINCE ({zone})")]);
            for account in accounts {
                let state = if account.enabled {
                    "enabled"
                } else {
                    "disabled"
                };
                let since = local_text(account.created_at, &ctx.config.time_zone);
                let roles: Vec<_> = account.grants.iter().map(listed).collect();
                let roles = match roles.is_empty() {
                    true => "none".to_owned(),
                    false => roles.join(","),
                };
                row([&account.name, &roles, state, &since]);
            }
        }
        User::Grant { name, grant, .. } => {
            let grant = grant.grant();
            let role = listed(&grant);
            people::grant(&ctx, &name, grant, origin()).await?;
            say(format_args!("{name} has the role {role}"));
        }
        User::Revoke { name, app, .. } => {
            people::revoke(&ctx, &name, scope(app), origin()).await?;
            say(format_args!("{name} no longer has the role"));
        }
        User::Unlock { name, .. } => {
            people::unlock(&ctx, &name, origin()).await?;
            say(format_args!("{name} may try to log in again"));
        }
        User::Enable { name, .. } => {
            people::set_enabled(&ctx, &name, true, origin()).await?;
            say(format_args!("{name} may log in"));
        }
        User::Disable { name, .. } => {
            people::set_enabled(&ctx, &name, false, origin()).await?;
            say(format_args!(
                "{name} may no longer log in, and is logged out"
            ));
        }
        User::Delete { name, .. } => {
            people::delete(&ctx, &name, origin()).await?;
            say(format_args!("deleted {name}"));
        }
        User::Sessions(Sessions::End { name, .. }) => {
            people::end_sessions(&ctx, &name, origin()).await?;
            say(format_args!("{name} is logged out everywhere"));
        }
        User::Password { name, password, .. } => {
            let password = password.read()?;
            people::set_password(&ctx, &name, password.secret.reveal(), origin()).await?;
            say(format_args!("{name} has a new password, and is logged out"));
            password.show();
        }
    }
    ctx.db.close().await;
    Ok(())
}
