//! What the server counts and measures, for Prometheus. Every name stands in this file.
//!
//! Labels are endpoints, codes, app ids, channels and our own words: a bounded number of each.
//! Nothing is kept unless a setting asks for it ([`scrape`]); counting is then nearly free.

mod scrape;

use std::time::Instant;

use axum::response::Response;
use metrics::{Unit, counter, gauge, histogram};

pub use scrape::{routes, start};

use super::unipay::answer::Code;

const REQUESTS: &str = "refundry_requests_total";
const REQUEST_SECONDS: &str = "refundry_request_seconds";
const REQUESTS_IN_FLIGHT: &str = "refundry_requests_in_flight";
const READY: &str = "refundry_ready";
const INFO: &str = "refundry_info";

/// What each is, as a scrape tells it.
fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};

    describe_counter!(
        REQUESTS,
        "Requests answered, by endpoint and by the envelope's code (the HTTP status where there is no \
         envelope; gone: the caller hung up first)"
    );
    describe_histogram!(REQUEST_SECONDS, Unit::Seconds, "How long requests took");
    describe_gauge!(REQUESTS_IN_FLIGHT, "Requests under way");
    describe_gauge!(READY, "1 while requests may be sent here, as /readyz says");
    describe_gauge!(INFO, "Always 1; the labels say which program this is");
}

/// A request under way. One that is dropped before it has ended was given up by its caller.
pub struct Request {
    endpoint: String,
    began: Instant,
    code: Option<String>,
}

impl Request {
    /// Begins to measure a request. The endpoint is the matched route, never a caller's own text.
    pub fn begins(endpoint: &str) -> Request {
        gauge!(REQUESTS_IN_FLIGHT).increment(1);
        Request {
            endpoint: endpoint.to_owned(),
            began: Instant::now(),
            code: None,
        }
    }

    /// Counts it by its answer.
    pub fn ends(mut self, response: &Response) {
        let code = response.extensions().get::<Code>();
        self.code = Some(match code {
            Some(Code(code)) => code.to_string(),
            None => response.status().as_str().to_owned(),
        });
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        gauge!(REQUESTS_IN_FLIGHT).decrement(1);
        let endpoint = std::mem::take(&mut self.endpoint);
        let code = self.code.take().unwrap_or_else(|| "gone".to_owned());
        histogram!(REQUEST_SECONDS, "endpoint" => endpoint.clone()).record(self.began.elapsed());
        counter!(REQUESTS, "endpoint" => endpoint, "code" => code).increment(1);
    }
}
