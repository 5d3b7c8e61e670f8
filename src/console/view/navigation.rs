//! The data of the layout around every page.

use serde::{Deserialize, Serialize};

use crate::domain::filter::Count;
use crate::domain::merchant::AppName;
use crate::domain::order::Channel;
use crate::domain::people::Role;

/// The data of the navigation: the operator, the apps, and the counts beside the links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Navigation {
    /// The operator's name.
    pub operator: String,
    /// The operator's role at the current app.
    pub role: Option<Role>,
    /// The enabled apps, the default one first.
    pub apps: Vec<AppName>,
    /// The current app's channels in test mode.
    pub test_channels: Vec<Channel>,
    /// True where all channels of the current app are in test mode.
    pub moves_no_money: bool,
    /// Set in restored mode.
    pub restored: Option<RestoredNotice>,
    /// Refunds of the current app that are flagged for review.
    pub to_review: Count,
    /// Notices of the current app whose last automatic attempt failed.
    pub given_up: Count,
}

/// Notice of restored mode, which stands on every page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoredNotice {
    /// Time of the backup in the operator's zone: `2026-05-01 10:20:30`.
    pub taken_at: String,
    /// True where the operator may end the mode.
    pub may_end: bool,
}
