//! The rules of the sandbox's ledger, without I/O and without a clock.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::error::Refusal;
use crate::domain::money::Fen;
use crate::domain::refund::{Outcome, Statement};
use crate::domain::time::{HOUR_MS, Timestamp};
use crate::server::channels::adapter::{RefundTerms, Reply};
use crate::server::store::sandbox::LedgerRow;

/// The behaviour of an order's refunds, given by the beginning of the order's channel number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Ok,
    Async { callback: bool },
    Fail,
    LateFail,
    Closed,
    Timeout,
    Lost,
    Flaky,
    Absent,
    Reversed,
}

impl Behaviour {
    /// Reads the behaviour from a channel number. An unknown beginning means the same as `SBX-OK-`.
    fn of(out_order_no: &str) -> Behaviour {
        let word = out_order_no
            .strip_prefix("SBX-")
            .and_then(|rest| rest.split_once('-'))
            .map(|(word, _)| word);
        match word {
            Some("ASYNC") => Behaviour::Async {
                callback: !out_order_no.contains("NOCB"),
            },
            Some("FAIL") => Behaviour::Fail,
            Some("LATEFAIL") => Behaviour::LateFail,
            Some("CLOSED") => Behaviour::Closed,
            Some("TIMEOUT") => Behaviour::Timeout,
            Some("LOST") => Behaviour::Lost,
            Some("FLAKY") => Behaviour::Flaky,
            Some("ABSENT") => Behaviour::Absent,
            Some("REVERSED") => Behaviour::Reversed,
            _ => Behaviour::Ok,
        }
    }

    /// Returns true where submission number `n` of a refund (from 1) reaches the channel.
    fn arrives(self, n: i64) -> bool {
        match self {
            Behaviour::Lost => n > 1,
            Behaviour::Flaky => n % 2 == 0,
            _ => true,
        }
    }

    /// Returns the outcome of a refund that reached the channel.
    fn outcome(self) -> &'static str {
        match self {
            Behaviour::Ok
            | Behaviour::Async { .. }
            | Behaviour::Timeout
            | Behaviour::Lost
            | Behaviour::Flaky => SUCCESS,
            Behaviour::Fail | Behaviour::LateFail => FAIL,
            Behaviour::Closed => CLOSE,
            Behaviour::Absent => UNSEEN,
            Behaviour::Reversed => REVERSED,
        }
    }

    fn is_late(self) -> bool {
        matches!(
            self,
            Behaviour::Async { .. } | Behaviour::LateFail | Behaviour::Closed | Behaviour::Reversed
        )
    }
}

// Outcomes of a refund, as the ledger stores them.
const SUCCESS: &str = "success";
const FAIL: &str = "fail";
const CLOSE: &str = "close";
const UNSEEN: &str = "unseen";
/// The refund succeeded at once, and is reversed when it settles.
const REVERSED: &str = "reversed";

/// A refund as the sandbox's ledger shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    pub refund_no: String,
    /// Amount in fen.
    pub amount: i64,
    pub status: &'static str,
    /// Number of times that the money moved.
    pub moved: i64,
}

/// Parameters of a refund, as they are submitted to the sandbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Params {
    pub refund_no: String,
    /// The order's channel number, which decides the refund's behaviour.
    pub out_order_no: String,
    /// Amount in fen.
    pub amount: i64,
}

impl Params {
    pub fn of(terms: RefundTerms<'_>) -> Params {
        Params {
            refund_no: terms.channel_no.to_owned(),
            out_order_no: terms.order.out_order_no.clone().unwrap_or_default(),
            amount: terms.amount.0,
        }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain strings and numbers are JSON")
    }
}

/// Returns the ledger's row after a submission. The same number means the same refund: money that has moved does not
/// move again, and only a refund that failed or was never seen starts over.
pub fn enter(
    known: Option<LedgerRow>,
    account_id: &str,
    params: &Params,
    now: Timestamp,
    delay_ms: i64,
) -> LedgerRow {
    let behaviour = Behaviour::of(&params.out_order_no);
    let mut row = known.unwrap_or_else(|| LedgerRow {
        refund_no: params.refund_no.clone(),
        account_id: account_id.to_owned(),
        out_order_no: params.out_order_no.clone(),
        amount: Fen(params.amount),
        outcome: UNSEEN.to_owned(),
        settles_at: now,
        submissions: 0,
        moved: 0,
    });
    row.submissions += 1;
    let starts_over = row.outcome == UNSEEN || row.outcome == FAIL;
    if starts_over && behaviour.arrives(row.submissions) {
        row.outcome = behaviour.outcome().to_owned();
        row.settles_at = now.plus_ms(if behaviour.is_late() { delay_ms } else { 0 });
        row.moved += i64::from(matches!(behaviour.outcome(), SUCCESS | REVERSED));
    }
    row
}

/// The sandbox's reaction to a submission, as the submitter sees it.
#[derive(Clone, Debug)]
pub enum Delivery {
    Answer(Reply<Statement>),
    /// The connection breaks, for this reason.
    Broken(&'static str),
    /// No answer comes before the time limit, for this reason.
    Nothing(&'static str),
}

/// Returns the reaction to the submission that made this row.
pub fn heard(row: &LedgerRow, now: Timestamp) -> Delivery {
    let behaviour = Behaviour::of(&row.out_order_no);
    match behaviour.arrives(row.submissions) {
        false if behaviour == Behaviour::Flaky => {
            Delivery::Broken("connection reset by the sandbox")
        }
        true if behaviour != Behaviour::Timeout => Delivery::Answer(answer_to_submission(row, now)),
        _ => Delivery::Nothing("the sandbox did not answer in time"),
    }
}

/// Returns true where the submission that made this row is followed by a callback.
pub fn calls_back(row: &LedgerRow) -> bool {
    Behaviour::of(&row.out_order_no) == Behaviour::Async { callback: true }
}

/// Returns true where a callback can report the row's outcome.
pub fn tells(row: &LedgerRow) -> bool {
    matches!(row.outcome.as_str(), SUCCESS | FAIL | CLOSE)
}

/// Twice the longest settling time that the settings allow.
const LONGEST_DELAY_MS: i64 = 2 * HOUR_MS;

/// Returns a row as the channel shows it at a moment. `None`: the channel does not know the refund.
pub fn visible(row: &LedgerRow, now: Timestamp) -> Option<LedgerEntry> {
    // A settling time beyond any allowed delay was written by a clock that was ahead.
    let due = now >= row.settles_at || row.settles_at > now.plus_ms(LONGEST_DELAY_MS);
    let (status, moved) = match row.outcome.as_str() {
        UNSEEN => return None,
        REVERSED if now > row.settles_at => ("fail", 0),
        REVERSED => ("success", row.moved),
        _ if !due => ("progress", 0),
        SUCCESS => ("success", row.moved),
        FAIL => ("fail", 0),
        _ => ("close", 0),
    };
    Some(LedgerEntry {
        refund_no: row.refund_no.clone(),
        amount: row.amount.0,
        status,
        moved,
    })
}

/// Returns the answer to a submission that arrives.
fn answer_to_submission(row: &LedgerRow, now: Timestamp) -> Reply<Statement> {
    visible(row, now).map_or_else(
        || Reply {
            outcome: Outcome::Accepted {
                out_refund_no: None,
            }
            .into(),
            raw: json!({"refundNo": row.refund_no, "status": "progress"}).to_string(),
        },
        |entry| outcome(row, &entry),
    )
}

/// Returns the answer to a question about a refund number. `row`: the ledger's row of that number.
pub fn answer_when_asked(
    row: Option<&LedgerRow>,
    channel_no: &str,
    now: Timestamp,
) -> Reply<Statement> {
    let entry = row.and_then(|row| Some((row, visible(row, now)?)));
    entry.map_or_else(
        || Reply {
            outcome: Outcome::NotFound.into(),
            raw: json!({"refundNo": channel_no, "status": "not_found"}).to_string(),
        },
        |(row, entry)| outcome(row, &entry),
    )
}

fn outcome(row: &LedgerRow, entry: &LedgerEntry) -> Reply<Statement> {
    let out_refund_no = Some(out_refund_no(&row.refund_no));
    let outcome = match entry.status {
        "success" => Outcome::Success {
            out_refund_no,
            at: (row.outcome == SUCCESS).then_some(row.settles_at),
        },
        "fail" => failed(),
        "close" => closed(),
        _ => Outcome::Accepted { out_refund_no },
    };
    let raw = serde_json::to_string(entry).expect("plain strings and numbers are JSON");
    let outcome = Statement {
        outcome,
        amount: Some(row.amount),
    };
    Reply { outcome, raw }
}

/// The body of a callback.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbackBody {
    pub refund_no: String,
    pub amount: i64,
    pub status: String,
    pub out_refund_no: String,
}

impl CallbackBody {
    /// Makes the callback about a settled row.
    pub fn of(row: &LedgerRow) -> CallbackBody {
        CallbackBody {
            refund_no: row.refund_no.clone(),
            amount: row.amount.0,
            status: row.outcome.clone(),
            out_refund_no: out_refund_no(&row.refund_no),
        }
    }

    /// Writes the body as it is signed and sent.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain strings and numbers are JSON")
    }

    /// Returns the outcome that the body states.
    ///
    /// # Errors
    /// [`Refusal::Unreadable`] where the status is no outcome.
    pub fn outcome(&self) -> Result<Outcome, Refusal> {
        match self.status.as_str() {
            SUCCESS => Ok(Outcome::Success {
                out_refund_no: Some(self.out_refund_no.clone()),
                at: None,
            }),
            FAIL => Ok(failed()),
            CLOSE => Ok(closed()),
            other => Err(Refusal::Unreadable {
                why: format!("status {other:?}"),
            }),
        }
    }
}

/// Returns the sandbox's own number for a refund of ours.
fn out_refund_no(channel_no: &str) -> String {
    format!("SBXR-{channel_no}")
}

fn failed() -> Outcome {
    Outcome::Fail {
        code: "SBX_FAIL".to_owned(),
        msg: "沙箱拒绝了这笔退款".to_owned(),
    }
}

fn closed() -> Outcome {
    Outcome::Close {
        msg: "沙箱关闭了这笔退款".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clock_ahead_of_time_has_written_settles_all_the_same() {
        let params = Params {
            refund_no: "R1".to_owned(),
            out_order_no: "SBX-ASYNC-1".to_owned(),
            amount: 1,
        };
        let now = Timestamp(1_760_000_000_000);
        let status = |row: &LedgerRow| visible(row, now).map(|entry| entry.status);
        let row = enter(None, "A", &params, now, HOUR_MS);
        assert_eq!(status(&row), Some("progress"));
        let row = enter(None, "A", &params, now.plus_ms(24 * HOUR_MS), HOUR_MS);
        assert_eq!(status(&row), Some("success"));
    }
}
