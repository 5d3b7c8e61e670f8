//! The people at the desk.

use serde::{Deserialize, Serialize};

use super::words;

words! {
    /// What an operator may do. Each role may do what the one before it may.
    Role {
        /// Look.
        Viewer = "viewer",
        /// Move money: refund, sync, retry, close.
        Operator = "operator",
        /// Everything.
        Admin = "admin",
    }
}

impl Role {
    /// Whether this role may issue, retry, close and sync.
    pub fn moves_money(self) -> bool {
        self >= Role::Operator
    }
}

/// An operator who is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    pub name: String,
    pub role: Role,
}
