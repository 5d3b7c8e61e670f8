//! Money movements: one row for each change of an order's balance, never changed afterwards. The order's balance
//! columns are the sums of its movements.

use serde::{Deserialize, Serialize};

use crate::domain::event::EventKind;
use crate::domain::money::Fen;
use crate::domain::refund::Refund;
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

string_enum! {
    /// The kind of a movement.
    MovementKind {
        /// A refund holds its amount.
        Held = "held",
        /// A refund failed or was closed, and its amount is refundable again.
        Released = "released",
        /// The amount went back to the payer.
        Refunded = "refunded",
        /// The amount had gone to the payer, and was returned or taken back by the channel.
        Returned = "returned",
        /// The amount went to the payer though the order had too little left for it.
        Overpaid = "overpaid",
    }
}

string_enum! {
    /// The evidence on which a movement was booked.
    MovementEvidence {
        /// The request for the refund, or for its retry.
        Request = "request",
        /// The channel's answer to a submission.
        Answer = "answer",
        /// A callback of the channel.
        Callback = "callback",
        /// The channel's answer to a query of the refund's state.
        Sync = "sync",
        /// The decision of an operator, with a remark in the refund's timeline.
        Operator = "operator",
    }
}

impl MovementEvidence {
    /// Returns the evidence that an event of this kind is. Events that are not listed move no money.
    pub fn of(event: EventKind) -> MovementEvidence {
        match event {
            EventKind::Answered => MovementEvidence::Answer,
            EventKind::Callback => MovementEvidence::Callback,
            EventKind::Sync => MovementEvidence::Sync,
            EventKind::Closed | EventKind::Booked => MovementEvidence::Operator,
            _ => MovementEvidence::Request,
        }
    }
}

/// The three amounts of an order's balance, or a change of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    pub held: Fen,
    pub refunded: Fen,
    pub overpaid: Fen,
}

impl Amounts {
    /// Returns the kind of movement that this change is; `None` where nothing moves.
    fn kind(self) -> Option<MovementKind> {
        let none = Fen::ZERO;
        if self.overpaid > none {
            Some(MovementKind::Overpaid)
        } else if self.overpaid < none || self.refunded < none {
            Some(MovementKind::Returned)
        } else if self.refunded > none {
            Some(MovementKind::Refunded)
        } else if self.held > none {
            Some(MovementKind::Held)
        } else if self.held < none {
            Some(MovementKind::Released)
        } else {
            None
        }
    }
}

impl std::ops::Add for Amounts {
    type Output = Amounts;
    fn add(self, other: Amounts) -> Amounts {
        Amounts {
            held: self.held + other.held,
            refunded: self.refunded + other.refunded,
            overpaid: self.overpaid + other.overpaid,
        }
    }
}

/// A change of an order's balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    pub app_id: String,
    pub order_no: String,
    pub refund_no: String,
    /// The version of the refund that caused the movement. The event of that version has the same number.
    pub seq: i64,
    pub kind: MovementKind,
    /// The changes of the order's amounts.
    pub change: Amounts,
    pub evidence: MovementEvidence,
    pub at: Timestamp,
}

impl Movement {
    /// Returns the movement that this version of a refund caused, given the change of the order's amounts. Returns
    /// `None` where no money moved.
    pub fn of(
        refund: &Refund,
        change: Amounts,
        evidence: MovementEvidence,
        at: Timestamp,
    ) -> Option<Movement> {
        Some(Movement {
            app_id: refund.app_id.clone(),
            order_no: refund.order_no.clone(),
            refund_no: refund.refund_no.clone(),
            seq: refund.version,
            kind: change.kind()?,
            change,
            evidence,
            at,
        })
    }

    /// Returns the movement's amount: positive where it was held or went to the payer, negative where it was released
    /// or returned.
    pub fn amount(&self) -> Fen {
        match self.kind {
            MovementKind::Held | MovementKind::Released => self.change.held,
            MovementKind::Refunded | MovementKind::Returned | MovementKind::Overpaid => {
                self.change.refunded + self.change.overpaid
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_movement_is_told_by_what_it_changes() {
        let kind = |held, refunded, overpaid| {
            let change = Amounts {
                held: Fen(held),
                refunded: Fen(refunded),
                overpaid: Fen(overpaid),
            };
            change.kind()
        };
        assert_eq!(kind(0, 0, 0), None);
        assert_eq!(kind(5, 0, 0), Some(MovementKind::Held));
        assert_eq!(kind(-5, 0, 0), Some(MovementKind::Released));
        assert_eq!(kind(-5, 5, 0), Some(MovementKind::Refunded));
        assert_eq!(kind(0, 5, 0), Some(MovementKind::Refunded));
        assert_eq!(kind(0, 2, 3), Some(MovementKind::Overpaid));
        assert_eq!(kind(0, 0, 5), Some(MovementKind::Overpaid));
        assert_eq!(kind(0, -5, 0), Some(MovementKind::Returned));
        assert_eq!(kind(0, 0, -5), Some(MovementKind::Returned));
        assert_eq!(kind(0, -2, -3), Some(MovementKind::Returned));
    }
}
