//! The refund form: its typed values and their meaning. The same code reads them in the browser, which marks wrong
//! fields, and on the server, which issues the refund.

use crate::console::paths::escape;
use crate::console::view::query::{Query, read_amount};
use crate::domain::error::{Reason, Refusal};
use crate::domain::limits;
use crate::domain::money::Fen;
use crate::domain::order::Order;

// Names of the form's fields. An error that names a field is shown at the field.

pub const AMOUNT: &str = "amount";
pub const REASON: &str = "reason";
pub const BIZ_REFUND_NO: &str = "biz_refund_no";
pub const EXPECTED: &str = "expected";

/// The typed values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The amount in yuan.
    pub amount: String,
    pub reason: String,
    pub biz_refund_no: String,
    /// The refundable amount, in yuan, when the form was shown: a hidden field.
    pub expected: String,
}

/// The refund that the values ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub amount: Fen,
    pub reason: Option<String>,
    pub biz_refund_no: String,
    pub expected: Fen,
}

impl Typed {
    /// Returns the values of a new form: the whole refundable amount, and a generated number.
    pub fn fresh(order: &Order, biz_refund_no: &str) -> Typed {
        let left = order.refundable().plain();
        Typed {
            amount: left.clone(),
            reason: String::new(),
            biz_refund_no: biz_refund_no.to_owned(),
            expected: left,
        }
    }

    /// Reads the query part of a URL; `None` where it has no amount, so is not from the form.
    pub fn parse(search: &str) -> Option<Typed> {
        let value = |name| Query::value_in(search, name);
        Some(Typed {
            amount: value(AMOUNT)?,
            reason: value(REASON).unwrap_or_default(),
            biz_refund_no: value(BIZ_REFUND_NO).unwrap_or_default(),
            expected: value(EXPECTED).unwrap_or_default(),
        })
    }

    /// Returns the fields with their values.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            (AMOUNT, self.amount.clone()),
            (REASON, self.reason.clone()),
            (BIZ_REFUND_NO, self.biz_refund_no.clone()),
            (EXPECTED, self.expected.clone()),
        ]
    }

    /// Returns the address of the page that asks for confirmation.
    pub fn href(&self, path: &str) -> String {
        let pairs: Vec<String> = self
            .fields()
            .into_iter()
            .map(|(name, value)| format!("{name}={}", escape(&value)))
            .collect();
        format!("{path}?{}", pairs.join("&"))
    }

    /// Reads and checks the values against the order. Which characters a number may hold is checked by the
    /// server alone: the browser has no table of all scripts.
    ///
    /// # Errors
    /// Everything that is wrong, field by field.
    pub fn check(&self, order: &Order) -> Result<Intent, Vec<Refusal>> {
        let mut wrong = Vec::new();
        let mut note = |refusal: Refusal| wrong.push(refusal);
        let left = order.refundable();
        let amount = match read_amount(AMOUNT, &self.amount) {
            _ if self.amount.trim().is_empty() => {
                note(Refusal::field(AMOUNT, Reason::Missing));
                Fen::ZERO
            }
            Err(refusal) => {
                note(refusal);
                Fen::ZERO
            }
            Ok(amount) => {
                if Fen::from_yuan(&self.expected) != Ok(left) {
                    note(Refusal::field(AMOUNT, Reason::BalanceChanged { left }));
                } else if amount > left {
                    note(Refusal::field(AMOUNT, Reason::ExceedsRefundable { left }));
                } else if amount < Fen(1) {
                    let (min, max) = (Fen(1), left);
                    note(Refusal::field(AMOUNT, Reason::OutOfRange { min, max }));
                }
                amount
            }
        };
        let reason = self.reason.trim();
        if reason.chars().count() > limits::REASON_CHARS {
            let max = limits::REASON_CHARS;
            note(Refusal::field(REASON, Reason::TooLong { max }));
        }
        if reason.chars().any(char::is_control) {
            note(Refusal::field(REASON, Reason::ControlCharacter));
        }
        let number = self.biz_refund_no.trim();
        if number.is_empty() {
            note(Refusal::field(BIZ_REFUND_NO, Reason::Missing));
        }
        if number.chars().count() > limits::BIZ_REFUND_NO_CHARS {
            let max = limits::BIZ_REFUND_NO_CHARS;
            note(Refusal::field(BIZ_REFUND_NO, Reason::TooLong { max }));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Intent {
            amount,
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
            biz_refund_no: number.to_owned(),
            expected: left,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::paid_order;

    fn order() -> Order {
        Order {
            refunded: Fen(4_000),
            held: Fen(1_000),
            ..paid_order(Fen(9_960))
        }
    }

    fn reasons(typed: &Typed) -> Vec<(String, Reason)> {
        let wrong = typed.check(&order()).unwrap_err();
        let one = |refusal| match refusal {
            Refusal::Field { field, reason } => (field.into_owned(), reason),
            other => panic!("{other:?}"),
        };
        wrong.into_iter().map(one).collect()
    }

    #[test]
    fn the_fresh_form_refunds_what_is_left() {
        let intent = Typed::fresh(&order(), "M1").check(&order()).unwrap();
        assert_eq!(intent.amount, Fen(4_960));
        assert_eq!(intent.expected, Fen(4_960));
        assert_eq!(intent.reason, None);
    }

    #[test]
    fn it_survives_the_url() {
        let typed = Typed {
            reason: "买错了 & 退 100%".into(),
            ..Typed::fresh(&order(), "M1")
        };
        let href = typed.href("/x");
        let search = href.split_once('?').unwrap().1;
        assert_eq!(Typed::parse(search), Some(typed));
        assert_eq!(Typed::parse("reason=x"), None);
    }

    #[test]
    fn every_field_says_what_is_wrong_with_it() {
        let typed = |amount: &str| Typed {
            amount: amount.into(),
            ..Typed::fresh(&order(), "M1")
        };
        let amount = |reason| vec![(AMOUNT.to_owned(), reason)];
        assert_eq!(reasons(&typed(" ")), amount(Reason::Missing));
        assert_eq!(reasons(&typed("1.234")), amount(Reason::TooFine));
        assert_eq!(reasons(&typed("x")), amount(Reason::NotAnAmount));
        let (min, max) = (Fen(1), Fen(4_960));
        assert_eq!(
            reasons(&typed("0")),
            amount(Reason::OutOfRange { min, max })
        );
        let left = Fen(4_960);
        assert_eq!(
            reasons(&typed("49.61")),
            amount(Reason::ExceedsRefundable { left })
        );
        let stale = Typed {
            expected: "99.60".into(),
            ..typed("10")
        };
        assert_eq!(reasons(&stale), amount(Reason::BalanceChanged { left }));
        let all = Typed {
            amount: "x".into(),
            reason: "r".repeat(151),
            biz_refund_no: "n".repeat(101),
            expected: "49.60".into(),
        };
        assert_eq!(reasons(&all).len(), 3);
    }
}
