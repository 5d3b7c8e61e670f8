//! What the reading functions answer: JSON that is opened where it is shown. On its way through the page's
//! resources it is a text, whatever is in it: every kind of answer would bring a copy of that machinery into
//! what the browser has to load.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::console::view::ApiError;

/// A packed `T`.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed<T> {
    json: String,
    #[serde(skip)]
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize> Packed<T> {
    /// Packs it.
    pub fn of(value: &T) -> Packed<T> {
        let json =
            serde_json::to_string(value).expect("what pages are given can be written as JSON");
        Packed::new(json)
    }
}

impl<T> Packed<T> {
    /// What was packed as this text.
    pub fn new(json: String) -> Packed<T> {
        let of = PhantomData;
        Packed { json, of }
    }

    /// The text that stands for it.
    pub fn json(self) -> String {
        self.json
    }
}

impl<T: DeserializeOwned> Packed<T> {
    /// Unpacks it.
    ///
    /// # Errors
    /// Where the page and the server are not of the same release.
    pub fn open(&self) -> Result<T, ApiError> {
        serde_json::from_str(&self.json).map_err(|_| ApiError::unreachable())
    }
}
