//! Refunds.

use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use serde::{Deserialize, Serialize};

use super::{Json, Packed, Trouble};
use crate::app::view::{Days, Entry, Stamp};
use crate::domain::filter::{Count, Page};
use crate::domain::order::Order;
use crate::domain::refund::{Refund, RefundRow, RefundStatus};

/// One page of the list of refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundList {
    pub page: Page<RefundLine>,
    /// How many there are of each state, the list's own state left aside.
    pub counts: Vec<(RefundStatus, Count)>,
    /// How many of the list's state a person has to look at.
    pub attention: Count,
    /// The zone of all times in the list.
    pub zone: String,
    pub days: Days,
}

/// One row of the list of refunds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    pub row: RefundRow,
    pub created: Stamp,
}

/// Lists an app's refunds. `query` is the query part of the page's URL.
#[server(endpoint = "refunds", input = GetUrl, output = Json)]
pub async fn list_refunds(
    app: String,
    #[server(default)] query: String,
) -> Result<Packed<RefundList>, Trouble> {
    Ok(Packed::of(
        &crate::server::console::refunds::list(&app, &query).await?,
    ))
}

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
    /// Whether this operator may sync, retry and close.
    pub may_move_money: bool,
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

/// Closes a failed refund.
#[server(endpoint = "refund/close", output = Json)]
pub async fn close_refund(app: String, refund_no: String, since: i64) -> Result<(), Trouble> {
    crate::server::console::refunds::close(&app, &refund_no, since).await
}
