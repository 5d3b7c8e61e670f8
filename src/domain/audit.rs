//! The audit: every act of an operator, a merchant or the command line, with its actor, its address and the change
//! that it made. The entries form a chain of hashes, so that a change of a sealed entry is detected.
//!
//! Settlements by callbacks and scheduled syncs are no acts; the refund's timeline and the movements record them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::domain::event::Actor;
use crate::domain::limits;
use crate::domain::string_enum;
use crate::domain::text::sanitized;
use crate::domain::time::Timestamp;

string_enum! {
    /// The kinds of acts.
    Action {
        LoggedIn = "logged_in",
        LoginRefused = "login_refused",
        /// A login was refused and locked the name at its address.
        LockedOut = "locked_out",
        LoggedOut = "logged_out",
        OperatorAdded = "operator_added",
        OperatorEnabled = "operator_enabled",
        OperatorDisabled = "operator_disabled",
        PasswordSet = "password_set",
        OperatorUnlocked = "operator_unlocked",
        OperatorDeleted = "operator_deleted",
        /// All sessions of an operator were ended.
        SessionsEnded = "sessions_ended",
        RoleGranted = "role_granted",
        RoleRevoked = "role_revoked",
        AppAdded = "app_added",
        AppChanged = "app_changed",
        AppEnabled = "app_enabled",
        AppDisabled = "app_disabled",
        AppSecretReplaced = "app_secret_replaced",
        AppOldSecretDropped = "app_old_secret_dropped",
        AccountAdded = "account_added",
        AccountEnabled = "account_enabled",
        AccountDisabled = "account_disabled",
        OrderRecorded = "order_recorded",
        OrdersImported = "orders_imported",
        OrderSynced = "order_synced",
        RefundRequested = "refund_requested",
        /// The same refund was requested again, which changed some of its fields.
        RefundRepeated = "refund_repeated",
        RefundSynced = "refund_synced",
        /// A waiting submission was made because somebody synced the refund.
        RefundSubmitted = "refund_submitted",
        RefundRetried = "refund_retried",
        RefundClosed = "refund_closed",
        RefundBooked = "refund_booked",
        RefundReviewed = "refund_reviewed",
        NoticeSent = "notice_sent",
        SandboxFaultsSet = "sandbox_faults_set",
        DatabaseCopied = "database_copied",
        BackupTaken = "backup_taken",
        /// The database was marked as restored from a backup.
        RestoredModeBegun = "restored_mode_begun",
        RestoredModeEnded = "restored_mode_ended",
        /// Sealing of all secrets with the newest key began. Written before the first secret is sealed.
        KeysRotated = "keys_rotated",
        /// Raw records older than the settings allow were deleted.
        RecordsDeleted = "records_deleted",
    }
}

string_enum! {
    /// The kinds of things that acts are about.
    SubjectKind {
        Operator = "operator",
        App = "app",
        Account = "account",
        Order = "order",
        Refund = "refund",
        Notice = "notice",
        Database = "database",
        Records = "records",
    }
}

/// The actor of an act, and the address from which it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub actor: Actor,
    /// The client's address; `None` for the command line and the system, which do not connect.
    pub address: Option<IpAddr>,
}

impl From<Actor> for Origin {
    fn from(actor: Actor) -> Origin {
        Origin {
            actor,
            address: None,
        }
    }
}

impl Origin {
    /// Returns false for channels and the system, which only report or follow rules, and true for all others.
    pub fn decides(&self) -> bool {
        !matches!(self.actor, Actor::Channel | Actor::System)
    }
}

/// An act before it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub at: Timestamp,
    pub origin: Origin,
    /// `None` for acts that belong to no app: logins, accounts, the database.
    pub app_id: Option<String>,
    pub action: Action,
    pub subject: SubjectKind,
    /// The subject's number or name.
    pub number: String,
    /// The subject's state before the act, as short JSON; never holds a secret.
    pub before: Option<String>,
    /// The subject's state after the act, as short JSON; never holds a secret.
    pub after: Option<String>,
}

impl Act {
    /// Makes an act of no app that changed nothing.
    pub fn new(
        at: Timestamp,
        origin: &Origin,
        action: Action,
        (subject, number): (SubjectKind, &str),
    ) -> Act {
        Act {
            at,
            origin: origin.clone(),
            app_id: None,
            action,
            subject,
            number: sanitized(number, limits::AUDIT_NUMBER_BYTES),
            before: None,
            after: None,
        }
    }

    /// Sets the app that the act belongs to.
    pub fn of_app(self, app_id: &str) -> Act {
        Act {
            app_id: Some(app_id.to_owned()),
            ..self
        }
    }

    /// Sets the state before the act.
    pub fn from(self, before: impl ToString) -> Act {
        Act {
            before: Some(sanitized(&before.to_string(), limits::AUDIT_STATE_BYTES)),
            ..self
        }
    }

    /// Sets the state after the act.
    pub fn to(self, after: impl ToString) -> Act {
        Act {
            after: Some(sanitized(&after.to_string(), limits::AUDIT_STATE_BYTES)),
            ..self
        }
    }
}

/// A stored entry of the audit. Words are kept as texts, so that a forged entry with an unknown word can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEntry {
    /// Random identifier that sorts by time.
    pub audit_id: String,
    pub at: Timestamp,
    pub actor: String,
    pub address: Option<String>,
    /// `*` for acts that belong to no app.
    pub app_id: String,
    pub action: String,
    pub subject: String,
    pub number: String,
    pub before: Option<String>,
    pub after: Option<String>,
    /// The place in the chain; `None` until the entry is sealed.
    pub sealed_no: Option<i64>,
    pub hash: Option<String>,
}

impl AuditEntry {
    /// Returns the bytes that the hash of the entry at place `sealed_no` covers, besides the hash before it.
    ///
    /// Each value is preceded by its length, so that no two entries give the same bytes.
    pub fn canonical(&self, sealed_no: i64) -> Vec<u8> {
        let (sealed_no, at) = (sealed_no.to_string(), self.at.0.to_string());
        let values = [
            Some(sealed_no.as_str()),
            Some(&self.audit_id),
            Some(&at),
            Some(&self.actor),
            self.address.as_deref(),
            Some(&self.app_id),
            Some(&self.action),
            Some(&self.subject),
            Some(&self.number),
            self.before.as_deref(),
            self.after.as_deref(),
        ];
        let mut bytes = b"refundry audit 1\n".to_vec();
        for value in values {
            match value {
                None => bytes.extend(b"-\n"),
                Some(value) => {
                    bytes.extend(value.len().to_string().as_bytes());
                    bytes.push(b':');
                    bytes.extend(value.as_bytes());
                    bytes.push(b'\n');
                }
            }
        }
        bytes
    }
}

/// The end of the chain: the place and the hash of its last entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    pub sealed_no: i64,
    pub hash: String,
}

impl Default for ChainHead {
    /// Returns the head of the empty chain.
    fn default() -> ChainHead {
        ChainHead {
            sealed_no: 0,
            hash: "0".repeat(64),
        }
    }
}

string_enum! {
    /// The kinds of breaks in the chain.
    BreakKind {
        /// The entry does not match its hash: it was changed, swapped with another, or forged.
        Altered = "altered",
        /// The place has no entry: it was removed, or cut off the end.
        Missing = "missing",
        /// The entry lies beyond the end of the chain: it was inserted from outside.
        Beyond = "beyond",
        /// The last entry's hash differs from the head's: the end was rewritten.
        HeadDiffers = "head_differs",
        /// The hash noted outside the database is not in the chain: the chain was rewritten, or cut off before it.
        NotInChain = "not_in_chain",
    }
}

/// The first break that a check of the chain found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainBreak {
    /// The place in the chain.
    pub sealed_no: i64,
    /// The entry at that place; `None` where there is none.
    pub audit_id: Option<String>,
    pub kind: BreakKind,
}

/// An entry that has waited too long to be sealed. Until it is sealed, a change of it cannot be detected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsealed {
    pub audit_id: String,
    pub at: Timestamp,
}

/// The result of a check of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainCheck {
    /// The last entry that was checked; all that were checked up to it are intact.
    pub head: ChainHead,
    pub found: Option<ChainBreak>,
    /// False where the time limit ended the check before the chain's end.
    pub finished: bool,
    pub unsealed: Option<Unsealed>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_entries_have_the_same_bytes() {
        let entry = |number: &str, before: Option<&str>| AuditEntry {
            number: number.to_owned(),
            before: before.map(str::to_owned),
            ..AuditEntry::default()
        };
        let bytes = [
            entry("a", None),
            entry("a\n1:b", None),
            entry("a", Some("b")),
            entry("a", Some("")),
            entry("a", Some("-")),
        ]
        .map(|entry| entry.canonical(1));
        for (i, one) in bytes.iter().enumerate() {
            assert!(bytes.iter().skip(i + 1).all(|other| other != one));
        }
        assert_ne!(entry("a", None).canonical(2), bytes[0]);
    }

    #[test]
    fn states_have_a_limit() {
        let origin = Origin::from(Actor::System);
        let subject = (SubjectKind::Records, "callbacks");
        let act = Act::new(Timestamp(1), &origin, Action::RecordsDeleted, subject);
        let act = act.to("退".repeat(limits::AUDIT_STATE_BYTES));
        assert!(act.after.unwrap().len() <= limits::AUDIT_STATE_BYTES);
    }
}
