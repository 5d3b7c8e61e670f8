//! Errors in the server's log. Jobs report errors only there. In a simulation the server itself never fails, so every
//! logged error is a defect.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// The errors that were logged.
#[derive(Clone, Default)]
pub struct Errors(Arc<Mutex<String>>);

impl Errors {
    /// Runs work, and collects all errors that are logged meanwhile.
    pub fn heard_during<T>(&self, work: impl FnOnce() -> T) -> T {
        let layer = self.clone().with_filter(LevelFilter::ERROR);
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, work)
    }

    pub fn text(&self) -> String {
        self.0.lock().expect("nothing panics here").clone()
    }
}

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Fields(
            &mut self.0.lock().expect("nothing panics here"),
        ));
    }
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}
