//! Content that stays the same while the server runs: kept in memory, also compressed, and known by a tag, so that it
//! costs next to nothing to send.

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

/// Content with its compressed form, where it has one.
#[derive(Clone, Debug)]
pub struct Content {
    pub media_type: HeaderValue,
    pub plain: Form,
    pub brotli: Option<Form>,
}

/// One form of some content.
#[derive(Clone, Debug)]
pub struct Form {
    bytes: Bytes,
    /// A strong tag. It stands for the bytes, so that the compressed form has another one than the plain form.
    tag: String,
}

impl Form {
    /// Makes a form of bytes and their SHA-256 hash.
    pub fn new(bytes: Bytes, sha256: &[u8; 32]) -> Form {
        Form {
            bytes,
            tag: format!("\"{}\"", hex::encode(&sha256[..8])),
        }
    }

    fn of(bytes: Vec<u8>) -> Form {
        let hash = Sha256::digest(&bytes).into();
        Form::new(bytes.into(), &hash)
    }
}

impl Content {
    /// Makes content of text or other bytes, and compresses it.
    pub fn compressed(media_type: &'static str, bytes: impl Into<Vec<u8>>) -> Content {
        let bytes = bytes.into();
        let params = brotli::enc::BrotliEncoderParams {
            quality: 9,
            ..Default::default()
        };
        let mut small = Vec::new();
        let compressed = brotli::BrotliCompress(&mut bytes.as_slice(), &mut small, &params);
        Content {
            media_type: HeaderValue::from_static(media_type),
            plain: Form::of(bytes),
            brotli: compressed.is_ok().then(|| Form::of(small)),
        }
    }

    /// Answers a request with the form that its caller accepts, or with 304 where the caller has it already.
    pub fn answer(&self, request: &HeaderMap, lifetime: HeaderValue) -> Response {
        let brotli = self.brotli.as_ref().filter(|_| accepts_brotli(request));
        let form = brotli.unwrap_or(&self.plain);
        let is_known = is_listed(request, &form.tag);
        let mut response = match is_known {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => Body::from(form.bytes.clone()).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, lifetime);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(tag) = HeaderValue::try_from(&form.tag) {
            headers.insert(ETAG, tag);
        }
        if !is_known {
            headers.insert(CONTENT_TYPE, self.media_type.clone());
            if brotli.is_some() {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
            }
        }
        response
    }
}

/// Tells whether the caller accepts brotli: names it, and does not rule it out by `q=0`.
fn accepts_brotli(request: &HeaderMap) -> bool {
    list(request, ACCEPT_ENCODING).any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let is_brotli = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("br"));
        let weight = parts
            .find_map(|part| part.strip_prefix("q="))
            .map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        is_brotli && weight > 0.0
    })
}

/// Tells whether the caller has the content with this tag already.
fn is_listed(request: &HeaderMap, tag: &str) -> bool {
    list(request, IF_NONE_MATCH)
        .any(|listed| listed == "*" || listed.trim_start_matches("W/") == tag)
}

/// Returns the members of a header that is a list. There are none, if it is absent.
fn list(request: &HeaderMap, name: axum::http::HeaderName) -> impl Iterator<Item = &str> {
    request
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_chosen_by_name_and_weight() {
        let accepts = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            accepts_brotli(&HeaderMap::from_iter([(ACCEPT_ENCODING, value)]))
        };
        for value in [
            "br",
            "gzip, deflate, br, zstd",
            "gzip;q=1.0, BR;q=0.5",
            "br ; q=1",
        ] {
            assert!(accepts(value), "{value}");
        }
        for value in [
            "",
            "gzip",
            "br;q=0",
            "br; q=0.0",
            "br;q=none",
            "brotli",
            "*",
        ] {
            assert!(!accepts(value), "{value}");
        }
        assert!(!accepts_brotli(&HeaderMap::new()));
    }
}
