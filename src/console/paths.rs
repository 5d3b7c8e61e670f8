//! Addresses of the console's pages, and the escaping of texts within them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Address of the page of restored mode.
pub const RESTORED_PAGE: &str = "/restored";

/// Returns the address of an app's page: `app_path("DEMO", "orders")` is `/apps/DEMO/orders`.
pub fn app_path(app_id: &str, page: &str) -> String {
    format!("/apps/{}/{page}", escape(app_id))
}

/// Characters that are escaped in a path segment and in a query's value.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':');

/// Escapes a text for use as one segment of a path or as a value in a query.
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Reads the pairs of a URL's query part, with or without `?`. A malformed escape, `%zz` for example, stays as it is.
pub fn parse_pairs(search: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(search.trim_start_matches('?').as_bytes()).into_owned()
}
