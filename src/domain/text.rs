//! Texts of others, as they are kept.

/// Cuts a text to at most `bytes` bytes, at a character.
pub fn truncated(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Returns at most `bytes` bytes of a text, with a replacement character for U+0000, which PostgreSQL does not
/// store.
pub fn sanitized(text: &str, bytes: usize) -> String {
    truncated(&text.replace('\0', "\u{FFFD}"), bytes).to_owned()
}
