//! The signed requests for a refund, by which a copy of an earlier request is told from a new one.
//!
//! An eavesdropper can send a signed request again within minutes, changed in what the signature does not see: quotes,
//! backslashes and, in the open edition, the case of letters. Such a copy must not change where notices go.

use serde::{Deserialize, Serialize};

use crate::domain::merchant::Edition;
use crate::domain::time::Timestamp;

/// Maximum number of digests kept. Further requests with the same `reqTime` count as copies.
const DIGESTS: usize = 16;

/// A signed request, as far as a copy of it can be recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// The request's `reqTime`, which is signed.
    pub req_time: Timestamp,
    /// Hex digest of the signed text, at least 16 characters.
    pub digest: String,
    pub edition: Edition,
}

impl SignedRequest {
    /// Tells whether the signature covers the difference between two values of a field.
    pub(super) fn covers_difference(&self, one: &str, other: &str) -> bool {
        self.signed_form(one) != self.signed_form(other)
    }

    fn signed_form(&self, value: &str) -> String {
        let stays = value.chars().filter(|c| !matches!(c, '"' | '\\'));
        match self.edition {
            Edition::Single => stays.collect(),
            Edition::Open => stays.flat_map(char::to_uppercase).collect(),
        }
    }
}

/// The newest requests that a refund's fields were taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestRequests {
    /// The newest `reqTime`; zero where no signed request was seen.
    pub req_time: Timestamp,
    /// Beginnings of the digests of the requests with that `reqTime`, joined by blanks.
    pub digests: String,
}

impl NewestRequests {
    /// Tells whether a request is later than those seen, or another with the same `reqTime`. All others are copies, or were
    /// overtaken.
    pub fn are_before(&self, request: &SignedRequest) -> bool {
        if request.req_time != self.req_time {
            return request.req_time > self.req_time;
        }
        let mut seen = self.digests.split(' ');
        seen.clone().count() < DIGESTS && !seen.any(|digest| request.digest.starts_with(digest))
    }

    /// Adds a request, which is a new one.
    pub fn add(&mut self, request: &SignedRequest) {
        let digest: String = request.digest.chars().take(16).collect();
        if request.req_time == self.req_time && !self.digests.is_empty() {
            self.digests.push(' ');
            self.digests.push_str(&digest);
        } else {
            self.req_time = request.req_time;
            self.digests = digest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(req_time: i64, digest: &str) -> SignedRequest {
        SignedRequest {
            req_time: Timestamp(req_time),
            digest: format!("{digest:0>16}ffff"),
            edition: Edition::Open,
        }
    }

    #[test]
    fn copies_and_overtaken_requests_are_told_from_new_ones() {
        let mut seen = NewestRequests::default();
        assert!(seen.are_before(&request(5, "a")));
        seen.add(&request(5, "a"));
        assert!(!seen.are_before(&request(5, "a")));
        assert!(!seen.are_before(&request(4, "b")));
        assert!(seen.are_before(&request(5, "b")));
        seen.add(&request(5, "b"));
        assert!(!seen.are_before(&request(5, "a")));
        assert!(!seen.are_before(&request(5, "b")));
        assert!(seen.are_before(&request(6, "a")));
        for n in 0..DIGESTS - 2 {
            seen.add(&request(5, &format!("c{n}")));
        }
        assert!(!seen.are_before(&request(5, "d")), "the list has an end");
        seen.add(&request(6, "d"));
        assert!(!seen.are_before(&request(5, "e")) && seen.are_before(&request(6, "e")));
    }

    #[test]
    fn what_the_signature_does_not_see_is_no_difference() {
        let open = request(1, "a");
        assert!(!open.covers_difference("https://a.example/n", "https://a.example/\\\"N"));
        assert!(open.covers_difference("https://a.example/n", "https://a.example/m"));
        let edition = Edition::Single;
        let single = SignedRequest { edition, ..open };
        assert!(single.covers_difference("https://a.example/n", "https://a.example/N"));
        assert!(!single.covers_difference("x", "\"x\""));
    }
}
