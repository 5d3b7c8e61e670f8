//! A merchant's system that receives notices, over real HTTP.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use tokio::sync::{Notify, watch};

/// The receiver's answer to a notice.
#[derive(Clone, Debug)]
pub enum Reply {
    Success,
    Text(u16, String),
    /// A redirect to another address of the same receiver.
    Redirect,
    /// No answer.
    Nothing,
    /// An answer that waits until the test allows it.
    Held(Arc<Notify>, u16, String),
}

/// A running receiver.
#[derive(Clone)]
pub struct Receiver {
    /// `http://127.0.0.1:PORT/notice`.
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    bodies: Vec<String>,
    /// Answers to the next notices. After the last of them, every answer is success.
    replies: VecDeque<Reply>,
    redirected: usize,
    /// Number of received bodies.
    count: watch::Sender<usize>,
}

impl Receiver {
    /// Listens on a free port of loopback.
    pub async fn start() -> Receiver {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let routes = Router::new()
            .route("/notice", post(receive))
            .route("/elsewhere", post(elsewhere))
            .with_state(seen.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Receiver {
            url: format!("http://127.0.0.1:{port}/notice"),
            seen,
        }
    }

    /// Sets the answers to the next notices, in order. After them, every answer is success.
    pub fn will_answer(&self, replies: impl IntoIterator<Item = Reply>) {
        self.seen.lock().unwrap().replies.extend(replies);
    }

    /// Returns the received bodies, in order.
    pub fn bodies(&self) -> Vec<String> {
        self.seen.lock().unwrap().bodies.clone()
    }

    /// Waits until `number` bodies were received.
    pub async fn has_received(&self, number: usize) {
        let mut count = self.seen.lock().unwrap().count.subscribe();
        let reached = count.wait_for(|count| *count >= number).await;
        reached.expect("the receiver lives");
    }

    /// Returns the received bodies as JSON, in order.
    pub fn notices(&self) -> Vec<Value> {
        let bodies = self.bodies();
        let read = |body: &String| serde_json::from_str(body).expect("a notice is JSON");
        bodies.iter().map(read).collect()
    }

    /// Returns the number of requests that followed a redirect.
    pub fn redirected(&self) -> usize {
        self.seen.lock().unwrap().redirected
    }
}

async fn receive(
    State(seen): State<Arc<Mutex<Seen>>>,
    headers: HeaderMap,
    body: String,
) -> Response {
    // Old receivers read ISO-8859-1 where no charset is named.
    assert_eq!(
        headers[header::CONTENT_TYPE],
        "application/json; charset=utf-8"
    );
    let reply = {
        let mut seen = seen.lock().unwrap();
        seen.bodies.push(body);
        seen.count.send_modify(|count| *count += 1);
        seen.replies.pop_front()
    };
    match reply.unwrap_or(Reply::Success) {
        Reply::Success => "SUCCESS".into_response(),
        Reply::Text(status, text) => {
            (StatusCode::from_u16(status).expect("a status"), text).into_response()
        }
        Reply::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        Reply::Nothing => std::future::pending().await,
        Reply::Held(released, status, text) => {
            released.notified().await;
            (StatusCode::from_u16(status).expect("a status"), text).into_response()
        }
    }
}

async fn elsewhere(State(seen): State<Arc<Mutex<Seen>>>) -> &'static str {
    seen.lock().unwrap().redirected += 1;
    "SUCCESS"
}
