//! The document around the console, as the server writes it.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use super::App;
use super::look::use_look;

/// Where the page finds its style sheet, script and WebAssembly.
#[derive(Clone, Debug)]
pub struct AssetUrls {
    pub css: String,
    pub js: String,
    pub wasm: String,
}

/// The whole document. Expects the [`Look`](super::look::Look) as context.
pub fn shell(assets: AssetUrls) -> impl IntoView {
    let look = use_look();
    let AssetUrls { css, js, wasm } = assets;
    let start = format!(
        "import start, {{ hydrate }} from '{js}';\nawait start({{ module_or_path: '{wasm}' }});\nhydrate();"
    );
    view! {
        <!DOCTYPE html>
        <html lang=look.html_lang() data-theme=look.theme.word() data-density=look.density.word()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="stylesheet" href=css/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="modulepreload" href=js/>
                <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                <MetaTags/>
            </head>
            <body>
                <App/>
                <script type="module" nonce=use_nonce() inner_html=start></script>
            </body>
        </html>
    }
}
