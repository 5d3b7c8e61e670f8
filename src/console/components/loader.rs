//! What a page asks of the server, and shows when it is there.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::console::rpc::Packed;
use crate::console::view::ApiError;

/// An answer on its way.
type Answer = Pin<Box<dyn Future<Output = Result<String, ApiError>> + Send>>;

/// What is asked for: an app and, within it, a number or a list's query; and how often it was asked anew.
type About = (String, String, usize);

/// A question to the server and its answer, a `T`. SignedRequest again when what it is about changes.
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
    /// Asks a reading function: `Ask::new(move || (app.get(), number.get(), 0), load_order)`.
    pub fn new<F>(
        about: impl Fn() -> About + Send + Sync + 'static,
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
            answer: ask(Box::new(about), Box::new(load)),
            of: PhantomData,
        }
    }

    /// Asks again.
    pub fn again(self) {
        self.answer.refetch();
    }
}

impl<T: DeserializeOwned> Loader<T> {
    /// The answer, once it is there.
    pub async fn answer(self) -> Result<T, ApiError> {
        Packed::new(self.answer.await?).open()
    }

    /// The answer, if it is there.
    pub fn get(self) -> Option<Result<T, ApiError>> {
        let json = self.answer.get()?;
        Some(json.and_then(|json| Packed::new(json).open()))
    }
}

impl<T: Serialize> Loader<T> {
    /// Puts news in the answer's place.
    pub fn set(self, news: &T) {
        self.answer.set(Some(Ok(Packed::of(news).json())));
    }
}

/// The one resource behind every [`Ask`].
fn ask(
    about: Box<dyn Fn() -> About + Send + Sync>,
    load: Box<dyn Fn(String, String) -> Answer + Send + Sync>,
) -> Resource<Result<String, ApiError>> {
    Resource::new(about, move |(app_id, what, _)| load(app_id, what))
}
