//! The people at the desk.

use serde::{Deserialize, Serialize};

use crate::domain::string_enum;
use crate::domain::time::Timestamp;

string_enum! {
    /// What an operator may do. Each role may do what the one before it may.
    Role {
        /// Preferences.
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

/// An operator's account, as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub name: String,
    pub role: Role,
    /// Whether the operator may log in.
    pub enabled: bool,
    pub created_at: Timestamp,
}
