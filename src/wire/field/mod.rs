//! The fields of requests. Requests are checked by the same descriptions from which the API description is made, so
//! that the two cannot differ.

mod table;

use std::net::IpAddr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::domain::error::{Reason, Refusal};
use crate::domain::lang::Text;
use crate::domain::limits;
use crate::domain::merchant::Edition;
use crate::domain::money::{Fen, NotAnAmount};
use crate::domain::order::{Channel, Method};
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::wire::json::Json;

pub use table::*;

/// A field of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    pub about: Text,
    /// An example in the open edition's form.
    pub example: &'static str,
}

/// The kind of a field's value. Lengths are in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number or identifier, see [`fits_a_number`].
    Number {
        max: usize,
    },
    /// Free text, passed on unchanged.
    Text {
        max: usize,
    },
    /// An IP address.
    Address {
        max: usize,
    },
    /// An http(s) address, see [`fits_a_url`], without user name and password.
    Url {
        max: usize,
    },
    /// A reserved field: a string or an object.
    Extra {
        max: usize,
    },
    /// Money: yuan in the open edition, whole fen in the single one.
    Amount,
    /// A moment: local time in the open edition, Unix seconds in the single one.
    Time,
    Channel,
    Method,
    /// `true` or `false`.
    Flag,
}

impl Field {
    const fn new(name: &'static str, kind: Kind, about: Text, example: &'static str) -> Field {
        Field {
            name,
            kind,
            required: false,
            about,
            example,
        }
    }

    const fn required(self) -> Field {
        Field {
            required: true,
            ..self
        }
    }

    /// Tells whether only the open edition has this field.
    pub fn open_only(&self) -> bool {
        self.name == APP_ID.name || self.name == MCH_NO.name
    }

    fn refuse(&self, reason: Reason) -> Refusal {
        Refusal::field(self.name, reason)
    }

    /// Checks the type and limits of a value that is present.
    pub fn check(&self, value: &Json, edition: Edition, zone: &TimeZone) -> Result<(), Refusal> {
        match self.kind {
            Kind::Number { max } => {
                let text = self.text(value, max)?;
                text.chars()
                    .all(fits_a_number)
                    .then_some(())
                    .ok_or_else(|| self.refuse(Reason::BadCharacter))
            }
            Kind::Text { max } => {
                let text = self.text(value, max)?;
                let fits = !text
                    .chars()
                    .any(|c| c.is_control() && !"\t\n\r".contains(c));
                fits.then_some(())
                    .ok_or_else(|| self.refuse(Reason::ControlCharacter))
            }
            Kind::Address { max } => {
                let address = self.text(value, max)?.parse::<IpAddr>();
                address
                    .map(drop)
                    .map_err(|_| self.refuse(Reason::NotAnAddress))
            }
            Kind::Url { max } => {
                let text = self.text(value, max)?;
                let url = url::Url::parse(text).ok();
                let fits = |url: &url::Url| {
                    matches!(url.scheme(), "http" | "https") && text.chars().all(fits_a_url)
                };
                let url = url
                    .filter(fits)
                    .ok_or_else(|| self.refuse(Reason::NotAUrl))?;
                match url.username().is_empty() && url.password().is_none() {
                    true => Ok(()),
                    false => Err(self.refuse(Reason::UrlWithPassword)),
                }
            }
            Kind::Extra { max } => {
                let length = match value {
                    Json::Text(text) => text.chars().count(),
                    Json::Object(_) => {
                        let mut compact = String::new();
                        value.write_compact(&mut compact);
                        compact.chars().count()
                    }
                    _ => return Err(self.refuse(Reason::NotText)),
                };
                (length <= max)
                    .then_some(())
                    .ok_or_else(|| self.refuse(Reason::TooLong { max }))
            }
            Kind::Amount => self.amount(value, edition).map(drop),
            Kind::Time => self.time(value, edition, zone).map(drop),
            Kind::Channel => self.channel(value).map(drop),
            Kind::Method => self.method(value).map(drop),
            Kind::Flag => matches!(value, Json::Bool(_))
                .then_some(())
                .ok_or_else(|| self.refuse(Reason::NotAFlag)),
        }
    }

    fn text<'a>(&self, value: &'a Json, max: usize) -> Result<&'a str, Refusal> {
        match value {
            Json::Text(text) if text.chars().count() > max => {
                Err(self.refuse(Reason::TooLong { max }))
            }
            Json::Text(text) => Ok(text),
            _ => Err(self.refuse(Reason::NotText)),
        }
    }

    /// Reads an amount: a JSON number in both editions, never a string, and without a decimal point in the single one.
    pub fn amount(&self, value: &Json, edition: Edition) -> Result<Fen, Refusal> {
        let Json::Number(digits) = value else {
            return Err(self.refuse(Reason::NotAnAmount));
        };
        let out_of_range = Reason::OutOfRange {
            min: Fen(1),
            max: Fen::MAX,
        };
        if digits.starts_with('-') {
            return Err(self.refuse(out_of_range));
        }
        let fen = match edition {
            Edition::Single if !digits.bytes().all(|b| b.is_ascii_digit()) => {
                return Err(self.refuse(Reason::WrongEdition));
            }
            Edition::Single => digits.parse().map(Fen).map_err(|_| NotAnAmount::OutOfRange),
            Edition::Open => Fen::from_yuan(digits),
        };
        match fen {
            Ok(fen) if (Fen(1)..=Fen::MAX).contains(&fen) => Ok(fen),
            Ok(_) | Err(NotAnAmount::OutOfRange) => Err(self.refuse(out_of_range)),
            Err(NotAnAmount::TooFine) => Err(self.refuse(Reason::TooFine)),
            Err(NotAnAmount::NotANumber) => Err(self.refuse(Reason::NotAnAmount)),
        }
    }

    /// Reads the name of a channel.
    pub fn channel(&self, value: &Json) -> Result<Channel, Refusal> {
        let word = self.text(value, limits::SEARCH_CHARS)?;
        word.parse().map_err(|_| Refusal::NoSuchChannel)
    }

    /// Reads the name of a payment method.
    pub fn method(&self, value: &Json) -> Result<Method, Refusal> {
        let word = self.text(value, limits::SEARCH_CHARS)?;
        word.parse().map_err(|_| {
            let allowed: Vec<_> = Method::ALL.iter().map(|method| method.as_str()).collect();
            self.refuse(Reason::NotOneOf {
                allowed: allowed.join(", ").into(),
            })
        })
    }

    /// Reads a moment in the form of its edition.
    pub fn time(
        &self,
        value: &Json,
        edition: Edition,
        zone: &TimeZone,
    ) -> Result<Timestamp, Refusal> {
        let moment = match (edition, value) {
            (Edition::Single, Json::Number(digits)) if looks_like_milliseconds(digits) => {
                return Err(self.refuse(Reason::Milliseconds));
            }
            (Edition::Single, Json::Number(digits)) => unix_seconds(digits),
            (Edition::Open, Json::Text(text)) => local_time(text, zone),
            _ => None,
        };
        moment.ok_or_else(|| self.refuse(Reason::NotATime))
    }
}

/// Tells whether a character could make one signed text readable as two different requests.
pub fn splits_the_text(c: char) -> bool {
    matches!(c, '&' | '=' | '"' | '\'' | '\\')
}

/// Tells whether a number or identifier may hold a character. Two different numbers must not look the same in the
/// signed text, to a person or in a spreadsheet. So a number may hold no separator of the signed text, no white space,
/// nothing invisible, no full-width form of an ASCII character, and no letter outside ASCII that has another form in
/// upper case (`ß` becomes `SS`).
pub fn fits_a_number(c: char) -> bool {
    const FILLERS: [char; 5] = ['\u{115F}', '\u{1160}', '\u{3164}', '\u{FFA0}', '\u{2800}'];
    let full_width = ('\u{FF01}'..='\u{FF5E}').contains(&c);
    let shown = !matches!(
        c.general_category_group(),
        GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator
    ) && c.general_category() != GeneralCategory::NonspacingMark
        && !FILLERS.contains(&c);
    let one_form = c.is_ascii() || c.to_uppercase().eq([c]);
    shown && one_form && !full_width && !splits_the_text(c)
}

/// Tells whether an address may hold a character. Others could be changed without a change of the signed text, which has
/// no quotes and backslashes, or name another host in another case.
pub fn fits_a_url(c: char) -> bool {
    c.is_ascii_graphic() && c != '"' && c != '\\'
}

/// Tells whether a number of seconds is beyond the year 5000, so that it was meant as milliseconds.
fn looks_like_milliseconds(digits: &str) -> bool {
    digits.len() >= 12 && digits.bytes().all(|b| b.is_ascii_digit())
}

fn unix_seconds(digits: &str) -> Option<Timestamp> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits
        .parse::<i64>()
        .ok()?
        .checked_mul(SECOND_MS)
        .map(Timestamp)
}

/// Reads `yyyy-MM-dd HH:mm:ss`; refuses any other form.
fn local_time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00";
    let fits = text.len() == SHAPE.len()
        && std::iter::zip(text.bytes(), SHAPE).all(|(b, shape)| match shape {
            b'0' => b.is_ascii_digit(),
            _ => b == *shape,
        });
    if !fits {
        return None;
    }
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    // Jiff would read a leap second (`:60`) as `:59`. Only a wrong clock shows one, so it is refused.
    if text.ends_with("60") {
        return None;
    }
    Some(Timestamp(
        local
            .to_zoned(zone.clone())
            .ok()?
            .timestamp()
            .as_millisecond(),
    ))
}

/// Writes a moment in the open edition's form: `yyyy-MM-dd HH:mm:ss`.
pub fn local_text(at: Timestamp, zone: &TimeZone) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    timestamp
        .to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_holds_only_what_is_one_text_to_everybody() {
        for good in ["R-2024_1/x", "退款1", "A.B:C#1", "É1"] {
            assert!(good.chars().all(fits_a_number), "{good}");
        }
        for bad in [
            "a b", " ", "a\u{a0}", "\u{200b}", "\u{202e}", "\u{feff}", "\u{ad}", "\u{3164}",
            "\u{fe0f}", "\t", "ß", "ﬁ", "ſ", "ı", "é", "ａ", "Ａ", "１", "a&b", "a=b", "\"", "\\",
            "'", "\0", "\u{e000}",
        ] {
            assert!(!bad.chars().all(fits_a_number), "{bad:?}");
        }
    }
}
