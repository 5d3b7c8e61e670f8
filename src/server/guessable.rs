//! Passwords and secrets that are easy to guess, as `zxcvbn` estimates it.

use zxcvbn::feedback::Warning;
use zxcvbn::{Score, zxcvbn};

use crate::domain::secret::Weakness;

/// Minimum number of guesses for a secret. Whoever has one signed request can make guesses without asking us, some 10^10
/// a second.
const SECRET_GUESSES: u64 = 1_000_000_000_000_000_000;
/// Our name, which is no good part of a password.
const OURS: &str = "refundry";

/// Returns the reason why an operator's password is easy to guess; `None` where it is not. Passwords are guessed by
/// asking us, or from a copy of their hashes, so that some 10^8 guesses are enough.
pub fn password(password: &str, operator: &str) -> Option<Weakness> {
    let estimate = zxcvbn(password, &[operator, OURS]);
    if estimate.score() >= Score::Three {
        return None;
    }
    if holds_name(password, operator) || holds_name(password, OURS) {
        return Some(Weakness::OwnName);
    }
    let warning = estimate.feedback().and_then(|feedback| feedback.warning());
    Some(warning.map_or(Weakness::Simple, weakness))
}

/// Returns the reason why an app's secret is easy to guess; `None` where it is not.
pub fn secret(secret: &str) -> Option<Weakness> {
    let estimate = zxcvbn(secret, &[OURS]);
    if estimate.guesses() >= SECRET_GUESSES {
        return None;
    }
    let warning = estimate.feedback().and_then(|feedback| feedback.warning());
    Some(warning.map_or(Weakness::Simple, weakness))
}

/// Tells whether a password holds a name of three characters or more.
fn holds_name(password: &str, name: &str) -> bool {
    name.chars().count() >= 3 && password.to_lowercase().contains(&name.to_lowercase())
}

fn weakness(warning: Warning) -> Weakness {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess
        | Warning::ShortKeyboardPatternsAreEasyToGuess => Weakness::Keys,
        Warning::RepeatsLikeAaaAreEasyToGuess
        | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => Weakness::Repeats,
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => Weakness::Common,
        Warning::SequencesLikeAbcAreEasyToGuess => Weakness::Sequence,
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => Weakness::Date,
        Warning::AWordByItselfIsEasyToGuess => Weakness::Word,
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => Weakness::Name,
    }
}

#[cfg(test)]
mod tests {
    use rand::distr::{Alphanumeric, SampleString};

    use super::*;

    #[test]
    fn a_password_that_many_use_or_that_has_a_pattern_is_told_with_its_reason() {
        for (weak, why) in [
            ("password", Weakness::Common),
            ("P@ssw0rd1", Weakness::Common),
            ("12345678", Weakness::Common),
            ("aaaaaaaa", Weakness::Repeats),
            ("        ", Weakness::Repeats),
            ("qwertyuiop[", Weakness::Keys),
            ("bcdefghijk", Weakness::Sequence),
            ("19991231", Weakness::Date),
            ("li.na.2024", Weakness::OwnName),
            ("refundryLi.Na", Weakness::OwnName),
            ("refundry1", Weakness::OwnName),
            ("k3f9x2q7", Weakness::Simple),
        ] {
            assert_eq!(password(weak, "li.na"), Some(why), "{weak:?}");
        }
        for good in [
            "correct horse",
            "two lame mules",
            "k3f9x2q7wz",
            "退款的夜里有三盏灯和一壶茶",
        ] {
            assert_eq!(password(good, "li.na"), None, "{good:?}");
        }
    }

    #[test]
    fn a_secret_is_random_or_it_is_refused() {
        for weak in [
            "a".repeat(24),
            "ab".repeat(16),
            "abcdefghijklmnopqrstuvwxyz".to_owned(),
            "0123456789abcdef0123456789abcdef".to_owned(),
            "123456".repeat(5),
            "passwordpasswordpassword".to_owned(),
            "qwertyuiopasdfghjklzxcvbnm".to_owned(),
            "2024010120240102202401032024".to_owned(),
        ] {
            assert!(secret(&weak).is_some(), "{weak}");
        }
        for _ in 0..500 {
            let made = Alphanumeric.sample_string(&mut rand::rng(), 24);
            assert_eq!(secret(&made), None, "{made}");
        }
    }
}
