//! Preparation of texts from outside for storage.

/// Returns the beginning of a text, at most `bytes` long, cut at a character.
pub fn truncated(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// Returns a text from outside as it is stored: at most `bytes` of it, with U+0000, which PostgreSQL does not store,
/// replaced.
pub fn sanitized(text: &str, bytes: usize) -> String {
    truncated(&text.replace('\0', "\u{FFFD}"), bytes).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character_and_holds_no_nul() {
        assert_eq!(truncated("退款", 6), "退款");
        assert_eq!(truncated("退款", 5), "退");
        assert_eq!(truncated("退款", 2), "");
        assert_eq!(sanitized("a\0b", 100), "a\u{FFFD}b");
        assert_eq!(sanitized("a\0b", 3), "a");
    }
}
