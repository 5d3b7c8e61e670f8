//! Passwords and secrets: read without echo, or generated and shown once.

use std::io::{IsTerminal, stdin};

use clap::Args;
use rand::distr::{Alphanumeric, SampleString};
use refundry::domain::secret::Secret;

use super::{Failure, say};

#[derive(Args)]
pub struct NewPassword {
    /// Read the password from the standard input; otherwise it is prompted for at a terminal, or, where there is none,
    /// generated and shown once
    #[arg(long)]
    password_stdin: bool,
}

/// A password or a secret.
pub struct NewSecret {
    pub secret: Secret,
    /// Name under which a generated secret is shown; `None` for one that was entered.
    shown_as: Option<&'static str>,
}

impl NewSecret {
    pub fn entered(secret: Secret) -> NewSecret {
        NewSecret {
            secret,
            shown_as: None,
        }
    }

    pub fn made(name: &'static str, chars: usize) -> NewSecret {
        NewSecret {
            secret: Alphanumeric.sample_string(&mut rand::rng(), chars).into(),
            shown_as: Some(name),
        }
    }

    pub fn show(&self) {
        if let Some(name) = self.shown_as {
            let secret = self.secret.reveal();
            say(format_args!("{name}: {secret} (shown this once)"));
        }
    }
}

impl NewPassword {
    pub fn read(&self) -> Result<NewSecret, Failure> {
        if self.password_stdin {
            return line_of_input().map(NewSecret::entered);
        }
        if !stdin().is_terminal() {
            return Ok(NewSecret::made("password", 16));
        }
        let ask = |prompt| {
            let typed = rpassword::prompt_password(prompt).map_err(Failure::Input);
            typed.map(Secret::from)
        };
        let password = ask("New password: ")?;
        match ask("The same again: ")?.is(password.reveal()) {
            true => Ok(NewSecret::entered(password)),
            false => Err(Failure::Differ),
        }
    }
}

/// Reads a line of the standard input, without its line end.
pub fn line_of_input() -> Result<Secret, Failure> {
    let mut line = String::new();
    stdin().read_line(&mut line).map_err(Failure::Input)?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line.into())
}
