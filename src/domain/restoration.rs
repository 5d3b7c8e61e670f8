//! Restored mode: the state of a database that was restored from a backup, until a person has ended it. What channels
//! paid after the backup was taken is not known in it, so that refunds are written down and not submitted.

use crate::domain::money::Fen;
use crate::domain::time::Timestamp;

/// The mark that puts a database into restored mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoration {
    /// Time at which the backup was taken. What happened later is not in the database.
    pub taken_at: Timestamp,
    /// Actor who took the backup or marked the database, as text.
    pub begun_by: String,
}

/// The number of some refunds and the sum of their amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub refunds: i64,
    pub amount: Fen,
}
