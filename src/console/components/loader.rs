//! Loads the data of a page from the server.

use std::future::Future;

use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::console::view::ApiError;

/// Key of a request: the app's id, a number or a list's query, and a count that makes the loader load again.
type Key = (String, String, usize);

/// The data of a page: any type that the server can write into the page and the browser can read from there.
pub trait PageData: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> PageData for T {}

/// A request to a reading server function, and its answer. It loads again when its key changes.
pub struct Loader<T: PageData>(Resource<Result<T, ApiError>>);

impl<T: PageData> Clone for Loader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: PageData> Copy for Loader<T> {}

impl<T: PageData> Loader<T> {
    /// Makes a loader: `Loader::new(move || (app_id.get(), number.get(), 0), load_order)`.
    pub fn new<F>(
        key: impl Fn() -> Key + Send + Sync + 'static,
        load: impl Fn(String, String) -> F + Send + Sync + 'static,
    ) -> Loader<T>
    where
        F: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        Loader(Resource::new(key, move |(app_id, what, _)| {
            load(app_id, what)
        }))
    }

    /// Loads again, with the same key.
    pub fn again(self) {
        self.0.refetch();
    }

    /// Waits for the answer.
    pub async fn answer(self) -> Result<T, ApiError> {
        self.0.await
    }

    /// Returns the answer; `None` while it is loading for the first time.
    pub fn get(self) -> Option<Result<T, ApiError>> {
        self.0.get()
    }

    /// Replaces the answer.
    pub fn set(self, answer: T) {
        self.0.set(Some(Ok(answer)));
    }
}
