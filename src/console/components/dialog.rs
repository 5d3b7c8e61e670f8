//! Dialogs and the links that open them.

use leptos::context::Provider;
use leptos::ev::{Event, MouseEvent};
use leptos::prelude::*;

use crate::console::components::arm::Arm;
use crate::console::components::keyboard::open_dialog;
use crate::console::preferences::use_texts;
use crate::console::texts;
use crate::domain::lang::Text;

/// Renders a dialog for [`open_dialog`](crate::console::components::open_dialog). Its last button, `close`,
/// closes it. On opening, the heading gets the focus, so that the dialog is read from its beginning and a held
/// key presses nothing in it; the [`Arm`] of the buttons within is disarmed.
#[component]
pub fn Dialog(
    id: &'static str,
    title: Text,
    #[prop(default = texts::CLOSE_DIALOG)] close: Text,
    children: Children,
) -> impl IntoView {
    let t = use_texts();
    let heading = format!("{id}-title");
    let arm = Arm::new();
    view! {
        <dialog id=id aria-labelledby=heading.clone() on:opens=move |_: Event| arm.disarm()>
            <h2 id=heading.clone() tabindex="-1" autofocus>
                {t(title)}
            </h2>
            <Provider value=arm>{children()}</Provider>
            <form method="dialog">
                <button class="plain">{t(close)}</button>
            </form>
        </dialog>
    }
}

/// Renders a link that opens a dialog. Without scripts, or with Ctrl held, it follows `href`, the page that stands
/// for the dialog.
#[component]
pub fn DialogLink(dialog: &'static str, href: String, text: Text) -> impl IntoView {
    let t = use_texts();
    let open = move |ev: MouseEvent| {
        let elsewhere = ev.ctrl_key() || ev.meta_key() || ev.shift_key() || ev.alt_key();
        if !elsewhere {
            ev.prevent_default();
            open_dialog(dialog);
        }
    };
    view! {
        <a class="plain" href=href aria-haspopup="dialog" on:click=open>
            {t(text)}
        </a>
    }
}
