//! The adapter of a channel: writes our requests in the channel's format, sends them and reads the answers.
//!
//! An adapter sees no database transaction and decides no refund's state. Only `call.rs` calls it, and holds every call
//! to its limits.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::account::ChannelAccount;
use crate::domain::error::Refusal;
use crate::domain::money::Fen;
use crate::domain::order::{NewOrder, Order, OrderKey, OrderStatus};
use crate::domain::refund::{Statement, Submission};

/// A channel's reply.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    pub outcome: T,
    /// Text of the reply as the channel sent it, without secrets.
    pub raw: String,
}

/// A channel's statement about a payment order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// The channel knows the order: its state, and details that our record may lack.
    Known {
        status: OrderStatus,
        details: Box<NewOrder>,
    },
    NotFound,
    /// The channel gave no answer, or one that leaves the state open.
    Unknown {
        why: String,
    },
}

/// The terms of a refund from which an adapter writes the parameters of a submission.
#[derive(Clone, Copy, Debug)]
pub struct RefundTerms<'a> {
    pub order: &'a Order,
    pub amount: Fen,
    pub reason: Option<&'a str>,
    /// Number of the refund at the channel.
    pub channel_no: &'a str,
}

/// A callback whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Number of the refund at the channel.
    pub channel_no: String,
    pub content: CallbackContent,
}

/// The content of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackContent {
    /// A statement about the refund, which is evidence.
    Statement(Statement),
    /// A hint that something has happened. The channel must be asked for the statement.
    Hint,
}

/// The reply to a callback, in the channel's format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackReply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// A channel's rules for submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmissionPolicy {
    /// Time after a submission within which "not found", "failed" and "closed" may describe the state before it.
    pub visibility_delay: Duration,
    /// True where a submission that the channel does not know after `visibility_delay` may be repeated under its
    /// number.
    pub repeats_unknown: bool,
    /// True where a retry after a definite failure needs a new number.
    pub new_number_after_failure: bool,
    /// Minimum time between submissions of refunds of one order.
    pub spacing: Duration,
}

/// The calls that every channel offers, made for one of our accounts.
#[async_trait]
pub trait ChannelAdapter: Send + Sync {
    /// Writes the parameters of a refund's submissions. They are stored before the first submission under a number, and
    /// all submissions under it send the same ones. They hold no secrets.
    fn params(&self, account: &ChannelAccount, terms: RefundTerms<'_>) -> String;

    /// Submits a refund with the submission's number and parameters. A number that is submitted again means the same
    /// refund.
    async fn submit(
        &self,
        account: &ChannelAccount,
        order: &Order,
        submission: &Submission,
    ) -> Reply<Statement>;

    /// Asks for the refund that a submission is about.
    async fn query(
        &self,
        account: &ChannelAccount,
        order: &Order,
        submission: &Submission,
    ) -> Reply<Statement>;

    /// Asks for the state of a payment: of an order that we know, or of one that only a merchant's number names.
    async fn query_order(
        &self,
        account: &ChannelAccount,
        key: &OrderKey,
        known: Option<&Order>,
    ) -> Reply<OrderOutcome>;

    /// Checks a callback's signature over its raw body and reads it.
    ///
    /// # Errors
    /// [`Refusal::BadSignature`] or [`Refusal::Unreadable`].
    async fn read_callback(
        &self,
        account: &ChannelAccount,
        headers: &HashMap<String, String>,
        body: &[u8],
    ) -> Result<Callback, Refusal>;

    /// Returns the reply to a callback. `taken`: the callback was accepted.
    fn reply(&self, taken: bool) -> CallbackReply;

    fn policy(&self) -> SubmissionPolicy;
}
