//! The operator's preferences: language, theme and row density. They are kept in cookies, so that they work without
//! scripts, and written on `<html>`, so that the browser starts with what the server rendered. A change reloads the
//! page, so preferences never change within a page.

use leptos::prelude::*;

use crate::domain::lang::{Lang, Text};
use crate::domain::string_enum;

string_enum! {
    /// A choice of colours.
    #[derive(Default)]
    Theme {
        /// The setting of the operating system.
        #[default]
        System = "system",
        Light = "light",
        Dark = "dark",
    }
}

string_enum! {
    /// The height of table rows.
    #[derive(Default)]
    Density {
        #[default]
        Normal = "normal",
        Compact = "compact",
    }
}

/// The preferences of the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    pub lang: Lang,
    pub theme: Theme,
    pub density: Density,
}

impl Preferences {
    /// Reads a `Cookie` and an `Accept-Language` header. The latter gives the language where no cookie does; unknown
    /// values count as absent, and absent ones get their default.
    pub fn of_headers(cookies: &str, languages: &str) -> Preferences {
        let value = |name: &str| {
            cookies.split(';').find_map(|pair| {
                let (key, value) = pair.trim().split_once('=')?;
                (key == name).then_some(value)
            })
        };
        let chosen = value("lang").and_then(|word| word.parse().ok());
        Preferences {
            lang: chosen.unwrap_or_else(|| preferred(languages)),
            theme: parse(value("theme")),
            density: parse(value("density")),
        }
    }

    /// Reads the attributes that the server wrote on `<html>`; for the browser only.
    fn of_document() -> Preferences {
        let html = document().document_element();
        let value = |name: &str| html.as_ref().and_then(|html| html.get_attribute(name));
        Preferences {
            lang: match value("lang").as_deref() {
                Some("en") => Lang::En,
                _ => Lang::Zh,
            },
            theme: parse(value("data-theme").as_deref()),
            density: parse(value("data-density").as_deref()),
        }
    }

    /// Returns the value of `<html lang>`.
    pub fn html_lang(self) -> &'static str {
        match self.lang {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }
}

/// Returns the first supported language of an `Accept-Language` header. Browsers list the preferred one first, so
/// the weights need no reading.
fn preferred(languages: &str) -> Lang {
    let ours = |range: &str| {
        let language = range.trim().split(['-', ';']).next()?;
        language.to_ascii_lowercase().parse().ok()
    };
    languages.split(',').find_map(ours).unwrap_or_default()
}

/// Reads a word, or returns the default.
fn parse<T: std::str::FromStr + Default>(word: Option<&str>) -> T {
    word.and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// Provides the preferences as context in the browser. On the server, the request handler provides them.
pub fn provide_preferences() {
    if use_context::<Preferences>().is_none() {
        provide_context(Preferences::of_document());
    }
}

/// Returns the operator's preferences.
pub fn use_preferences() -> Preferences {
    expect_context::<Preferences>()
}

/// Returns the operator's language.
pub fn use_lang() -> Lang {
    use_preferences().lang
}

/// Returns a function that looks texts up in the operator's language: `let t = use_texts(); t(texts::ORDERS)`.
pub fn use_texts() -> impl Fn(Text) -> &'static str + Copy + Send + Sync {
    let lang = use_lang();
    move |text| text.get(lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_and_nonsense_is_ignored() {
        let preferences =
            Preferences::of_headers("id=x; lang=en;theme=dark; density=huge", "zh-CN");
        assert_eq!(preferences.lang, Lang::En);
        assert_eq!(preferences.theme, Theme::Dark);
        assert_eq!(preferences.density, Density::Normal);
        assert_eq!(Preferences::of_headers("", ""), Preferences::default());
        assert_eq!(
            Preferences::of_headers("xlang=en; lang=fr", ""),
            Preferences::default()
        );
    }

    #[test]
    fn who_has_not_chosen_gets_what_the_browser_prefers() {
        let lang = |languages| Preferences::of_headers("theme=dark", languages).lang;
        assert_eq!(lang("en-GB,en;q=0.9,zh;q=0.8"), Lang::En);
        assert_eq!(lang("fr-FR, fr;q=0.9, zh-TW;q=0.5, en;q=0.1"), Lang::Zh);
        assert_eq!(lang("de, EN;q=0.5"), Lang::En);
        assert_eq!(lang("ja, *;q=0.1"), Lang::Zh);
    }
}
