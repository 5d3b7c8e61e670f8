//! JSON between browser and server, read from text. The framework's own reads bytes, while what the server
//! has rendered comes as text: with both, the browser would carry every reader twice.

use std::str::Utf8Error;

use leptos::server_fn::codec::Post;
use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What every function answers in.
pub type Json = Post<JsonText>;

/// JSON, read from text.
pub struct JsonText;

/// Why something is not ours.
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
