//! Dialogs.

use leptos::prelude::*;

use crate::app::look::use_words;
use crate::app::words;
use crate::domain::lang::Text;

/// A dialog that [`open_dialog`](super::open_dialog) opens. Its last button, `close`, closes it.
#[component]
pub fn Dialog(
    id: &'static str,
    title: Text,
    #[prop(default = words::CLOSE_DIALOG)] close: Text,
    children: Children,
) -> impl IntoView {
    let t = use_words();
    let heading = format!("{id}-title");
    view! {
        <dialog id=id aria-labelledby=heading.clone()>
            <h2 id=heading.clone()>{t(title)}</h2>
            {children()}
            <form method="dialog">
                <button class="plain">{t(close)}</button>
            </form>
        </dialog>
    }
}
