//! Answers of the reading functions: JSON that stays a string until it is shown. leptos compiles a resource, its
//! signals and its hydration once for each type of answer; with a string for all answers, once. ARCHITECTURE.md,
//! "What the browser loads", has the figures.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::console::view::ApiError;

/// A `T`, written as JSON.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed<T> {
    json: String,
    #[serde(skip)]
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize> Packed<T> {
    /// Writes a value as JSON.
    pub fn of(value: &T) -> Packed<T> {
        let json =
            serde_json::to_string(value).expect("what pages are given can be written as JSON");
        Packed::new(json)
    }
}

impl<T> Packed<T> {
    /// Takes the JSON of a value.
    pub fn new(json: String) -> Packed<T> {
        let of = PhantomData;
        Packed { json, of }
    }

    /// Returns the JSON.
    pub fn json(self) -> String {
        self.json
    }
}

impl<T: DeserializeOwned> Packed<T> {
    /// Reads the value.
    ///
    /// # Errors
    /// [`ApiError::unreachable`] where the JSON is not a `T`: page and server are of different releases.
    pub fn open(&self) -> Result<T, ApiError> {
        serde_json::from_str(&self.json).map_err(|_| ApiError::unreachable())
    }
}
