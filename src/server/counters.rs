//! The counters and measurements of the server, for Prometheus. This file has all their names.
//!
//! Labels are endpoints, codes, apps, accounts, channels and words of our own, so that their number is bounded. Nothing
//! is recorded unless a setting asks for it ([`start`]); counting then costs almost nothing.

use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram};

use crate::domain::account::ChannelAccount;
use crate::domain::order::Channel;
use crate::domain::refund::{OutcomeKind, RefundStatus};

pub(in crate::server) const REQUESTS: &str = "refundry_requests_total";
pub(in crate::server) const REQUEST_SECONDS: &str = "refundry_request_seconds";
pub(in crate::server) const REQUESTS_LIMITED: &str = "refundry_requests_limited_total";
pub(in crate::server) const REQUESTS_IN_FLIGHT: &str = "refundry_requests_in_flight";
pub(in crate::server) const REFUNDS_SETTLED: &str = "refundry_refunds_settled_total";
pub(in crate::server) const REFUNDS_OPEN: &str = "refundry_refunds_open";
pub(in crate::server) const REFUNDS_RAISED: &str = "refundry_refunds_raised";
pub(in crate::server) const OLDEST_OPEN_SECONDS: &str = "refundry_oldest_open_refund_seconds";
pub(in crate::server) const HELD_FEN: &str = "refundry_money_held_fen";
pub(in crate::server) const BALANCES_DIFFERENT: &str = "refundry_balances_different";
pub(in crate::server) const RESTORED_MODE: &str = "refundry_restored_mode";
pub(in crate::server) const BACKUP_TAKEN_SECONDS: &str = "refundry_backup_taken_seconds";
pub(in crate::server) const BACKUP_EVERY_SECONDS: &str = "refundry_backup_every_seconds";
pub(in crate::server) const SYNCS_DUE: &str = "refundry_syncs_due";
pub(in crate::server) const CHANNEL_CALLS: &str = "refundry_channel_calls_total";
pub(in crate::server) const CALLBACKS_UNBELIEVED: &str = "refundry_callbacks_unbelieved_total";
pub(in crate::server) const CHANNEL_CALL_SECONDS: &str = "refundry_channel_call_seconds";
pub(in crate::server) const BREAKER_OPEN: &str = "refundry_breaker_open";
pub(in crate::server) const NOTICES_SENT: &str = "refundry_notices_sent_total";
pub(in crate::server) const NOTICES_WAITING: &str = "refundry_notices_waiting";
pub(in crate::server) const NOTICES_DUE: &str = "refundry_notices_due";
pub(in crate::server) const OLDEST_NOTICE_SECONDS: &str = "refundry_oldest_notice_seconds";
pub(in crate::server) const LOGINS_FAILED: &str = "refundry_logins_failed_total";
pub(in crate::server) const WRITE_SECONDS: &str = "refundry_write_seconds";
pub(in crate::server) const JOBS_PANICKED: &str = "refundry_jobs_panicked_total";
pub(in crate::server) const CLOCK_OFFSET_SECONDS: &str = "refundry_clock_offset_seconds";
pub(in crate::server) const READY: &str = "refundry_ready";
pub(in crate::server) const READINGS_FRESH: &str = "refundry_readings_fresh";
pub(in crate::server) const INFO: &str = "refundry_info";

/// Describes each figure, as a scrape shows it.
pub(in crate::server) fn describe() {
    use metrics::{
        describe_counter as counter, describe_gauge as gauge, describe_histogram as histogram,
    };

    counter!(
        REQUESTS,
        "Requests, by endpoint and by the envelope's code; by the HTTP status where there is no envelope; \
         gone: the caller hung up first"
    );
    histogram!(REQUEST_SECONDS, "How long requests took");
    counter!(
        REQUESTS_LIMITED,
        "Requests that were refused since too many were made, by the limit: address, callback (of an address), app; \
         connection, body (slow ones of an address), app_at_once: since too many were under way"
    );
    gauge!(REQUESTS_IN_FLIGHT, "Requests under way");
    counter!(REFUNDS_SETTLED, "Refunds that reached a state, by channel");
    gauge!(REFUNDS_OPEN, "Refunds in progress; counted to 100000");
    gauge!(
        REFUNDS_RAISED,
        "Refunds that wait for a person to look at them; counted to 100000"
    );
    gauge!(
        OLDEST_OPEN_SECONDS,
        "How long the oldest refund in progress has been so; 0: none is"
    );
    gauge!(HELD_FEN, "What refunds in progress hold, in fen");
    gauge!(
        BALANCES_DIFFERENT,
        "Orders whose balance was not the sum of its movements when all were last compared"
    );
    gauge!(
        RESTORED_MODE,
        "1 while the database is in restored mode, in which no refund is submitted"
    );
    gauge!(
        BACKUP_TAKEN_SECONDS,
        "When the last scheduled backup was taken and verified, in seconds since 1970; 0: none was"
    );
    gauge!(
        BACKUP_EVERY_SECONDS,
        "Time from one scheduled backup to the next; 0: this node takes none"
    );
    gauge!(
        SYNCS_DUE,
        "Refunds whose channel should have been asked by now; counted to 100000"
    );
    counter!(
        CHANNEL_CALLS,
        "Calls to channels, by what was found; unknown: no answer, or none that decides"
    );
    counter!(
        CALLBACKS_UNBELIEVED,
        "Callbacks whose signature is not the channel's, or that cannot be read"
    );
    histogram!(CHANNEL_CALL_SECONDS, "How long channels took to answer");
    gauge!(
        BREAKER_OPEN,
        "1 while a channel does not answer an account and is asked gently"
    );
    counter!(
        NOTICES_SENT,
        "Notices sent, by how it went: delivered, failed, given_up; no_address: there is none to send to any more"
    );
    gauge!(
        NOTICES_WAITING,
        "Notices that have not arrived yet; counted to 100000"
    );
    gauge!(
        NOTICES_DUE,
        "Notices that should have been sent by now; counted to 100000"
    );
    gauge!(
        OLDEST_NOTICE_SECONDS,
        "How long the oldest notice has not arrived; 0: none waits"
    );
    counter!(
        LOGINS_FAILED,
        "Logins that were refused: wrong, locked_out, busy; the log names each one's name and address"
    );
    histogram!(
        WRITE_SECONDS,
        "How long writes took until they were durable, their wait included"
    );
    counter!(
        JOBS_PANICKED,
        "Runs of a job that ended by a panic; write: a write to the database that did"
    );
    gauge!(
        CLOCK_OFFSET_SECONDS,
        "How far the node's clock is ahead of the database's; 0 on the embedded database"
    );
    gauge!(READY, "1 while requests may be sent here, as /readyz says");
    gauge!(
        READINGS_FRESH,
        "1 while the figures of the database are current; 0: it could not be asked in time, and they \
         are those of before"
    );
    gauge!(INFO, "Always 1; its label is the program's version");
}

/// Shows counters of rare events as zero before the first event, so that an alert on an increase notices it.
pub(in crate::server) fn begin_at_zero() {
    for &channel in Channel::ALL {
        for &state in RefundStatus::ALL {
            if state != RefundStatus::Progress {
                let (channel, state) = (channel.as_str(), state.as_str());
                counter!(REFUNDS_SETTLED, "channel" => channel, "state" => state).increment(0);
            }
        }
    }
    for outcome in ["delivered", "failed", "given_up", "no_address"] {
        counter!(NOTICES_SENT, "outcome" => outcome).increment(0);
    }
    for limit in [
        "address",
        "callback",
        "app",
        "connection",
        "body",
        "app_at_once",
    ] {
        counter!(REQUESTS_LIMITED, "limit" => limit).increment(0);
    }
    job_started(WRITE);
    clock_offset(0);
    balances_different(0);
    for reason in ["wrong", "locked_out", "busy"] {
        counter!(LOGINS_FAILED, "reason" => reason).increment(0);
    }
}

/// A request under way. Dropping it before its end means that its caller gave it up.
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

    /// Ends the request, and counts it by its answer: the envelope's code, or else the HTTP status.
    pub fn ends(mut self, code: String) {
        self.code = Some(code);
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

/// Counts a request or a connection that was refused because its address or app makes too many.
pub fn request_limited(limit: &'static str) {
    counter!(REQUESTS_LIMITED, "limit" => limit).increment(1);
}

/// Counts a refund that has reached a state.
pub fn settled(channel: Channel, state: RefundStatus) {
    counter!(REFUNDS_SETTLED, "channel" => channel.as_str(), "state" => state.as_str())
        .increment(1);
}

/// Counts a callback whose signature is not the channel's.
pub fn callback_unbelieved(app_id: &str, channel: Channel) {
    counter!(CALLBACKS_UNBELIEVED, "app" => app_id.to_owned(), "channel" => channel.as_str())
        .increment(1);
}

/// Counts and times a call of a channel by an account, by its outcome.
pub fn channel_called(
    account: &ChannelAccount,
    operation: &'static str,
    outcome: OutcomeKind,
    took: Duration,
) {
    let (name, channel) = (account.account_id.clone(), account.channel.as_str());
    histogram!(
        CHANNEL_CALL_SECONDS,
        "account" => name.clone(), "channel" => channel, "operation" => operation
    )
    .record(took);
    counter!(
        CHANNEL_CALLS,
        "account" => name, "channel" => channel, "operation" => operation, "outcome" => outcome.as_str()
    )
    .increment(1);
}

/// Counts an attempt to send a notice, by its outcome.
pub fn notice_sent(outcome: &'static str) {
    counter!(NOTICES_SENT, "outcome" => outcome).increment(1);
}

/// Counts a login that was refused.
pub fn login_failed(reason: &'static str) {
    counter!(LOGINS_FAILED, "reason" => reason).increment(1);
}

/// Times a write, from the request for it until it was durable or refused.
pub fn written(took: Duration) {
    histogram!(WRITE_SECONDS).record(took);
}

/// The name under which panics of writes are counted.
const WRITE: &str = "write";

/// Shows a job before a run of it first panics.
pub fn job_started(job: &'static str) {
    counter!(JOBS_PANICKED, "name" => job).increment(0);
}

/// Counts a run of a job that panicked.
pub fn job_panicked(job: &'static str) {
    counter!(JOBS_PANICKED, "name" => job).increment(1);
}

/// Counts a write that panicked.
pub fn write_panicked() {
    job_panicked(WRITE);
}

/// Shows how many balances were found not to be the sums of their movements.
pub fn balances_different(orders: u64) {
    gauge!(BALANCES_DIFFERENT).set(orders as f64);
}

/// Shows by how many milliseconds the node's clock is ahead of the database's.
pub fn clock_offset(ms: i64) {
    gauge!(CLOCK_OFFSET_SECONDS).set(ms as f64 / 1_000.0);
}
