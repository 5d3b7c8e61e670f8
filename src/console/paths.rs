//! Addresses of the console's pages, and texts within them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The address of an app's page: `app_path("DEMO", "orders")`.
pub fn app_path(app_id: &str, page: &str) -> String {
    format!("/apps/{}/{page}", escape(app_id))
}

/// Everything that cannot stand in a path segment or in the value of a query as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':');

/// Writes a text so that it can stand as one segment of a path or as a value in a query.
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Reads the pairs of a URL's query part (with or without `?`). An escape that is none stays as it is.
pub fn parse_pairs(search: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(search.trim_start_matches('?').as_bytes()).into_owned()
}
