//! The terms of Refundry, without I/O and without a clock: money, orders, refunds and the one table by which a refund
//! changes state. Compiled for the server and for the browser.

pub mod account;
pub mod audit;
pub mod breaker;
pub mod callback;
pub mod error;
pub mod event;
pub mod filter;
pub mod lang;
pub mod limits;
pub mod merchant;
pub mod money;
pub mod movement;
pub mod notice;
pub mod order;
pub mod people;
pub mod refund;
pub mod restoration;
pub mod secret;
#[cfg(test)]
pub mod testing;
pub mod text;
pub mod time;

/// Declares an enum whose values have fixed words in the database, the API and the URL. The words are written once:
/// parsing, printing and serde all use them.
///
/// The macro replaces `strum`, whose `EnumString`, `IntoStaticStr` and `VariantArray` would need five derives on each
/// enum, every word twice (`strum(serialize)` and `serde(rename)`), and an error type that does not name the word.
macro_rules! string_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// Returns the word for this value in the database, the API and the URL.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::domain::UnknownName;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word { $($word => Ok($name::$variant),)+ _ => Err($crate::domain::UnknownName(word.to_owned())) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}
pub(crate) use string_enum;

/// The error of a word that is not among an enum's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word {0:?}")]
pub struct UnknownName(pub String);
