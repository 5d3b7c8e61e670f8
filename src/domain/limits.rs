//! The limits of all input from outside, in one place. Lengths are in characters unless the name says bytes. Source:
//! the gateway's contract.

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
/// Maximum length of a remark on a refund that was flagged for review.
pub const REMARK_CHARS: usize = 500;
pub const ATTACH_CHARS: usize = 500;
pub const EXTRA_PARAM_CHARS: usize = 2048;
pub const NOTIFY_URL_CHARS: usize = 200;
/// Maximum length of all hosts together that an app's `notifyUrl` may name, each with what stands between it and the next.
pub const NOTIFY_HOSTS_CHARS: usize = 1_000;
pub const OPERATOR_NAME_CHARS: usize = 64;
pub const PASSWORD_CHARS: usize = 128;
pub const PASSWORD_LEAST_CHARS: usize = 8;
pub const APP_NAME_CHARS: usize = 100;
pub const ACCOUNT_ID_CHARS: usize = 64;
pub const MCH_ID_CHARS: usize = 64;
pub const ACCOUNT_SETTINGS_CHARS: usize = 4_000;
/// Maximum length of an account's keys and certificates, in the text form that channels issue.
pub const ACCOUNT_SECRETS_CHARS: usize = 30_000;
pub const SECRET_CHARS: usize = 128;
/// Maximum length of a search text.
pub const SEARCH_CHARS: usize = 150;
/// Maximum length of a request's body.
pub const BODY_BYTES: usize = 1024 * 1024;
/// Maximum length of the body of a channel's callback.
pub const CALLBACK_BYTES: usize = 64 * 1024;
/// Maximum length of a text from outside that is kept word for word.
pub const SAID_BYTES: usize = 4096;

/// Maximum length of the number or name of an audit entry's subject.
pub const AUDIT_NUMBER_BYTES: usize = 400;
/// Maximum length of the state before or after an act, in an audit entry.
pub const AUDIT_STATE_BYTES: usize = 2_000;

/// Number of rows on one page of a list.
pub const PAGE_ROWS: usize = 25;
/// Maximum to which the rows of a list are counted. "More than 1000" is as useful to a person as the figure, and an
/// exact count would read all of ten million rows.
pub const COUNT_ROWS: usize = 1000;
