//! The operators, their roles, and the permissions that roles give.

use crate::domain::string_enum;
use crate::domain::time::Timestamp;

/// A permission to do something at an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// See an app's orders, refunds and records.
    View,
    /// Issue, sync, retry and close refunds, and book what the channel paid out or took back.
    MoveMoney,
    /// Record the result of a review of a flagged refund.
    Review,
    /// Send a merchant's notice again.
    SendNotices,
    /// Export an app's data in bulk.
    Export,
    /// Read the audit.
    ReadAudit,
    /// Change an app's settings.
    ManageApps,
    /// Add operators and change their roles.
    ManagePeople,
    /// End restored mode, after which refunds are submitted again. Needed at all apps.
    EndRestoredMode,
}

string_enum! {
    /// A named set of permissions. Roles have no order; each lists what it allows.
    Role {
        Viewer = "viewer",
        Operator = "operator",
        Auditor = "auditor",
        Admin = "admin",
    }
}

impl Role {
    /// Tells whether this role gives a permission.
    pub fn allows(self, permission: Permission) -> bool {
        use Permission::*;
        match self {
            Role::Viewer => matches!(permission, View),
            Role::Operator => matches!(permission, View | MoveMoney | Review | SendNotices),
            Role::Auditor => matches!(permission, View | Export | ReadAudit),
            Role::Admin => true,
        }
    }
}

/// The apps at which an operator has a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All apps at which the operator has no other role, including apps added later.
    AllApps,
    App(String),
}

impl Scope {
    /// Text that stands for all apps in the database. No app may have this id.
    pub const ALL_APPS: &str = "*";

    /// Reads the scope from its text in the database.
    pub fn of(app_id: &str) -> Scope {
        match app_id {
            Scope::ALL_APPS => Scope::AllApps,
            app_id => Scope::App(app_id.to_owned()),
        }
    }

    /// Returns the scope's text in the database.
    pub fn as_str(&self) -> &str {
        match self {
            Scope::AllApps => Scope::ALL_APPS,
            Scope::App(app_id) => app_id,
        }
    }
}

/// A role at some apps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub scope: Scope,
    pub role: Role,
}

impl Grant {
    /// Makes a grant of a role at all apps.
    pub fn everywhere(role: Role) -> Grant {
        Grant {
            scope: Scope::AllApps,
            role,
        }
    }
}

/// A logged-in operator, with the current roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
    pub grants: Vec<Grant>,
}

impl Operator {
    /// Returns the operator's role at an app: the one granted for it, or else the one for all apps.
    pub fn role_at(&self, app_id: &str) -> Option<Role> {
        let at = |wanted: &str| {
            let mut grants = self.grants.iter();
            grants.find(|grant| grant.scope.as_str() == wanted)
        };
        at(app_id).or(at(Scope::ALL_APPS)).map(|grant| grant.role)
    }

    /// Tells whether the operator may do something at an app.
    pub fn may(&self, app_id: &str, permission: Permission) -> bool {
        self.role_at(app_id)
            .is_some_and(|role| role.allows(permission))
    }
}

/// An operator's account, as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    /// The operator's roles, the one for all apps first, then by app.
    pub grants: Vec<Grant>,
    /// True if the operator may log in.
    pub enabled: bool,
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_allow_what_they_name_and_no_more() {
        use Permission::*;
        for (role, allowed) in [
            (Role::Viewer, &[View][..]),
            (Role::Operator, &[View, MoveMoney, Review, SendNotices]),
            (Role::Auditor, &[View, Export, ReadAudit]),
        ] {
            for permission in [
                View,
                MoveMoney,
                Review,
                SendNotices,
                Export,
                ReadAudit,
                ManageApps,
                ManagePeople,
                EndRestoredMode,
            ] {
                assert_eq!(role.allows(permission), allowed.contains(&permission));
                assert!(Role::Admin.allows(permission));
            }
        }
    }

    #[test]
    fn a_role_for_one_app_stands_before_the_one_for_all() {
        let grant = |app_id: &str, role| Grant {
            scope: Scope::of(app_id),
            role,
        };
        let mut operator = Operator {
            name: "li.na".to_owned(),
            grants: vec![grant("SHOP", Role::Viewer), grant("*", Role::Admin)],
        };
        assert_eq!(operator.role_at("SHOP"), Some(Role::Viewer));
        assert_eq!(operator.role_at("TEA"), Some(Role::Admin));
        assert!(!operator.may("SHOP", Permission::MoveMoney));
        assert!(operator.may("TEA", Permission::MoveMoney));
        operator.grants.pop();
        assert_eq!(operator.role_at("TEA"), None);
        assert!(!operator.may("TEA", Permission::View));
        assert!(operator.may("SHOP", Permission::View));
    }
}
