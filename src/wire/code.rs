//! The codes of the gateway's answers.

use crate::domain::error::{Reason, Refusal};
use crate::domain::merchant::Edition;

/// The `code` of an answer; 0 means accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub i32);

impl Code {
    pub const ACCEPTED: Code = Code(0);
    /// An internal error; the answer carries a trace id.
    pub const INTERNAL: Code = Code(10500);

    /// Returns the code of a refusal. One refusal has another code in each edition.
    pub fn of(refusal: &Refusal, edition: Edition) -> Code {
        match (refusal, edition) {
            (Refusal::SyncUnderWay, Edition::Single) => Code(10007),
            _ => Code(refusal.code()),
        }
    }

    /// Tells whether an edition's answer carries a refusal within `data`, under the outer code 0. The single edition does so
    /// with the refusals of the business; those of the request itself (unreadable, wrong, unsigned, repeated, too often)
    /// stand outside in both editions.
    pub fn is_in_data(refusal: &Refusal, edition: Edition) -> bool {
        let of_business = match refusal {
            Refusal::Field { reason, .. } => matches!(
                reason,
                Reason::ExceedsRefundable { .. }
                    | Reason::BalanceChanged { .. }
                    | Reason::DiffersInCase { .. }
            ),
            Refusal::ChannelNotEnabled { .. }
            | Refusal::NoSuchChannel
            | Refusal::NoSuchOrder
            | Refusal::NoSuchRefund
            | Refusal::NoSuchNotice
            | Refusal::ChannelSilent { .. }
            | Refusal::OrderNotPaid
            | Refusal::RefundWindowOver { .. }
            | Refusal::WrongState { .. }
            | Refusal::NotClosable { .. }
            | Refusal::NotBookable
            | Refusal::NoticeNotSendable
            | Refusal::Inconsistent { .. }
            | Refusal::Undecided => true,
            Refusal::Unreadable { .. }
            | Refusal::TooLarge
            | Refusal::Overloaded
            | Refusal::AppOverloaded
            | Refusal::BodyTooSlow
            | Refusal::TooOften { .. }
            | Refusal::NotLoggedIn
            | Refusal::Forbidden
            | Refusal::NoSuchPage
            | Refusal::AppNotEnabled
            | Refusal::EditionNotEnabled
            | Refusal::SyncUnderWay
            | Refusal::SubmissionUnderWay
            | Refusal::BadSignature
            | Refusal::NotUpperCased
            | Refusal::TooManyAttempts { .. }
            | Refusal::WrongLogin => false,
        };
        edition == Edition::Single && of_business
    }
}
