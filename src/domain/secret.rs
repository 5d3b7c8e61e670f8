//! Secrets: a type that cannot be printed, and the text that stands for a secret in the database.

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::domain::lang::Lang;

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

/// The reason why a password or a secret is easy to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Weakness {
    /// One of the passwords that people use most, or close to one.
    Common,
    /// The password of the demonstration.
    Published,
    /// Keys that lie beside each other, as `qwerty`.
    Keys,
    /// Repeats, as `aaa` or `abcabc`.
    Repeats,
    /// A sequence, as `abc` or `6543`.
    Sequence,
    /// A year or a date.
    Date,
    /// A single word.
    Word,
    Name,
    /// The operator's name, or ours.
    OwnName,
    /// No pattern that can be named, but too few possibilities.
    Simple,
}

impl Weakness {
    /// Returns the weakness in one language, as a part of a sentence.
    pub fn text(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Weakness::Common => ("与常用密码相同或相近", "it is like passwords that many use"),
            Weakness::Published => (
                "这是演示环境公开的密码",
                "it is the demonstration's, which is published",
            ),
            Weakness::Keys => (
                "含有键盘上相邻的键",
                "it has keys that lie beside each other",
            ),
            Weakness::Repeats => ("含有重复", "it has repeats like aaa or abcabc"),
            Weakness::Sequence => ("含有连续的字符", "it has a sequence like abc or 6543"),
            Weakness::Date => ("含有年份或日期", "it has a year or a date"),
            Weakness::Word => ("只是一个单词", "it is a single word"),
            Weakness::Name => ("含有常见的人名", "it has a common name"),
            Weakness::OwnName => (
                "含有用户名或系统名",
                "it has the name of the operator or of this program",
            ),
            Weakness::Simple => ("太短或太简单", "it is too short or too simple"),
        };
        match lang {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

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
