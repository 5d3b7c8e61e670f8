//! The server's error type: refusals, which callers are told, and all other errors, which are logged.

use std::sync::Arc;

use crate::domain::error::Refusal;

/// The result of a use-case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why something was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The request cannot be granted. The refusal says why, in the caller's terms.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An internal error. The cause goes to the log; the caller gets a trace id.
    #[error("internal error: {0}")]
    Internal(Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Makes an internal error with a message of our own.
    pub fn internal(message: impl Into<String>) -> Error {
        let boxed: Box<dyn std::error::Error + Send + Sync> = message.into().into();
        Error::Internal(boxed.into())
    }

    /// Tells whether a write may have taken place despite this error, so that no caller may be told that it did not.
    pub fn is_commit_unknown(&self) -> bool {
        matches!(self, Error::Internal(cause) if cause.is::<CommitUnknown>())
    }

    /// Tells whether this is a [`Conflict`].
    pub fn is_conflict(&self) -> bool {
        matches!(self, Error::Internal(cause) if cause.is::<Conflict>())
    }

    /// Returns the refusal, if the error is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refused(refusal) => Some(refusal),
            Error::Internal(_) => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        /// PostgreSQL's code for a text with U+0000, which it can neither store nor search.
        const NO_SUCH_TEXT: &str = "22021";
        let code = error.as_database_error().and_then(|error| error.code());
        if code.as_deref() == Some(NO_SUCH_TEXT) {
            let why = "a text holds the character U+0000".to_owned();
            return Error::Refused(Refusal::Unreadable { why });
        }
        Error::Internal(Arc::new(error))
    }
}

impl From<crate::domain::UnknownName> for Error {
    fn from(error: crate::domain::UnknownName) -> Error {
        Error::Internal(Arc::new(error))
    }
}

/// A commit that the database did not answer. The write may or may not have taken place.
#[derive(Clone, Debug, thiserror::Error)]
#[error("whether a write was committed is unknown: {0}")]
pub struct CommitUnknown(pub String);

impl From<crate::wire::notice::Unwritable> for Error {
    fn from(error: crate::wire::notice::Unwritable) -> Error {
        Error::Internal(Arc::new(error))
    }
}

/// The error of a write that found the data it depends on changed by another write.
/// [`Db::write`](crate::server::db::Db::write) runs it again.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("what was read had changed when it was to be written")]
pub struct Conflict;

impl From<Conflict> for Error {
    fn from(raced: Conflict) -> Error {
        Error::Internal(Arc::new(raced))
    }
}
