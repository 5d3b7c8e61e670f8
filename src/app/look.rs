//! How the console looks to this operator: language, theme and row density. Kept in cookies, so
//! that it is the same with scripts off, and written on `<html>`, so that the browser's side starts
//! with what the server rendered. A change reloads the page: within one page it never changes.

use leptos::prelude::*;

use crate::domain::lang::{Lang, Text};
use crate::domain::words;

words! {
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

words! {
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
pub struct Look {
    pub lang: Lang,
    pub theme: Theme,
    pub density: Density,
}

impl Look {
    /// Reads a `Cookie` header. What is absent or unknown stays at its default.
    pub fn of_cookies(header: &str) -> Look {
        let value = |name: &str| {
            header.split(';').find_map(|pair| {
                let (key, value) = pair.trim().split_once('=')?;
                (key == name).then_some(value)
            })
        };
        Look {
            lang: parse(value("lang")),
            theme: parse(value("theme")),
            density: parse(value("density")),
        }
    }

    /// Reads what the server wrote on `<html>`. Only for the browser.
    fn of_document() -> Look {
        let html = document().document_element();
        let value = |name: &str| html.as_ref().and_then(|html| html.get_attribute(name));
        Look {
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

fn parse<T: std::str::FromStr + Default>(word: Option<&str>) -> T {
    word.and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// Makes the look known to every component. The server has provided it; the browser reads it.
pub fn provide_look() {
    if use_context::<Look>().is_none() {
        provide_context(Look::of_document());
    }
}

/// The operator's look.
pub fn use_look() -> Look {
    expect_context::<Look>()
}

/// The operator's language.
pub fn use_lang() -> Lang {
    use_look().lang
}

/// Looks fixed texts up in the operator's language: `let t = use_words(); t(words::ORDERS)`.
pub fn use_words() -> impl Fn(Text) -> &'static str + Copy + Send + Sync {
    let lang = use_lang();
    move |text| text.get(lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_and_nonsense_is_ignored() {
        let look = Look::of_cookies("id=x; lang=en;theme=dark; density=huge");
        assert_eq!(look.lang, Lang::En);
        assert_eq!(look.theme, Theme::Dark);
        assert_eq!(look.density, Density::Normal);
        assert_eq!(Look::of_cookies(""), Look::default());
        assert_eq!(Look::of_cookies("xlang=en"), Look::default());
    }
}
