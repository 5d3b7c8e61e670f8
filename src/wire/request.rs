//! A parsed request: its fields, its edition, and the checks that need neither its app nor a clock.

use jiff::tz::TimeZone;

use crate::domain::error::{Reason, Refusal};
use crate::domain::limits;
use crate::domain::merchant::Edition;
use crate::domain::money::Fen;
use crate::domain::order::{Channel, Method, NewOrder, OrderKey, OrderStatus};
use crate::domain::refund::RefundKey;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::wire::field::{COMMON, Field, Kind};
use crate::wire::json::{Fields, Json, Unreadable};
use crate::wire::{field, json, sign};

/// Maximum number of fields of a request, unknown ones included.
const FIELDS: usize = 100;

/// Reads a request's body.
///
/// # Errors
/// Refuses a body that is not one JSON object, or that names a field twice.
pub fn read(body: &[u8]) -> Result<Fields, Refusal> {
    let fields = json::object(body).map_err(|error| match error {
        Unreadable::Twice(name) => Refusal::field(shown(&name), Reason::Twice),
        error => Refusal::Unreadable {
            why: error.to_string(),
        },
    })?;
    if fields.len() > FIELDS {
        return Err(Refusal::Unreadable {
            why: format!("more than {FIELDS} fields"),
        });
    }
    Ok(fields)
}

/// Returns the edition of a request: the single one where `reqTime` is a number, else the open one. The open edition
/// refuses a `reqTime` that is not a local time.
pub fn edition(fields: &Fields) -> Edition {
    match fields.get(field::REQ_TIME.name) {
        Some(Json::Number(_)) => Edition::Single,
        _ => Edition::Open,
    }
}

/// Returns a field's name as a refusal may quote it, without characters that could break a log line or a signed text.
pub fn shown(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(|c| !c.is_control() && !field::splits_the_text(*c))
        .take(64)
        .collect();
    if plain.is_empty() {
        "?".to_owned()
    } else {
        plain
    }
}

/// The fields of a request, and its edition.
#[derive(Clone, Copy)]
pub struct RequestFields<'a> {
    pub fields: &'a Fields,
    pub edition: Edition,
    pub zone: &'a TimeZone,
}

impl<'a> RequestFields<'a> {
    /// Checks the fields against a table, and that required ones are present.
    pub fn check(self, table: &[Field]) -> Result<Self, Refusal> {
        for field in table {
            match self.value(field) {
                Some(_) if self.edition == Edition::Single && field.open_only() => {
                    return Err(Refusal::field(field.name, Reason::NotInEdition));
                }
                Some(value) => field.check(value, self.edition, self.zone)?,
                None if field.required => return Err(Refusal::field(field.name, Reason::Missing)),
                None => {}
            }
        }
        Ok(self)
    }

    /// Checks that the signed text of a request to the endpoint with this table can be read in one way only. The text
    /// is joined without escaping, so `&orderNo=` within a value could be taken for the field `orderNo`. Two accepted
    /// requests with one signed text therefore have the same known fields and the same value of each number, amount
    /// and time among them (ignoring case, in the open edition).
    pub fn check_unambiguous(self, table: &[Field]) -> Result<Self, Refusal> {
        let known = || COMMON.iter().chain(table);
        for (name, value) in self.fields {
            let field = known().find(|field| field.name == name);
            if field.is_none() {
                check_unknown_name(name, known())?;
            }
            if field.is_some_and(|field| !field.kind.is_free()) {
                continue;
            }
            let text = sign::signed_value(value, self.edition).unwrap_or_default();
            let text = text
                .chars()
                .filter(|c| sign::stays(*c))
                .collect::<String>()
                .to_uppercase();
            // Fields are sorted by name, so that only a later field can hide in a known one's value. An unknown name
            // can itself be part of an earlier field's value, and then any field can follow.
            let hidden = known()
                .filter(|hidden| field.is_none() || hidden.name > name.as_str())
                .filter(|hidden| hidden.name != sign::SIGN)
                .find(|hidden| text.contains(&format!("&{}=", hidden.name.to_uppercase())));
            if let Some(hidden) = hidden {
                let reason = Reason::Ambiguous {
                    name: hidden.name.into(),
                };
                return Err(Refusal::field(shown(name), reason));
            }
        }
        Ok(self)
    }

    /// Returns a field's value; null and the empty string count as absent.
    pub fn value(self, field: &Field) -> Option<&'a Json> {
        let value = self.fields.get(field.name)?;
        let absent = matches!(value, Json::Null) || *value == Json::Text(String::new());
        (!absent).then_some(value)
    }

    /// Returns a checked field's text.
    pub fn text(self, field: &Field) -> Option<String> {
        match self.value(field) {
            Some(Json::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// Returns the text of a checked field that is required.
    pub fn needed(self, field: &Field) -> Result<String, Refusal> {
        self.text(field)
            .ok_or_else(|| Refusal::field(field.name, Reason::Missing))
    }

    /// Returns true where a checked field is given as `true`.
    pub fn flag(self, field: &Field) -> bool {
        self.value(field) == Some(&Json::Bool(true))
    }

    /// Returns the channel of a required field.
    pub fn channel(self, field: &Field) -> Result<Channel, Refusal> {
        field.channel(self.there(field)?)
    }

    /// Returns the payment method of a required field.
    pub fn method(self, field: &Field) -> Result<Method, Refusal> {
        field.method(self.there(field)?)
    }

    /// Returns the amount of a required field.
    pub fn amount(self, field: &Field) -> Result<Fen, Refusal> {
        field.amount(self.there(field)?, self.edition)
    }

    /// Returns the moment of a required field.
    pub fn time(self, field: &Field) -> Result<Timestamp, Refusal> {
        field.time(self.there(field)?, self.edition, self.zone)
    }

    fn there(self, field: &Field) -> Result<&'a Json, Refusal> {
        self.value(field)
            .ok_or_else(|| Refusal::field(field.name, Reason::Missing))
    }

    /// Reads the payment from the checked fields of [`field::ORDER_RECORD`]. Refuses one that was made more than
    /// `leeway_ms` after `now`.
    pub fn new_order(self, now: Timestamp, leeway_ms: i64) -> Result<NewOrder, Refusal> {
        let pay_time = self.time(&field::PAY_TIME)?;
        let ahead_ms = pay_time.0.saturating_sub(now.0);
        if ahead_ms > leeway_ms {
            let seconds = ahead_ms / SECOND_MS;
            let reason = Reason::ClockAhead { seconds };
            return Err(Refusal::field(field::PAY_TIME.name, reason));
        }
        Ok(NewOrder {
            order_no: self.text(&field::ORDER_NO),
            biz_order_no: self.needed(&field::BIZ_ORDER_NO)?,
            out_order_no: Some(self.needed(&field::OUT_ORDER_NO)?),
            channel: self.channel(&field::CHANNEL)?,
            method: Some(self.method(&field::METHOD)?),
            title: self.needed(&field::TITLE)?,
            amount: self.amount(&field::AMOUNT)?,
            status: OrderStatus::Success,
            pay_time: Some(pay_time),
            attach: self.text(&field::ATTACH),
        })
    }

    /// Returns the key of the refund that the request names, if it names one.
    pub fn refund_key(self) -> Option<RefundKey> {
        let by_ours = self.text(&field::REFUND_NO).map(RefundKey::RefundNo);
        let by_merchants = || self.text(&field::BIZ_REFUND_NO);
        by_ours.or_else(|| by_merchants().map(|no| RefundKey::of_merchant(&no, self.edition)))
    }

    /// Returns the key of the order that the request names, if it names one.
    pub fn order_key(self) -> Option<OrderKey> {
        self.order_key_by(self.text(&field::BIZ_ORDER_NO))
    }

    /// Returns the key of the order that a query names, if it names one. Queries may misspell `bizOrderNo`, see
    /// [`field::BIZ_ORDER_NOE_NO`].
    ///
    /// # Errors
    /// Refuses both spellings with different numbers.
    pub fn queried_order_key(self) -> Result<Option<OrderKey>, Refusal> {
        let spelt = self.text(&field::BIZ_ORDER_NO);
        let misspelt = self.text(&field::BIZ_ORDER_NOE_NO);
        if spelt.is_some() && misspelt.is_some() && spelt != misspelt {
            let name = field::BIZ_ORDER_NO.name.into();
            let reason = Reason::DiffersFrom { name };
            return Err(Refusal::field(field::BIZ_ORDER_NOE_NO.name, reason));
        }
        Ok(self.order_key_by(spelt.or(misspelt)))
    }

    fn order_key_by(self, biz_order_no: Option<String>) -> Option<OrderKey> {
        let by_ours = self.text(&field::ORDER_NO).map(OrderKey::OrderNo);
        by_ours
            .or(biz_order_no.map(OrderKey::BizOrderNo))
            .or_else(|| self.text(&field::OUT_ORDER_NO).map(OrderKey::OutOrderNo))
    }
}

/// Returns the refusal of a request that has none of the table's fields, one of which is required.
pub fn one_needed(table: &[Field]) -> Refusal {
    let names: Vec<_> = table.iter().map(|field| field.name).collect();
    Refusal::field(names.join(" / "), Reason::OneNeeded)
}

impl Kind {
    /// Tells whether the field may hold the separators of the signed text.
    fn is_free(self) -> bool {
        matches!(
            self,
            Kind::Text { .. } | Kind::Url { .. } | Kind::Extra { .. }
        )
    }
}

/// Checks the name of an unknown field. Such fields are allowed and signed, and must not be mistaken for known ones.
fn check_unknown_name<'f>(
    name: &str,
    mut known: impl Iterator<Item = &'f Field>,
) -> Result<(), Refusal> {
    if name.chars().count() > limits::SIGN_CHARS {
        return Err(Refusal::field(
            shown(name),
            Reason::TooLong {
                max: limits::SIGN_CHARS,
            },
        ));
    }
    if name.is_empty()
        || name
            .chars()
            .any(|c| field::splits_the_text(c) || c.is_control())
    {
        return Err(Refusal::field(shown(name), Reason::BadCharacter));
    }
    let upper = name.to_uppercase();
    match known.find(|field| field.name.to_uppercase() == upper) {
        Some(field) => Err(Refusal::field(
            shown(name),
            Reason::LooksLike {
                name: field.name.into(),
            },
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::merchant::SignType;
    use crate::wire::field::REFUND;
    use crate::wire::sign::{Empty, Signer};

    const NOW: &str = "2024-10-24 12:00:00";

    fn accepted(fields: &Fields, edition: Edition) -> bool {
        let zone = TimeZone::UTC;
        let given = RequestFields {
            fields,
            edition,
            zone: &zone,
        };
        given
            .check(COMMON)
            .and_then(|given| given.check(REFUND))
            .and_then(|given| given.check_unambiguous(REFUND))
            .is_ok()
    }

    /// Makes texts only of the pieces that could make one request look like another.
    fn tricky() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &[
            "x",
            "&",
            "&",
            "=",
            "orderNo",
            "bizOrderNo",
            "ORDERNO",
            "mchNo",
            "reason",
            "reqTime",
            "zz",
            "bizP",
            "\"",
            "\\",
            "1",
        ];
        prop::collection::vec(prop::sample::select(PIECES), 1..8).prop_map(|pieces| pieces.concat())
    }

    fn request(edition: Edition) -> impl Strategy<Value = Fields> {
        const FREE: &[&str] = &[
            "attach",
            "reason",
            "extraParam",
            "aa",
            "nn",
            "zz",
            "bizP",
            "orderno",
        ];
        let free = prop::collection::btree_map(
            prop::sample::select(FREE),
            tricky().prop_map(Json::Text),
            0..5,
        );
        let numbers = prop::collection::btree_map(
            prop::sample::select(&["orderNo", "bizOrderNo", "mchNo", "nonceStr"][..]),
            "[xX1]{1,2}".prop_map(Json::Text),
            0..4,
        );
        (free, numbers).prop_map(move |(free, numbers)| {
            let (amount, time) = match edition {
                Edition::Open => ("1.10", Json::Text(NOW.into())),
                Edition::Single => ("110", Json::Number("1715575932".into())),
            };
            let own = [
                ("bizRefundNo", Json::Text("R1".into())),
                ("amount", Json::Number(amount.into())),
                ("reqTime", time),
            ];
            let all = free.into_iter().chain(numbers).chain(own);
            all.map(|(name, value)| (name.to_owned(), value)).collect()
        })
    }

    /// Reads a signed text in another way: cuts it into fields only at the `&` that `cuts` marks.
    fn read_otherwise(text: &str, cuts: &[bool], edition: Edition) -> Fields {
        let mut fields: Vec<String> = Vec::new();
        for (i, piece) in text.split('&').enumerate() {
            let cut = cuts.get(i).copied().unwrap_or(true) && piece.contains('=');
            match fields.last_mut() {
                Some(last) if !cut => {
                    last.push('&');
                    last.push_str(piece);
                }
                _ => fields.push(piece.to_owned()),
            }
        }
        let known = || COMMON.iter().chain(REFUND);
        let entries = fields.iter().filter_map(|field| {
            let (name, value) = field.split_once('=')?;
            let known = known().find(|field| field.name.to_uppercase() == name.to_uppercase());
            let number = match known.map(|field| field.kind) {
                Some(Kind::Amount) => true,
                Some(Kind::Time) => edition == Edition::Single,
                _ => false,
            };
            let value = match number {
                true => Json::Number(value.to_owned()),
                false => Json::Text(value.to_owned()),
            };
            Some((known.map_or(name, |field| field.name).to_owned(), value))
        });
        entries.collect()
    }

    #[test]
    fn no_known_field_hides_in_an_unknown_one_wherever_it_would_be_sorted() {
        let text = |value: &str| Json::Text(value.to_owned());
        let own = [
            ("amount", Json::Number("1.10".to_owned())),
            ("bizRefundNo", text("R1")),
            ("reqTime", text(NOW)),
        ];
        let with = |more: [(&str, Json); 2]| -> Fields {
            let all = more.into_iter().chain(own.clone());
            all.map(|(name, value)| (name.to_owned(), value)).collect()
        };
        // The two have one signed text, and only the first names an order.
        let names = with([("attach", text("&bizP=")), ("bizOrderNo", text("x"))]);
        let hides = with([("attach", text("")), ("bizP", text("&bizOrderNo=x"))]);
        let signer = Signer {
            secret: "k",
            sign_type: SignType::Md5,
            edition: Edition::Open,
        };
        let signed = |fields| signer.sign_fields(fields, Empty::Kept);
        assert_eq!(signed(&names), signed(&hides));
        assert!(accepted(&names, Edition::Open));
        assert!(!accepted(&hides, Edition::Open));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, max_global_rejects: 100_000, ..ProptestConfig::default() })]

        #[test]
        fn two_accepted_requests_of_one_text_mean_the_same(
            (edition, one) in prop::sample::select(Edition::ALL)
                .prop_flat_map(|edition| (Just(edition), request(edition))),
            cuts in prop::collection::vec(any::<bool>(), 0..12),
        ) {
            prop_assume!(accepted(&one, edition));
            let signer = Signer { secret: "k", sign_type: SignType::Md5, edition };
            let text: Vec<String> = one
                .iter()
                .filter_map(|(name, value)| Some(format!("{name}={}", sign::signed_value(value, edition)?)))
                .collect();
            let text: String = text.join("&").chars().filter(|c| sign::stays(*c)).collect();
            let other = read_otherwise(&text, &cuts, edition);
            let same_text = signer.sign_fields(&one, Empty::Kept) == signer.sign_fields(&other, Empty::Kept);
            prop_assume!(same_text && accepted(&other, edition));
            for field in COMMON.iter().chain(REFUND) {
                let (a, b) = (one.get(field.name), other.get(field.name));
                prop_assert_eq!(a.is_some(), b.is_some(), "{}: {:?} / {:?}", field.name, one, other);
                if !field.kind.is_free() && !matches!(field.kind, Kind::Amount) {
                    prop_assert_eq!(a, b, "{}: {:?} / {:?}", field.name, one, other);
                }
            }
        }
    }
}
