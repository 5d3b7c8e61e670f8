//! The limits of everything that comes from outside, in one place. Lengths are in characters
//! unless the name says bytes. Source: the gateway's contract.

pub const APP_ID_CHARS: usize = 32;
pub const MCH_NO_CHARS: usize = 32;
pub const CLIENT_IP_CHARS: usize = 64;
pub const NONCE_CHARS: usize = 32;
pub const SIGN_CHARS: usize = 64;
pub const ORDER_NO_CHARS: usize = 32;
pub const REFUND_NO_CHARS: usize = 32;
pub const BIZ_ORDER_NO_CHARS: usize = 100;
pub const OUT_ORDER_NO_CHARS: usize = 150;
pub const BIZ_REFUND_NO_CHARS: usize = 100;
pub const TITLE_CHARS: usize = 100;
pub const REASON_CHARS: usize = 150;
/// A person's remark on a refund that was flagged for review.
pub const REMARK_CHARS: usize = 500;
pub const ATTACH_CHARS: usize = 500;
pub const EXTRA_PARAM_CHARS: usize = 2048;
pub const NOTIFY_URL_CHARS: usize = 200;
pub const OPERATOR_NAME_CHARS: usize = 64;
pub const PASSWORD_CHARS: usize = 128;
pub const PASSWORD_LEAST_CHARS: usize = 8;
pub const APP_NAME_CHARS: usize = 100;
pub const ACCOUNT_ID_CHARS: usize = 64;
pub const MCH_ID_CHARS: usize = 64;
pub const ACCOUNT_SETTINGS_CHARS: usize = 4_000;
/// Keys and certificates, in the text form that channels give them out.
pub const ACCOUNT_SECRETS_CHARS: usize = 30_000;
pub const SECRET_CHARS: usize = 128;
/// A search text.
pub const SEARCH_CHARS: usize = 150;
/// A request body, in bytes.
pub const BODY_BYTES: usize = 1024 * 1024;
/// The body of a channel's callback, in bytes.
pub const CALLBACK_BYTES: usize = 64 * 1024;
/// A text that somebody sent us, kept word for word, in bytes.
pub const SAID_BYTES: usize = 4096;

/// The number or name of an audit entry's subject, in bytes.
pub const AUDIT_NUMBER_BYTES: usize = 400;
/// The state before or after an act, as the audit keeps it, in bytes.
pub const AUDIT_STATE_BYTES: usize = 2_000;

/// Rows on one page of a list.
pub const PAGE_ROWS: usize = 25;
/// The number up to which lists are counted: "more than 1000" tells a person as much as the figure, and a
/// count over ten million rows would read them all.
pub const COUNT_ROWS: usize = 1000;
