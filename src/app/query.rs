//! What a list is narrowed, sorted and paged by, as it stands in the URL: plain texts, kept as they
//! were typed even where they make no sense. The same reading serves the browser, which shows what
//! is wrong at the field, and the server, which runs the query.

use std::fmt::{Display, Write};
use std::str::FromStr;

use crate::domain::error::{Reason, Refusal};
use crate::domain::filter::{Cursor, Place, Sort};
use crate::domain::limits;
use crate::domain::money::{Fen, NotAnAmount};

/// Every parameter of a list, in the order in which the URL has them.
pub const NAMES: &[&str] = &[
    "q",
    "title",
    "channel",
    "status",
    "refund",
    "attention",
    "state",
    "verdict",
    "finding",
    "changed",
    "min",
    "max",
    "from",
    "to",
    "sort",
    "after",
    "before",
];

/// The parameters that say which page of a list, not which list.
const PLACE: &[&str] = &["after", "before"];

/// A list's parameters. Unknown and empty ones are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads the query part of a URL (with or without `?`). Of a repeated parameter the last counts.
    pub fn parse(search: &str) -> Query {
        let mut query = Query::default();
        for pair in search.trim_start_matches('?').split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            query = query.with(&unescape(name), unescape(value).trim());
        }
        query
    }

    /// The value of any parameter of a URL's query part, this list's or not; of a repeated one the last.
    pub fn value_in(search: &str, wanted: &str) -> Option<String> {
        let pairs = search.trim_start_matches('?').split('&');
        pairs
            .filter_map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (unescape(name) == wanted).then(|| unescape(value))
            })
            .next_back()
    }

    /// The value of a parameter; empty when it is absent.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// The same with one parameter changed; an empty value takes it away.
    pub fn with(&self, name: &str, value: &str) -> Query {
        let mut pairs = self.0.clone();
        pairs.retain(|(key, _)| *key != name);
        if let Some(name) = NAMES.iter().find(|known| **known == name)
            && !value.is_empty()
        {
            pairs.push((name, value.to_owned()));
        }
        pairs.sort_by_key(|(key, _)| NAMES.iter().position(|name| name == key));
        Query(pairs)
    }

    /// The same without some parameters, from its first page.
    pub fn without(&self, names: &[&str]) -> Query {
        let mut query = self.first_page();
        query.0.retain(|(key, _)| !names.contains(key));
        query
    }

    /// The same list from its beginning.
    pub fn first_page(&self) -> Query {
        let mut query = self.clone();
        query.0.retain(|(key, _)| !PLACE.contains(key));
        query
    }

    /// Whether anything narrows the list.
    pub fn narrows(&self) -> bool {
        self.0
            .iter()
            .any(|(key, _)| *key != "sort" && !PLACE.contains(key))
    }

    /// The address of this list: `path?name=value&...`.
    pub fn href(&self, path: &str) -> String {
        let mut href = path.to_owned();
        for (i, (name, value)) in self.0.iter().enumerate() {
            href.push(if i == 0 { '?' } else { '&' });
            href.push_str(name);
            href.push('=');
            href.push_str(&escape(value));
        }
        href
    }

    /// A number or the beginning of a title, as it was typed.
    pub fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        let value = self.get(name);
        if value.chars().count() > limits::SEARCH_CHARS {
            let max = limits::SEARCH_CHARS;
            return Err(Refusal::field(name.to_owned(), Reason::TooLong { max }));
        }
        Ok((!value.is_empty()).then(|| value.to_owned()))
    }

    /// One of an enum's words. Only a link that somebody changed by hand holds another.
    pub fn word<T: FromStr + Display>(&self, name: &str, all: &[T]) -> Result<Option<T>, Refusal> {
        match self.get(name) {
            "" => Ok(None),
            word => word.parse().map(Some).map_err(|_| {
                let words: Vec<String> = all.iter().map(T::to_string).collect();
                let allowed = words.join(", ").into();
                Refusal::field(name.to_owned(), Reason::NotOneOf { allowed })
            }),
        }
    }

    /// An amount in yuan.
    pub fn amount(&self, name: &str) -> Result<Option<Fen>, Refusal> {
        match self.get(name) {
            "" => Ok(None),
            yuan => read_amount(name, yuan).map(Some),
        }
    }

    /// A date, or a date and a time, in the operator's zone.
    pub fn local_time(&self, name: &str) -> Result<Option<LocalTime>, Refusal> {
        match self.get(name) {
            "" => Ok(None),
            text => LocalTime::parse(text)
                .map(Some)
                .ok_or_else(|| Refusal::field(name.to_owned(), Reason::NotATime)),
        }
    }

    /// What the list is sorted by.
    pub fn sort(&self) -> Result<Sort, Refusal> {
        let sort = self.word("sort", Sort::ALL)?;
        Ok(sort.unwrap_or_default())
    }

    /// Which page of the list.
    pub fn place(&self) -> Result<Place, Refusal> {
        let cursor = |name: &str| match self.get(name) {
            "" => Ok(None),
            text if text.len() > limits::SEARCH_CHARS => {
                let max = limits::SEARCH_CHARS;
                Err(Refusal::field(name.to_owned(), Reason::TooLong { max }))
            }
            text => Cursor::from_str(text)
                .map(Some)
                .map_err(|_| Refusal::field(name.to_owned(), Reason::BadCharacter)),
        };
        Ok(match (cursor("after")?, cursor("before")?) {
            (Some(cursor), _) => Place::After(cursor),
            (None, Some(cursor)) => Place::Before(cursor),
            (None, None) => Place::First,
        })
    }

    /// What is wrong with one field, if anything: what the page shows at it.
    pub fn problem(&self, name: &str) -> Option<Reason> {
        let outcome = match name {
            "q" | "title" => self.text(name).map(drop),
            "min" | "max" => self.amount(name).map(drop),
            "from" | "to" => self.local_time(name).map(drop),
            _ => Ok(()),
        };
        match outcome {
            Err(Refusal::Field { reason, .. }) => Some(reason),
            _ => None,
        }
    }
}

/// Reads an amount in yuan that a person typed into the field of that name. Spaces and the separators
/// of thousands that we ourselves write are let through.
pub fn read_amount(field: &str, typed: &str) -> Result<Fen, Refusal> {
    let plain: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let reason = match Fen::from_yuan(&plain) {
        Ok(fen) if fen <= Fen::MAX => return Ok(fen),
        Ok(_) | Err(NotAnAmount::OutOfRange) => Reason::OutOfRange {
            min: Fen(1),
            max: Fen::MAX,
        },
        Err(NotAnAmount::TooFine) => Reason::TooFine,
        Err(NotAnAmount::NotANumber) => Reason::NotAnAmount,
    };
    Err(Refusal::field(field.to_owned(), reason))
}

/// A date, or a date and a time of day, without a zone: what a person types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    pub year: i16,
    pub month: i8,
    pub day: i8,
    /// Hour, minute, second; absent where only a date was given.
    pub time: Option<(i8, i8, i8)>,
}

impl LocalTime {
    /// Reads `2026-05-01`, `2026-05-01 10:20`, `2026-05-01T10:20:30` (also with `/` in the date). The
    /// date has to exist.
    pub fn parse(text: &str) -> Option<LocalTime> {
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, Some(time.trim())),
            None => (text, None),
        };
        let mut parts = date.split(['-', '/']);
        let year = digits(parts.next()?, 4..=4)? as i16;
        let month = digits(parts.next()?, 1..=2)? as i8;
        let day = digits(parts.next()?, 1..=2)? as i8;
        let exists =
            year >= 1970 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        if !exists || parts.next().is_some() {
            return None;
        }
        let time = match time {
            None => None,
            Some(time) => {
                let mut parts = time.split(':');
                let hour = digits(parts.next()?, 1..=2)? as i8;
                let minute = digits(parts.next()?, 2..=2)? as i8;
                let second = parts.next().map_or(Some(0), |s| digits(s, 2..=2))? as i8;
                if hour > 23 || minute > 59 || second > 59 || parts.next().is_some() {
                    return None;
                }
                Some((hour, minute, second))
            }
        };
        Some(LocalTime {
            year,
            month,
            day,
            time,
        })
    }
}

fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<u16> {
    let plain = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn days_in(year: i16, month: i8) -> i8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Writes a text so that it can stand as one segment of a path or as a value in a query.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' => {
                escaped.push(byte as char)
            }
            _ => write!(escaped, "%{byte:02X}").expect("writing to a String never fails"),
        }
    }
    escaped
}

/// Undoes [`escape`] and a form's `+`. What is no valid escape is left as it is.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let escaped = match bytes[i] {
            b'%' => bytes.get(i + 1..i + 3).and_then(|hex| {
                let hex = std::str::from_utf8(hex).ok()?;
                u8::from_str_radix(hex, 16).ok()
            }),
            _ => None,
        };
        match (bytes[i], escaped) {
            (_, Some(byte)) => {
                plain.push(byte);
                i += 2;
            }
            (b'+', _) => plain.push(b' '),
            (byte, _) => plain.push(byte),
        }
        i += 1;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_from_the_url() {
        let query = Query::parse("?title=%E5%92%96%E5%95%A1+100%25&channel=&evil=1&q=%zz&q=A%26B");
        assert_eq!(query.get("title"), "咖啡 100%");
        assert_eq!(query.get("q"), "A&B");
        assert_eq!(query.get("channel"), "");
        let href = query.href("/apps/DEMO/orders");
        assert_eq!(
            href,
            "/apps/DEMO/orders?q=A%26B&title=%E5%92%96%E5%95%A1%20100%25"
        );
        assert_eq!(Query::parse(href.split_once('?').unwrap().1), query);
        assert_eq!(Query::parse("q=%zz").get("q"), "%zz");
        assert_eq!(Query::parse("q=%").get("q"), "%");
    }

    #[test]
    fn a_changed_criterion_begins_at_the_first_page() {
        let query = Query::parse("status=success&sort=amount_asc&after=5.P1");
        assert!(query.narrows());
        assert_eq!(query.without(&["status"]).href(""), "?sort=amount_asc");
        assert!(!query.without(&["status"]).narrows());
        assert_eq!(
            query.place().unwrap(),
            Place::After("5.P1".parse().unwrap())
        );
        assert_eq!(query.first_page().place().unwrap(), Place::First);
    }

    #[test]
    fn nonsense_is_refused_at_its_field() {
        let query = Query::parse("min=1.234&max=abc&from=2026-02-29&to=2026-02-28&sort=up&after=x");
        assert_eq!(query.problem("min"), Some(Reason::TooFine));
        assert_eq!(query.problem("max"), Some(Reason::NotAnAmount));
        assert_eq!(query.problem("from"), Some(Reason::NotATime));
        assert_eq!(query.problem("to"), None);
        assert_eq!(query.sort().unwrap_err().field_name(), Some("sort"));
        assert_eq!(query.place().unwrap_err().field_name(), Some("after"));
        let long = Query::default().with("q", &"x".repeat(200));
        assert_eq!(long.problem("q"), Some(Reason::TooLong { max: 150 }));
    }

    #[test]
    fn amounts_are_read_as_people_write_them() {
        assert_eq!(read_amount("min", "1 234.50"), Ok(Fen(123_450)));
        assert_eq!(read_amount("min", "1\u{202f}234.5"), Ok(Fen(123_450)));
        assert!(read_amount("min", "99999999").is_err());
        assert!(read_amount("min", "-1").is_err());
    }

    #[test]
    fn dates_are_read_with_and_without_a_time() {
        let date = LocalTime {
            year: 2026,
            month: 5,
            day: 1,
            time: None,
        };
        assert_eq!(LocalTime::parse("2026-05-01"), Some(date));
        assert_eq!(LocalTime::parse("2026/5/1"), Some(date));
        let at = |time| {
            Some(LocalTime {
                time: Some(time),
                ..date
            })
        };
        assert_eq!(LocalTime::parse("2026-05-01 9:20"), at((9, 20, 0)));
        assert_eq!(LocalTime::parse("2026-05-01T23:59:59"), at((23, 59, 59)));
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-04-31",
            "26-05-01",
            "2026-05-01x",
            "2026-05-01 24:00",
            "2026-05-01 1:2",
            "2026-05-01-02",
            "１９９９-01-01",
        ] {
            assert_eq!(LocalTime::parse(text), None, "{text}");
        }
        assert!(LocalTime::parse("2024-02-29").is_some());
        assert!(LocalTime::parse("2100-02-29").is_none());
    }
}
