//! The HTML document around the console.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::console::Console;
use crate::console::pages::is_lazy;
use crate::console::preferences::use_preferences;

/// Addresses of the style sheet, the scripts and the WebAssembly modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetUrls {
    pub css: String,
    pub js: String,
    /// Script that loads the lazy module.
    pub parts: String,
    pub wasm: String,
    /// Module of the [`LazyPage`](crate::console::pages::LazyPage)s.
    pub details: String,
}

/// Renders the document of the page at a path. Expects
/// [`Preferences`](crate::console::preferences::Preferences) as context.
pub fn shell(assets: AssetUrls, path: &str) -> impl IntoView + use<> {
    let preferences = use_preferences();
    let AssetUrls {
        css,
        js,
        parts,
        wasm,
        details,
    } = assets;
    let preload = |url: String| {
        view! {
            <link rel="preload" href=url r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
        }
    };
    let start = format!(
        "import start, {{ hydrate }} from '{js}';\nawait start({{ module_or_path: '{wasm}' }});\nawait hydrate();"
    );
    view! {
        <!DOCTYPE html>
        <html lang=preferences.html_lang()
            data-theme=preferences.theme.as_str()
            data-density=preferences.density.as_str()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="stylesheet" href=css/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="modulepreload" href=js/>
                <link rel="modulepreload" href=parts/>
                {preload(wasm)}
                {is_lazy(path).then(|| preload(details))}
                <MetaTags/>
            </head>
            <body>
                <Console/>
                <script type="module" nonce=use_nonce() inner_html=start></script>
            </body>
        </html>
    }
}
