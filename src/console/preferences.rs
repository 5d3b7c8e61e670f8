//! How the console looks to this operator: language, theme and row density. Kept in cookies, so
//! that it is the same with scripts off, and written on `<html>`, so that the browser's side starts
//! with what the server rendered. A change reloads the page: within one page it never changes.

use leptos::prelude::*;

use crate::domain::lang::{Lang, Text};
use crate::domain::string_enum;

string_enum! {
    /// Which colours.
    #[derive(Default)]
    Theme {
        /// Whatever the operating system is set to.
        #[default]
        System = "system",
        Light = "light",
        Dark = "dark",
    }
}

string_enum! {
    /// How high the rows of a table are.
    #[derive(Default)]
    Density {
        #[default]
        Normal = "normal",
        Compact = "compact",
    }
}

/// How the console looks to this operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    pub lang: Lang,
    pub theme: Theme,
    pub density: Density,
}

impl Preferences {
    /// Reads a `Cookie` and an `Accept-Language` header. What was not chosen is as the browser prefers;
    /// what is absent or unknown stays at its default.
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

    /// Reads what the server wrote on `<html>`. Only for the browser.
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

    /// The value of `<html lang>`.
    pub fn html_lang(self) -> &'static str {
        match self.lang {
            Lang::Zh => "zh-CN",
            Lang::En => "en",
        }
    }
}

/// The first of our languages in an `Accept-Language` header: browsers name what they prefer first.
fn preferred(languages: &str) -> Lang {
    let ours = |range: &str| {
        let language = range.trim().split(['-', ';']).next()?;
        language.to_ascii_lowercase().parse().ok()
    };
    languages.split(',').find_map(ours).unwrap_or_default()
}

fn parse<T: std::str::FromStr + Default>(word: Option<&str>) -> T {
    word.and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// Makes the look known to every component. The server has provided it; the browser reads it.
pub fn provide_preferences() {
    if use_context::<Preferences>().is_none() {
        provide_context(Preferences::of_document());
    }
}

/// The operator's look.
pub fn use_preferences() -> Preferences {
    expect_context::<Preferences>()
}

/// The operator's language.
pub fn use_lang() -> Lang {
    use_preferences().lang
}

/// Looks fixed texts up in the operator's language: `let t = use_texts(); t(words::ORDERS)`.
pub fn use_texts() -> impl Fn(Text) -> &'static str + Copy + Send + Sync {
    let lang = use_lang();
    move |text| text.get(lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_and_nonsense_is_ignored() {
        let look = Preferences::of_headers("id=x; lang=en;theme=dark; density=huge", "zh-CN");
        assert_eq!(look.lang, Lang::En);
        assert_eq!(look.theme, Theme::Dark);
        assert_eq!(look.density, Density::Normal);
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
