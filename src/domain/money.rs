//! Money: whole fen, checked arithmetic, yuan only at the edges.

use std::fmt;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// An amount in fen (1 = 0.01 yuan).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Fen(pub i64);

/// The reason why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAmount {
    #[error("not a number")]
    NotANumber,
    #[error("more than two decimals")]
    TooFine,
    #[error("out of range")]
    OutOfRange,
}

impl Fen {
    /// The amount of zero.
    pub const ZERO: Fen = Fen(0);
    /// Maximum amount of one payment or refund: the contract's `decimal(8,2)`, 999 999.99 yuan.
    pub const MAX: Fen = Fen(99_999_999);

    /// Reads a plain decimal number of yuan (`12`, `12.5`, `12.50`; no sign, exponent or grouping). Accepts trailing
    /// zeros beyond two decimals.
    pub fn from_yuan(text: &str) -> Result<Fen, NotAnAmount> {
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if !plain || text.starts_with('.') || text.ends_with('.') {
            return Err(NotAnAmount::NotANumber);
        }
        let (yuan, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.contains('.') {
            return Err(NotAnAmount::NotANumber);
        }
        let fen = match fraction.trim_end_matches('0').as_bytes() {
            [] => 0,
            [tens] => i64::from(tens - b'0') * 10,
            [tens, ones] => i64::from(tens - b'0') * 10 + i64::from(ones - b'0'),
            _ => return Err(NotAnAmount::TooFine),
        };
        let yuan: i64 = yuan.parse().map_err(|_| NotAnAmount::OutOfRange)?;
        let whole = yuan
            .checked_mul(100)
            .and_then(|whole| whole.checked_add(fen));
        whole.map(Fen).ok_or(NotAnAmount::OutOfRange)
    }

    /// Converts yuan to fen.
    pub fn from_decimal(yuan: Decimal) -> Result<Fen, NotAnAmount> {
        let fen = yuan
            .checked_mul(Decimal::ONE_HUNDRED)
            .ok_or(NotAnAmount::OutOfRange)?;
        if !fen.fract().is_zero() {
            return Err(NotAnAmount::TooFine);
        }
        fen.to_i64().map(Fen).ok_or(NotAnAmount::OutOfRange)
    }

    /// Writes the amount in yuan without trailing zeros (`1.1`, `1`), as the open edition does.
    pub fn yuan(self) -> Decimal {
        Decimal::new(self.0, 2).normalize()
    }

    /// Writes the amount in yuan with two decimals and no grouping (`1234.50`), for forms and CSV.
    pub fn plain(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        format!("{sign}{}.{:02}", fen / 100, fen % 100)
    }

    /// Adds an amount. Returns `None` where the sum leaves the range of an i64.
    pub fn checked_add(self, other: Fen) -> Option<Fen> {
        self.0.checked_add(other.0).map(Fen)
    }

    /// Adds up any number of amounts. Returns `None` where the sum leaves the range of an i64.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Fen>) -> Option<Fen> {
        // An i128 overflows only after 2^64 amounts, so the order of the amounts does not matter.
        let sum: i128 = amounts.into_iter().map(|Fen(fen)| i128::from(fen)).sum();
        i64::try_from(sum).ok().map(Fen)
    }

    /// Subtracts an amount. Returns `None` where the difference leaves the range of an i64.
    pub fn checked_sub(self, other: Fen) -> Option<Fen> {
        self.0.checked_sub(other.0).map(Fen)
    }
}

impl std::ops::Add for Fen {
    type Output = Fen;
    fn add(self, other: Fen) -> Fen {
        self.checked_add(other)
            .expect("amounts stay far below the range of an i64")
    }
}

impl std::ops::Sub for Fen {
    type Output = Fen;
    fn sub(self, other: Fen) -> Fen {
        self.checked_sub(other)
            .expect("amounts stay far below the range of an i64")
    }
}

impl std::ops::Neg for Fen {
    type Output = Fen;
    fn neg(self) -> Fen {
        Fen::ZERO - self
    }
}

/// Formats for people: two decimals, thousands separated by a thin no-break space (`12 345.60`).
impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.plain();
        let (yuan, fen) = plain.split_once('.').expect("plain() always has a point");
        let (sign, digits) = yuan
            .strip_prefix('-')
            .map_or(("", yuan), |digits| ("-", digits));
        f.write_str(sign)?;
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i) % 3 == 0 {
                f.write_str("\u{202f}")?;
            }
            write!(f, "{digit}")?;
        }
        write!(f, ".{fen}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_is_read_exactly() {
        for (text, fen) in [
            ("0.01", 1),
            ("1", 100),
            ("1.1", 110),
            ("12.50", 1250),
            ("99.600", 9960),
        ] {
            assert_eq!(Fen::from_yuan(text), Ok(Fen(fen)), "{text}");
        }
        for text in [
            "", ".5", "5.", "1e3", "-1", "+1", "1,000", "１", " 1", "1.2.3", "0x1",
        ] {
            assert_eq!(Fen::from_yuan(text), Err(NotAnAmount::NotANumber), "{text}");
        }
        assert_eq!(Fen::from_yuan("0.001"), Err(NotAnAmount::TooFine));
        assert_eq!(
            Fen::from_yuan(&"9".repeat(40)),
            Err(NotAnAmount::OutOfRange)
        );
        assert_eq!(
            Fen::from_yuan(&"9".repeat(27)),
            Err(NotAnAmount::OutOfRange)
        );
    }

    #[test]
    fn sums_leave_the_range_of_an_amount_only_at_their_end() {
        let most = Fen(i64::MAX);
        assert_eq!(Fen::checked_sum([most, Fen(1), Fen(-1)]), Some(most));
        assert_eq!(Fen::checked_sum([most, Fen(1)]), None);
        assert_eq!(Fen::checked_sum([]), Some(Fen::ZERO));
        assert_eq!(-Fen(5), Fen(-5));
    }

    #[test]
    fn it_is_written_for_people_and_for_machines() {
        assert_eq!(Fen(123_456_789).to_string(), "1\u{202f}234\u{202f}567.89");
        assert_eq!(Fen(-5).to_string(), "-0.05");
        assert_eq!(Fen(100_000).plain(), "1000.00");
        assert_eq!(Fen(110).yuan().to_string(), "1.1");
        assert_eq!(Fen(100).yuan().to_string(), "1");
    }
}
