//! JSON values of requests. Numbers keep their digits, and an object with the same name twice is refused.
//!
//! `serde_json::Value` cannot be used where a text is signed: of two fields with one name it silently keeps the last,
//! and it reads decimals through a float.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Maximum depth of lists and objects within each other.
const DEPTH: usize = 16;
/// Maximum length of a number, in digits, written with or without its exponent.
const NUMBER_DIGITS: usize = 64;

/// Maximum number of values in an object, counting those within nested lists and objects. It bounds memory, as a value
/// takes many times the memory of its bytes.
const VALUES: usize = 4_096;

/// The fields of an object by name, in the order of the names' bytes.
pub type Fields = BTreeMap<String, Json>;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    Null,
    Bool(bool),
    /// Digits as received: a valid JSON number that [`plain_number`] can write out.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Fields),
}

/// The reason why a body cannot be read as a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("{0}")]
    NotJson(String),
    #[error("not an object")]
    NotAnObject,
    #[error("nested more than {DEPTH} deep")]
    TooDeep,
    #[error("more than {VALUES} values")]
    TooMany,
    #[error("a number of more than {NUMBER_DIGITS} digits")]
    LongNumber,
    /// A name occurs twice in one object.
    #[error("{0} is given twice")]
    Twice(String),
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Unreadable::NotJson(error.to_string())
    }
}

/// Reads a JSON object.
pub fn object(bytes: &[u8]) -> Result<Fields, Unreadable> {
    let raw: &RawValue = serde_json::from_slice(bytes)?;
    let mut left = VALUES;
    match read(raw, DEPTH, &mut left)? {
        Json::Object(fields) => Ok(fields),
        _ => Err(Unreadable::NotAnObject),
    }
}

/// Reads a raw value, whose type its first character tells; serde_json has already checked its syntax.
fn read(raw: &RawValue, depth: usize, left: &mut usize) -> Result<Json, Unreadable> {
    *left = left.checked_sub(1).ok_or(Unreadable::TooMany)?;
    let deeper = depth.checked_sub(1).ok_or(Unreadable::TooDeep);
    let text = raw.get();
    Ok(match text.as_bytes()[0] {
        b'n' => Json::Null,
        b't' => Json::Bool(true),
        b'f' => Json::Bool(false),
        b'"' => Json::Text(serde_json::from_str(text)?),
        b'[' => {
            let deeper = deeper?;
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let items = items.into_iter().map(|item| read(item, deeper, left));
            Json::List(items.collect::<Result<_, _>>()?)
        }
        b'{' => {
            let deeper = deeper?;
            let Entries(entries) = serde_json::from_str(text)?;
            let mut fields = Fields::new();
            for (name, value) in entries {
                if fields.contains_key(name.as_ref()) {
                    return Err(Unreadable::Twice(name.into_owned()));
                }
                fields.insert(name.into_owned(), read(value, deeper, left)?);
            }
            Json::Object(fields)
        }
        _ => {
            plain_number(text).ok_or(Unreadable::LongNumber)?;
            Json::Number(text.to_owned())
        }
    })
}

/// The entries of an object in the order received, doubled names included.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Writes out a JSON number without exponent, trailing zeros after the point, or `-0`. Returns `None` where that takes
/// more than `NUMBER_DIGITS` (64) digits.
pub fn plain_number(number: &str) -> Option<String> {
    let (sign, unsigned) = match number.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", number),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let limit = NUMBER_DIGITS as i64;
    if whole.len() + fraction.len() > NUMBER_DIGITS || exponent.abs() > limit {
        return None;
    }

    // `digits` has no decimal point; `point` is its place among them.
    let mut digits = format!("{whole}{fraction}");
    let mut point = whole.len() as i64 + exponent;
    while point <= 0 {
        digits.insert(0, '0');
        point += 1;
    }
    while (digits.len() as i64) < point {
        digits.push('0');
    }
    let (whole, fraction) = digits.split_at(point as usize);
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = fraction.trim_end_matches('0');
    if whole.len() + fraction.len() > NUMBER_DIGITS {
        return None;
    }
    Some(match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (_, "") => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    })
}

impl Json {
    /// Writes the value as compact JSON, names sorted, numbers written out.
    pub fn write_compact(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(digits) => {
                out.push_str(&plain_number(digits).unwrap_or_else(|| digits.clone()))
            }
            Json::Text(text) => write_quoted(text, out),
            Json::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write_compact(out);
                }
                out.push(']');
            }
            Json::Object(fields) => {
                out.push('{');
                for (i, (name, value)) in fields.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_quoted(name, out);
                    out.push(':');
                    value.write_compact(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_quoted(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compact(text: &str) -> String {
        let mut out = String::new();
        Json::Object(object(text.as_bytes()).unwrap()).write_compact(&mut out);
        out
    }

    #[test]
    fn numbers_keep_their_digits_and_are_written_out_without_exponent() {
        for (number, plain) in [
            ("1.10", "1.1"),
            ("1.00", "1"),
            ("100", "100"),
            ("0.0", "0"),
            ("-0.00", "0"),
            ("-1.50", "-1.5"),
            ("1e2", "100"),
            ("1.5E+1", "15"),
            ("125e-2", "1.25"),
            ("1E-3", "0.001"),
            ("0e9", "0"),
            ("0.10e1", "1"),
            ("123456789012345678.90", "123456789012345678.9"),
        ] {
            assert_eq!(plain_number(number).as_deref(), Some(plain), "{number}");
        }
        for number in ["1e65", "1e-65", "1e99999999999999999999", &"1".repeat(65)] {
            assert_eq!(plain_number(number), None, "{number}");
        }
        // 0.1 + 0.2 and 2^53 + 1 do not survive a float.
        assert_eq!(
            compact(r#"{"b":0.30000000000000000001,"a":9007199254740993}"#),
            r#"{"a":9007199254740993,"b":0.30000000000000000001}"#
        );
    }

    #[test]
    fn a_name_given_twice_is_found_however_it_is_written() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"o":{"a":1,"a":2}}"#,
        ] {
            assert_eq!(
                object(text.as_bytes()),
                Err(Unreadable::Twice("a".into())),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert_eq!(object(b"[]"), Err(Unreadable::NotAnObject));
        assert_eq!(object(b"1"), Err(Unreadable::NotAnObject));
        for text in [
            &b""[..],
            b"{",
            b"{}x",
            b"{\"a\":\xff}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":01}",
            b"{\"a\":NaN}",
            b"\xef\xbb\xbf{}",
        ] {
            assert!(
                matches!(object(text), Err(Unreadable::NotJson(_))),
                "{text:?}"
            );
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(object(deep.as_bytes()), Err(Unreadable::TooDeep));
        let wide = |values: usize| format!("{{\"a\":[1{}]}}", ",1".repeat(values - 3));
        assert!(object(wide(VALUES).as_bytes()).is_ok());
        assert_eq!(
            object(wide(VALUES + 1).as_bytes()),
            Err(Unreadable::TooMany)
        );
    }
}
