//! A merchant's system that receives notices: verifies each, records their order, and sometimes refuses them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;

use crate::support::http::{PRIVATE_SECRET, ordered, sign_text_by};

/// The content of a notice: the state, and the time at which it was reached.
pub type Told = (String, Option<String>);

/// The notices that were received.
#[derive(Default)]
pub struct Received {
    /// States by refund number, in the order of arrival.
    pub told: HashMap<String, Vec<Told>>,
    pub notices: u64,
    /// Notices with an error.
    pub wrong: Vec<String>,
}

/// The receiver. It listens until the test ends.
pub struct Merchant {
    pub url: String,
    received: Arc<Mutex<Received>>,
}

impl Merchant {
    pub async fn start() -> Merchant {
        let received = Arc::<Mutex<Received>>::default();
        let routes = Router::new()
            .route("/notices", post(receive))
            .with_state(received.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notices", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Merchant { url, received }
    }

    /// Reads the notices received so far.
    pub fn look<T>(&self, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.received.lock().unwrap())
    }
}

async fn receive(
    State(received): State<Arc<Mutex<Received>>>,
    body: String,
) -> (StatusCode, &'static str) {
    let mut received = received.lock().unwrap();
    received.notices += 1;
    match read(&body) {
        Ok((refund_no, told)) => received.told.entry(refund_no).or_default().push(told),
        Err(why) => received.wrong.push(format!("{why}: {body}")),
    }
    // Some notices are refused, so that they are sent again.
    match received.notices % 23 {
        7 => (StatusCode::INTERNAL_SERVER_ERROR, "SUCCESS"),
        15 => (StatusCode::OK, "FAIL"),
        _ => (StatusCode::OK, "SUCCESS"),
    }
}

/// Checks a notice of the open edition and reads it.
fn read(body: &str) -> Result<(String, Told), &'static str> {
    let whole: Value = serde_json::from_str(body).map_err(|_| "not JSON")?;
    let data = &whole["data"];
    let text = |name: &str| data[name].as_str().map(str::to_owned);
    if whole["sign"] != signature(body) {
        return Err("its signature is wrong");
    }
    let status = text("status").ok_or("no status")?;
    if status == "progress" {
        return Err("it tells of a refund in progress");
    }
    Ok((
        text("refundNo").ok_or("no refundNo")?,
        (status, text("finishTime")),
    ))
}

/// Computes the signature of a notice over the envelope's fields, with those of `data` sorted by name.
fn signature(body: &str) -> String {
    let fields = ordered(body).into_iter();
    let fields = fields.filter(|(name, raw)| name != "sign" && raw != "null");
    let texts = fields.map(|(name, raw)| {
        let text = match name.as_str() {
            "data" => sorted(&raw),
            _ => serde_json::from_str::<String>(&raw).unwrap_or(raw),
        };
        (name, text)
    });
    sign_text_by(PRIVATE_SECRET, texts.collect(), "hmac_sha256", true)
}

fn sorted(object: &str) -> String {
    let mut fields = ordered(object);
    fields.retain(|(_, raw)| raw != "null");
    fields.sort_by_key(|(name, _)| name.to_lowercase());
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, raw)| format!("\"{name}\":{raw}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}
