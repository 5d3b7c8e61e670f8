//! The adapters' side of a channel: puts into words what the channel is told, tells it, and reads what it says.
//!
//! An adapter never sees the database's transactions and never decides a refund's state. It is called by
//! `call.rs` alone, which holds every call to its limits.

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
    /// The reply word for word, without secrets.
    pub raw: String,
}

/// A channel's statement about a payment order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// It knows it: its state, and the details we may lack.
    Known {
        status: OrderStatus,
        details: Box<NewOrder>,
    },
    NotFound,
    /// No answer, or one that leaves the state open.
    Unknown {
        why: String,
    },
}

/// A refund as it is put into words for a channel, before its first submission under a number.
#[derive(Clone, Copy, Debug)]
pub struct RefundTerms<'a> {
    pub order: &'a Order,
    pub amount: Fen,
    pub reason: Option<&'a str>,
    /// The number under which the channel is to see it.
    pub channel_no: &'a str,
}

/// A callback whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The number under which the channel knows the refund.
    pub channel_no: String,
    pub content: CallbackContent,
}

/// The content of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackContent {
    /// Evidence.
    Statement(Statement),
    /// No more than that something has happened: the channel is to be asked.
    Hint,
}

/// A callback's reply, as the channel expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackReply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// When and how a channel takes submissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubmissionPolicy {
    /// The time after a submission within which "not found", "failed" and "closed" may describe the state before it.
    pub visibility_delay: Duration,
    /// A submission that the channel, asked late enough, does not know may go out again under its number.
    pub repeats_unknown: bool,
    /// A retry after a definite failure goes out under a new number.
    pub new_number_after_failure: bool,
    /// The least time between submissions of refunds of one order.
    pub spacing: Duration,
}

/// One way to the money: speaks for the accounts of a channel.
#[async_trait]
pub trait ChannelAdapter: Send + Sync {
    /// Writes what the channel is to be told of a refund. It is stored before the first submission under the
    /// number, and is the same for every further one. Holds no secrets.
    fn params(&self, account: &ChannelAccount, terms: RefundTerms<'_>) -> String;

    /// Submits a refund with the submission's number and parameters. The same number again is one refund.
    async fn submit(
        &self,
        account: &ChannelAccount,
        order: &Order,
        submission: &Submission,
    ) -> Reply<Statement>;

    /// Asks for the refund of a submission.
    async fn query(
        &self,
        account: &ChannelAccount,
        order: &Order,
        submission: &Submission,
    ) -> Reply<Statement>;

    /// Asks for a payment's state: of an order we know, or else of one a merchant gave a number of.
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

    /// Returns what to answer a callback, taken or not.
    fn reply(&self, taken: bool) -> CallbackReply;

    fn policy(&self) -> SubmissionPolicy;
}
