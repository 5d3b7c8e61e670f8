//! Money movements: each change of an order's balance, in a row that is never changed. The order's columns are
//! the sums of its movements.

use serde::{Deserialize, Serialize};

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
    }
}

/// A change of an order's balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    pub app_id: String,
    pub order_no: String,
    pub refund_no: String,
    /// The version of the refund that the movement belongs to. Its event has the same number.
    pub seq: i64,
    pub kind: MovementKind,
    /// The change of the order's held amount.
    pub held: Fen,
    /// The change of the order's refunded amount.
    pub refunded: Fen,
    pub at: Timestamp,
}

impl Movement {
    /// Returns the movement that this version of a refund brought: what it changed of the order's held and
    /// refunded amounts. `None` where no money moved.
    pub fn of(refund: &Refund, held: Fen, refunded: Fen, at: Timestamp) -> Option<Movement> {
        let kind = match (held, refunded) {
            (Fen::ZERO, Fen::ZERO) => return None,
            (_, refunded) if refunded > Fen::ZERO => MovementKind::Refunded,
            (held, _) if held > Fen::ZERO => MovementKind::Held,
            _ => MovementKind::Released,
        };
        Some(Movement {
            app_id: refund.app_id.clone(),
            order_no: refund.order_no.clone(),
            refund_no: refund.refund_no.clone(),
            seq: refund.version,
            kind,
            held,
            refunded,
            at,
        })
    }
}
