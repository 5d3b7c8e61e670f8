//! JSON between browser and server, read from text. leptos' own encoding reads bytes, while the data that the server
//! writes into a page is read from text: with both, the browser would carry two readers.

use std::str::Utf8Error;

use leptos::server_fn::codec::Post;
use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Encoding of every function's answer.
pub type Json = Post<JsonText>;

/// JSON that is read from text.
pub struct JsonText;

/// An answer that is not JSON.
#[derive(Debug, thiserror::Error)]
pub enum NotJson {
    #[error(transparent)]
    NotText(#[from] Utf8Error),
    #[error(transparent)]
    NotJson(#[from] serde_json::Error),
}

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(output).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonText {
    type Error = NotJson;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        Ok(serde_json::from_str(std::str::from_utf8(&bytes)?)?)
    }
}
