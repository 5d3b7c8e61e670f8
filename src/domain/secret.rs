//! Secrets: a type that cannot be printed, and the text that stands for a secret in the database.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret: an app's key, a password, or an address with a password in it. Only [`Secret::reveal`] gives access to
/// its text. Its memory is cleared when it is dropped.
///
/// It has no `Display` and no `Serialize`:
///
/// ```compile_fail
/// # use refundry::domain::secret::Secret;
/// format!("{}", Secret::from("a key"));
/// ```
///
/// ```compile_fail
/// # use refundry::domain::secret::Secret;
/// serde_json::to_string(&Secret::from("a key"));
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Returns the secret's text, for the one call that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares the secret with a text. The time taken does not depend on where they differ.
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A secret as stored: sealed, so that it can be read only with the server's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(pub String);

/// Text that replaces a password.
const HIDDEN: &str = "***";

/// Returns an address fit to be shown: all that could be a password is replaced, even where the address cannot be
/// parsed.
pub fn without_password(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), url),
    };
    let rest = match rest.rsplit_once('@') {
        Some((who, place)) => match who.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{place}"),
            None => rest.to_owned(),
        },
        None => rest.to_owned(),
    };
    let shown = match rest.split_once("password=") {
        Some((before, _)) => format!("{before}password={HIDDEN}"),
        None => rest,
    };
    scheme + &shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::merchant::MerchantApp;

    #[test]
    fn a_secret_is_not_printed_alone_or_within_others() {
        let secret = Secret::from("horse-battery");
        let app: MerchantApp = crate::demo::merchant().with_secret(secret.clone());
        for printed in [
            format!("{secret:?}"),
            format!("{secret:#?}"),
            format!("{:?}", Some(&secret)),
            format!("{app:?}"),
        ] {
            assert!(!printed.contains("horse"), "{printed}");
        }
        assert!(secret.is("horse-battery") && !secret.is("horse") && !secret.is(""));
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (url, shown) in [
            ("sqlite://a.db?mode=rwc", "sqlite://a.db?mode=rwc"),
            ("postgres://u@h:5432/d", "postgres://u@h:5432/d"),
            ("postgres://u:secret@h:5432/d", "postgres://u:***@h:5432/d"),
            ("postgres://u:se/c@r:et@h/d", "postgres://u:***@h/d"),
            (
                "postgres://h/d?password=secret",
                "postgres://h/d?password=***",
            ),
            ("u:secret@h", "u:***@h"),
            ("https://u:secret@h/told?of=1", "https://u:***@h/told?of=1"),
            ("https://h:8080/told?of=1", "https://h:8080/told?of=1"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
