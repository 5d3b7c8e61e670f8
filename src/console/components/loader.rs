//! Loads the data of a page from the server.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::console::rpc::Packed;
use crate::console::view::ApiError;

/// A pending answer, as JSON.
type Answer = Pin<Box<dyn Future<Output = Result<String, ApiError>> + Send>>;

/// Key of a request: the app's id, a number or a list's query, and a count that makes the loader load again.
type Key = (String, String, usize);

/// A request to a reading server function, and its answer of type `T`. It loads again when its key changes.
///
/// The answer is kept as JSON until it is shown, so that one resource serves all types: see [`Packed`].
pub struct Loader<T> {
    answer: Resource<Result<String, ApiError>>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Loader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Loader<T> {}

impl<T> Loader<T> {
    /// Makes a loader: `Loader::new(move || (app_id.get(), number.get(), 0), load_order)`.
    pub fn new<F>(
        key: impl Fn() -> Key + Send + Sync + 'static,
        load: impl Fn(String, String) -> F + Copy + Send + Sync + 'static,
    ) -> Loader<T>
    where
        F: Future<Output = Result<Packed<T>, ApiError>> + Send + 'static,
        T: 'static,
    {
        let load = move |app_id, what| -> Answer {
            let answer = load(app_id, what);
            Box::pin(async move { answer.await.map(Packed::json) })
        };
        Loader {
            answer: resource(Box::new(key), Box::new(load)),
            of: PhantomData,
        }
    }

    /// Loads again, with the same key.
    pub fn again(self) {
        self.answer.refetch();
    }
}

impl<T: DeserializeOwned> Loader<T> {
    /// Waits for the answer.
    pub async fn answer(self) -> Result<T, ApiError> {
        Packed::new(self.answer.await?).open()
    }

    /// Returns the answer; `None` while it is loading for the first time.
    pub fn get(self) -> Option<Result<T, ApiError>> {
        let json = self.answer.get()?;
        Some(json.and_then(|json| Packed::new(json).open()))
    }
}

impl<T: Serialize> Loader<T> {
    /// Replaces the answer.
    pub fn set(self, answer: &T) {
        self.answer.set(Some(Ok(Packed::of(answer).json())));
    }
}

/// Makes the resource behind every [`Loader`].
fn resource(
    key: Box<dyn Fn() -> Key + Send + Sync>,
    load: Box<dyn Fn(String, String) -> Answer + Send + Sync>,
) -> Resource<Result<String, ApiError>> {
    Resource::new(key, move |(app_id, what, _)| load(app_id, what))
}
