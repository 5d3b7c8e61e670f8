//! Signatures of the gateway: the canonical text of a set of fields, and its digest. The gateway's contract has the
//! rule and its test vectors.

use std::borrow::Cow;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};
use sm3::Sm3;
use subtle::ConstantTimeEq;

use crate::domain::merchant::{Edition, MerchantApp, SignType};
use crate::domain::secret::Secret;
use crate::wire::json::{Fields, Json, plain_number};

/// Name of the field that holds the signature; it is not signed itself.
pub const SIGN: &str = "sign";
/// Text that is shown in place of a secret.
pub const HIDDEN: &str = "••••";

/// An app's secret and digest in one edition: signs and verifies. Holds a secret, so it cannot be printed.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    pub secret: &'a str,
    pub sign_type: SignType,
    pub edition: Edition,
}

/// Treatment of empty strings: the published rule leaves them out, the published clients sign them as `name=`. A
/// request in either reading verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    Dropped,
    Kept,
}

impl<'a> Signer<'a> {
    /// Makes the signer of an app in an edition, by one of the app's secrets.
    pub fn of(app: &MerchantApp, secret: &'a Secret, edition: Edition) -> Signer<'a> {
        Signer {
            secret: secret.reveal(),
            sign_type: app.sign_type,
            edition,
        }
    }

    /// Signs fields whose values already have their signed form. Returns lower-case hex.
    pub fn sign(&self, pairs: &[(&str, &str)]) -> String {
        self.digest(&self.text(pairs, self.secret))
    }

    /// Signs a JSON object's fields, `sign` and nulls left out.
    pub fn sign_fields(&self, fields: &Fields, empty: Empty) -> String {
        self.digest(&self.text_of_fields(fields, empty, self.secret))
    }

    /// Returns the text that [`Signer::sign_fields`] signs, empty strings dropped, with [`HIDDEN`] in place of the
    /// secret.
    pub fn shown_text(&self, fields: &Fields) -> String {
        self.text_of_fields(fields, Empty::Dropped, HIDDEN)
    }

    fn text_of_fields(&self, fields: &Fields, empty: Empty, key: &str) -> String {
        let texts: Vec<(&str, String)> = fields
            .iter()
            .filter(|(name, _)| *name != SIGN)
            .filter_map(|(name, value)| Some((name.as_str(), signed_value(value, self.edition)?)))
            .filter(|(_, value)| empty == Empty::Kept || !value.is_empty())
            .collect();
        let pairs: Vec<_> = texts.iter().map(|(name, text)| (*name, &**text)).collect();
        self.text(&pairs, key)
    }

    /// Tells whether `sign` is the signature of the fields in either reading of empty strings.
    pub fn verifies(&self, fields: &Fields, sign: &str) -> bool {
        let has_empty = || fields.values().any(|v| *v == Json::Text(String::new()));
        same_hex(&self.sign_fields(fields, Empty::Dropped), sign)
            || has_empty() && same_hex(&self.sign_fields(fields, Empty::Kept), sign)
    }

    /// Returns the text that is signed: `name=value` sorted by name and joined by `&`, freed of quotes and
    /// backslashes, then the key. In the open edition all of it is in upper case.
    fn text(&self, pairs: &[(&str, &str)], key: &str) -> String {
        let mut pairs = pairs.to_vec();
        pairs.sort_unstable();
        let mut text = String::new();
        for (name, value) in pairs {
            text.push_str(name);
            text.push('=');
            text.push_str(value);
            text.push('&');
        }
        text.retain(stays);
        text.push_str("key=");
        text.push_str(key);
        match self.edition {
            Edition::Single => text,
            Edition::Open => text.to_uppercase(),
        }
    }

    fn digest(&self, text: &str) -> String {
        match self.sign_type {
            SignType::HmacSha256 => {
                let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes())
                    .expect("HMAC takes keys of any length");
                mac.update(text.as_bytes());
                hex::encode(mac.finalize().into_bytes())
            }
            SignType::Md5 => hex::encode(Md5::digest(text.as_bytes())),
            SignType::Sm3 => hex::encode(Sm3::digest(text.as_bytes())),
        }
    }
}

/// Tells whether a character is kept in the signed text; quotes and backslashes are not.
pub fn stays(c: char) -> bool {
    c != '"' && c != '\\'
}

/// Returns a value as it stands in an edition's signed text, before quotes and backslashes are removed; `None` for null.
pub fn signed_value(value: &Json, edition: Edition) -> Option<String> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(value) => value.to_string(),
        Json::Number(digits) => plain_number(digits).unwrap_or_else(|| digits.clone()),
        Json::Text(text) => text.clone(),
        Json::List(_) | Json::Object(_) => {
            let mut out = String::new();
            value.write_compact(&mut out);
            match edition {
                Edition::Open => escaped(&out).into_owned(),
                Edition::Single => out,
            }
        }
    })
}

/// Returns nested JSON as the open edition signs it. Its client writes the JSON anew before it verifies, and escapes
/// invisible characters beyond ASCII as `\u00a0`; the rule then removes the backslash. The text itself may carry those
/// characters as they are.
pub fn escaped(json: &str) -> Cow<'_, str> {
    let escapes = |c: char| matches!(c, '\u{80}'..='\u{a0}' | '\u{2000}'..='\u{2010}' | '\u{2028}'..='\u{202f}' | '\u{2066}'..='\u{206f}');
    if !json.contains(escapes) {
        return json.into();
    }
    let mut text = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match escapes(c) {
            true => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => text.push(c),
        }
    }
    text.into()
}

/// Compares two hex digests, ignoring case. The time taken does not depend on where they differ.
fn same_hex(ours: &str, theirs: &str) -> bool {
    let theirs = theirs.to_ascii_lowercase();
    ours.as_bytes().ct_eq(theirs.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::json::object;

    const SECRET: &str = "123456";

    fn signer(sign_type: SignType, edition: Edition) -> Signer<'static> {
        Signer {
            secret: SECRET,
            sign_type,
            edition,
        }
    }

    #[test]
    fn the_published_vectors_hold() {
        let signer = signer(SignType::HmacSha256, Edition::Single);
        for (body, sign) in [
            (
                r#"{"refundNo":"DEVR24051020531763000004","clientIp":"127.0.0.1","reqTime":1715575932}"#,
                "a375e5517062966dab81b84fec9586a4f88e38f1385f6350ce200a27d32190d7",
            ),
            (
                r#"{"status":"pay_not_found","code":0,"resTime":1715576198}"#,
                "913e925dcda0f68787b8ade8c0c34064a0b71cd008ba3377b42333c0da0c9df9",
            ),
            (
                r#"{"bizOrderNoeNo":"P1715603299772","clientIp":"127.0.0.1","reqTime":1715847414}"#,
                "337c290cdd5e3f0577afdd5f97c0de5dce6aed018744851312b6626ddf3d1ece",
            ),
            (
                r#"{"refundNo":"DEVR24051020531763000004","clientIp":"127.0.0.1","reqTime":1715849116}"#,
                "8e38b5dac6a0699b943b0041763b0fdfb876ccd19ba8336732d02673933c6a06",
            ),
            (
                r#"{"code":1,"msg":"退款订单不存在","resTime":1715849164}"#,
                "228aeccda2c31ebdb6853d3ba6b5b6e8a7cf92e8227db55eba3748c8d3909e92",
            ),
            (
                r#"{"amount":19,"attach":"{回调参数}","bizOrderNo":"SDK_1715341621498","bizRefundNo":"R77292",
                    "clientIp":"127.0.0.1","notifyUrl":"https://abc.com/callback","reqTime":1715342344}"#,
                "69c0845c4c1b0c1b4820cd9430b1938386bb43ea1e7d521484b0cb2297eac7b4",
            ),
            (
                r#"{"code":1,"msg":"当前订单状态[退款中]不允许发起退款操作","resTime":1715345296}"#,
                "2bcc5ac7902379d65dc9901186cd81a2833835a30d5a59b3b1860df82f012557",
            ),
        ] {
            let fields = object(body.as_bytes()).unwrap();
            assert_eq!(signer.sign_fields(&fields, Empty::Dropped), sign, "{body}");
            assert!(signer.verifies(&fields, sign));
            assert!(signer.verifies(&fields, &sign.to_uppercase()));
            assert!(!signer.verifies(&fields, &sign[1..]));
            assert!(!signer.verifies(&fields, ""));
        }
    }

    #[test]
    fn invisible_characters_of_nested_json_are_signed_as_their_escapes() {
        let signer = signer(SignType::HmacSha256, Edition::Open);
        let data = "{\"orderNo\":\"P1\",\"bizOrderNo\":\"B1\",\"title\":\"t\",\"refundNo\":\"R1\",\"bizRefundNo\":\"b1\",\
            \"channel\":\"sandbox\",\"orderAmount\":10,\"amount\":1,\"reason\":\"a\u{a0}b\",\"status\":\"success\"}";
        let pairs = [
            ("code", "0"),
            ("data", &*escaped(data)),
            ("msg", "success"),
            ("resTime", "2026-01-02 03:04:05"),
            ("traceId", "T1"),
        ];
        assert_eq!(
            signer.sign(&pairs),
            "382ba23fa3aec8a3658adb717937cc815f61fd142511c90380541d614fd359c1"
        );
        let fields = object(
            "{\"o\":{\"a\":\"\u{7f}\u{80}\u{2028}\u{2066}x\u{200b}\u{2011}\"},\"t\":\"\u{a0}\"}"
                .as_bytes(),
        );
        let fields = fields.unwrap();
        assert_eq!(
            signer.shown_text(&fields).replace(HIDDEN, "K"),
            "O={A:\u{7f}U0080U2028U2066XU200B\u{2011}}&T=\u{a0}&KEY=K"
        );
    }

    #[test]
    fn the_text_follows_the_rule() {
        let fields = object(
            r#"{"b":"x\"y\\z","a":1.10,"C":true,"n":null,"e":"","o":{"z":[1.50,"q"],"y":"退"},"s":"{\"k\": 1}","sign":"no"}"#
                .as_bytes(),
        )
        .unwrap();
        let text = |edition, empty| {
            let signer = signer(SignType::Md5, edition);
            let texts: Vec<_> = fields
                .iter()
                .filter(|(name, _)| *name != SIGN)
                .filter_map(|(name, value)| Some((name.as_str(), signed_value(value, edition)?)))
                .filter(|(_, value)| empty == Empty::Kept || !value.is_empty())
                .collect();
            let pairs: Vec<_> = texts.iter().map(|(n, v)| (*n, v.as_str())).collect();
            signer.text(&pairs, SECRET)
        };
        let single = "C=true&a=1.1&b=xyz&o={y:退,z:[1.5,q]}&s={k: 1}&key=123456";
        assert_eq!(text(Edition::Single, Empty::Dropped), single);
        assert_eq!(text(Edition::Open, Empty::Dropped), single.to_uppercase());
        assert_eq!(
            text(Edition::Single, Empty::Kept),
            "C=true&a=1.1&b=xyz&e=&o={y:退,z:[1.5,q]}&s={k: 1}&key=123456"
        );
    }

    #[test]
    fn the_text_that_is_shown_is_the_signed_one_but_for_the_secret() {
        let fields = object(r#"{"b":"退 1","a":1.10,"e":"","sign":"no"}"#.as_bytes()).unwrap();
        for &edition in Edition::ALL {
            let signer = signer(SignType::HmacSha256, edition);
            let shown = signer.shown_text(&fields);
            assert!(
                !shown.contains(SECRET) && shown.ends_with(HIDDEN),
                "{shown}"
            );
            let signed = shown.replace(HIDDEN, SECRET);
            let sign = signer.sign_fields(&fields, Empty::Dropped);
            assert_eq!(signer.digest(&signed), sign);
        }
    }

    #[test]
    fn each_digest_is_the_one_it_is_called() {
        // Digests of the text `a=1&key=123456`, made by openssl.
        for (sign_type, hex) in [
            (
                SignType::HmacSha256,
                "e26dc1809920c3f2aa6ae7eb8bb653affe260304af73d0e057394b461c04b024",
            ),
            (SignType::Md5, "c249a19d043cb4dc2b68953491aa49c2"),
            (
                SignType::Sm3,
                "fc4b372f33de94c1cdcbe3ebb82c580b714dad12c844453650b1b62ea9e244a1",
            ),
        ] {
            assert_eq!(signer(sign_type, Edition::Single).sign(&[("a", "1")]), hex);
        }
    }

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Bool),
            "-?(0|[1-9][0-9]{0,12})(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?"
                .prop_filter("short enough", |n| plain_number(n).is_some())
                .prop_map(Json::Number),
            ".{0,12}".prop_map(Json::Text),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
                proptest::collection::btree_map(".{0,6}", inner, 0..4).prop_map(Json::Object),
            ]
        })
    }

    fn any_fields() -> impl Strategy<Value = Fields> {
        proptest::collection::btree_map(".{0,8}", any_json(), 0..8)
    }

    fn any_kind() -> impl Strategy<Value = (SignType, Edition)> {
        (
            prop::sample::select(SignType::ALL),
            prop::sample::select(Edition::ALL),
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_signed_verifies_in_both_readings(fields in any_fields(), (sign_type, edition) in any_kind()) {
            let signer = signer(sign_type, edition);
            for empty in [Empty::Dropped, Empty::Kept] {
                let sign = signer.sign_fields(&fields, empty);
                prop_assert!(signer.verifies(&fields, &sign));
                prop_assert!(signer.verifies(&fields, &sign.to_uppercase()));
            }
        }

        #[test]
        fn what_is_written_reads_back_to_the_same_signature(fields in any_fields(), (sign_type, edition) in any_kind()) {
            let signer = signer(sign_type, edition);
            let mut text = String::new();
            Json::Object(fields.clone()).write_compact(&mut text);
            let again = object(text.as_bytes()).unwrap();
            prop_assert_eq!(
                signer.sign_fields(&fields, Empty::Kept),
                signer.sign_fields(&again, Empty::Kept)
            );
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64), (sign_type, edition) in any_kind()) {
            let signer = signer(sign_type, edition);
            if let Ok(fields) = object(&bytes) {
                signer.verifies(&fields, "00");
            }
        }

        #[test]
        fn another_value_has_another_signature(
            fields in proptest::collection::btree_map("[a-z]{1,6}", "[a-z0-9]{1,8}", 1..6),
            which in any::<prop::sample::Index>(),
            other in "[a-z0-9]{1,8}",
            (sign_type, edition) in any_kind(),
        ) {
            let signer = signer(sign_type, edition);
            let (name, value) = fields.iter().nth(which.index(fields.len())).unwrap();
            prop_assume!(*value != other && name != SIGN);
            let (name, fields) = (name.clone(), fields.clone());
            let json = |map: std::collections::BTreeMap<String, String>| -> Fields {
                map.into_iter().map(|(name, value)| (name, Json::Text(value))).collect()
            };
            let sign = signer.sign_fields(&json(fields.clone()), Empty::Dropped);
            let mut changed = fields;
            changed.insert(name, other);
            prop_assert!(!signer.verifies(&json(changed), &sign));
        }
    }
}
