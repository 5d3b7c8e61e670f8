//! The query of a list, as in the URL: filters, sort order and page. Values are plain texts, kept as typed even where
//! they are wrong. The same code reads them in the browser, which shows an error at its field, and on the server,
//! which runs the query.

use std::fmt::Display;
use std::str::FromStr;

use crate::console::paths::{escape, parse_pairs};
use crate::console::view::LocalTime;
use crate::domain::error::{Reason, Refusal};
use crate::domain::filter::{Cursor, Place, Sort};
use crate::domain::limits;
use crate::domain::money::{Fen, NotAnAmount};

/// Names of all parameters, in their order in the URL.
pub const NAMES: &[&str] = &[
    "q", "title", "app", "action", "who", "channel", "status", "refund", "review", "state",
    "verdict", "outcome", "changed", "min", "max", "from", "to", "sort", "after", "before",
];

/// Parameters that select the page of a list. The others select its rows and their order.
const PLACE: &[&str] = &["after", "before"];

/// The parameters of a list. Unknown and empty ones are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads the query part of a URL, with or without `?`. The last of a repeated parameter counts.
    pub fn parse(search: &str) -> Query {
        let mut query = Query::default();
        for (name, value) in parse_pairs(search) {
            query = query.with(&name, value.trim());
        }
        query
    }

    /// Returns the value of any parameter in a URL's query part, including one that is not among [`NAMES`]. The last
    /// of a repeated parameter counts.
    pub fn value_in(search: &str, wanted: &str) -> Option<String> {
        let named = parse_pairs(search).filter(|(name, _)| name == wanted);
        named.last().map(|(_, value)| value)
    }

    /// Returns the value of a parameter, empty where it is absent.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }

    /// Returns the query with one parameter changed; an empty value removes it.
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

    /// Returns the query without the named parameters, at the list's first page.
    pub fn without(&self, names: &[&str]) -> Query {
        let mut query = self.first_page();
        query.0.retain(|(key, _)| !names.contains(key));
        query
    }

    /// Returns the same query at the list's first page.
    pub fn first_page(&self) -> Query {
        let mut query = self.clone();
        query.0.retain(|(key, _)| !PLACE.contains(key));
        query
    }

    /// Returns true where a filter is set.
    pub fn narrows(&self) -> bool {
        self.0
            .iter()
            .any(|(key, _)| *key != "sort" && !PLACE.contains(key))
    }

    /// Returns the address of the list: `path?name=value&...`.
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

    /// Reads a number or the beginning of a title, as typed.
    pub fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        let value = self.get(name);
        if value.chars().count() > limits::SEARCH_CHARS {
            let max = limits::SEARCH_CHARS;
            return Err(Refusal::field(name.to_owned(), Reason::TooLong { max }));
        }
        Ok((!value.is_empty()).then(|| value.to_owned()))
    }

    /// Reads one of an enum's words. Only an address changed by hand holds another word.
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

    /// Reads an amount in yuan.
    pub fn amount(&self, name: &str) -> Result<Option<Fen>, Refusal> {
        match self.get(name) {
            "" => Ok(None),
            yuan => read_amount(name, yuan).map(Some),
        }
    }

    /// Reads a date, or a date and a time, in the operator's zone.
    pub fn local_time(&self, name: &str) -> Result<Option<LocalTime>, Refusal> {
        match self.get(name) {
            "" => Ok(None),
            text => LocalTime::parse(text)
                .map(Some)
                .ok_or_else(|| Refusal::field(name.to_owned(), Reason::NotATime)),
        }
    }

    /// Reads the sort order.
    pub fn sort(&self) -> Result<Sort, Refusal> {
        let sort = self.word("sort", Sort::ALL)?;
        Ok(sort.unwrap_or_default())
    }

    /// Reads the place of the page within the list.
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

    /// Returns what is wrong with one field; the page shows it at the field.
    pub fn problem(&self, name: &str) -> Option<Reason> {
        let outcome = match name {
            "q" | "title" | "who" => self.text(name).map(drop),
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

/// Reads an amount in yuan, typed into the field of that name. Spaces are ignored, as are the thin spaces that the
/// console writes between thousands.
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
}
