//! Refunds.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::{Json, Packed, Trouble};
use crate::app::view::{Cell, Entry, Stamp};
use crate::domain::order::Order;
use crate::domain::refund::Refund;

/// A refund with everything that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundView {
    pub refund: Refund,
    pub order: Order,
    pub created: Stamp,
    /// When it was last submitted.
    pub submitted: Stamp,
    pub finished: Option<Stamp>,
    /// The zone of all times.
    pub zone: String,
    /// Its events, newest first.
    pub timeline: Vec<Entry>,
    /// What stands among its facts besides: name and value.
    pub more: Vec<(String, Cell)>,
    /// What makes sense now besides a sync; nothing at all where this operator may only look.
    pub may: Option<May>,
}

/// What can be done about a refund as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct May {
    pub retry: bool,
    pub close: bool,
    /// Note that a person has looked at what was raised.
    pub review: bool,
}

/// Loads a refund.
#[server(endpoint = "refund", input = GetUrl, output = Json)]
pub async fn load_refund(app: String, refund_no: String) -> Result<Packed<RefundView>, Trouble> {
    Ok(Packed::of(
        &crate::server::console::refunds::load(&app, &refund_no).await?,
    ))
}

/// The refund, if it has become another than the `version` that is shown: what an open page asks again
/// and again.
#[server(endpoint = "refund/news", input = GetUrl, output = Json)]
pub async fn refund_news(
    app: String,
    refund_no: String,
    version: i64,
) -> Result<Option<Packed<RefundView>>, Trouble> {
    let news = crate::server::console::refunds::news(&app, &refund_no, version).await?;
    Ok(news.map(|news| Packed::of(&*news)))
}

// What follows leads back to the refund, with `since`, the version that was shown when the button was
// pressed, in the address: the page tells what has happened since.

/// Asks the channel for the refund's true state.
#[server(endpoint = "refund/sync", output = Json)]
pub async fn sync_refund(app: String, refund_no: String, since: i64) -> Result<(), Trouble> {
    crate::server::console::refunds::sync(&app, &refund_no, since).await
}

/// Submits a failed refund again. `attempt` is the one whose failure was shown.
#[server(endpoint = "refund/retry", output = Json)]
pub async fn retry_refund(
    app: String,
    refund_no: String,
    since: i64,
    attempt: i64,
) -> Result<(), Trouble> {
    crate::server::console::refunds::retry(&app, &refund_no, since, attempt).await
}

/// Closes a failed refund, or one in progress that its channel, asked at that moment, does not know.
#[server(endpoint = "refund/close", output = Json)]
pub async fn close_refund(app: String, refund_no: String, since: i64) -> Result<(), Trouble> {
    crate::server::console::refunds::close(&app, &refund_no, since).await
}

/// Notes that a person has looked at what was raised about a settled refund.
#[server(endpoint = "refund/review", output = Json)]
pub async fn review_refund(
    app: String,
    refund_no: String,
    since: i64,
    #[server(default)] remark: String,
) -> Result<(), Trouble> {
    crate::server::console::refunds::review(&app, &refund_no, since, &remark).await
}
