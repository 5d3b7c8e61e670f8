//! The two languages. Each text of the console holds both, so that neither can be forgotten.

use crate::domain::string_enum;

string_enum! {
    /// A language of the console.
    #[derive(Default)]
    Lang {
        #[default]
        Zh = "zh",
        En = "en",
    }
}

/// A fixed text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    pub zh: &'static str,
    pub en: &'static str,
}

impl Text {
    /// Returns the text of the given language.
    pub const fn get(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Zh => self.zh,
            Lang::En => self.en,
        }
    }
}

/// Makes a fixed text from both languages, Chinese first.
pub const fn text(zh: &'static str, en: &'static str) -> Text {
    Text { zh, en }
}
