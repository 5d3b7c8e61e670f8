//! Shortcuts, copying and menus, the same on every page. They work on attributes of the page's elements, so that
//! pages need no code for them:
//!
//! - `aria-keyshortcuts="r"` on a link, button or field: the key presses it, or focuses the field;
//! - `data-row` on a link: `j` and `k` move from row to row, Enter follows the link;
//! - `data-copy="..."` on a button: a press copies the text and confirms it beside the button;
//! - `<details class="menu">`: closes on Escape and on a press elsewhere;
//! - `data-dialog="id"` on a link: opens that `<dialog>` instead of following the link.
//!
//! Shortcuts are off while a person types, and with Ctrl, Alt or Meta held. A held key repeats typing, scrolling and
//! `j`/`k`, but presses no button and sends no form: one press has one effect.

use std::cell::Cell;
use std::time::Duration;

use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlDialogElement, HtmlElement};

/// Time for which the confirmation of a copy is shown.
const SAY_FOR: Duration = Duration::from_millis(1_500);

/// Inputs that press a button: two keys, by their names, and the pointer.
const PRESSING: [&str; 3] = ["Enter", " ", "pointer"];

thread_local! {
    /// For each of [`PRESSING`], true while it is held down.
    static DOWN: [Cell<bool>; PRESSING.len()] = const { [const { Cell::new(false) }; PRESSING.len()] };
}

/// Returns true while a key or pointer that presses buttons is held down.
pub fn is_pressing() -> bool {
    DOWN.with(|down| down.iter().any(Cell::get))
}

/// Records that one of [`PRESSING`] went down or was released; ignores all other keys.
fn note(what: &str, is_down: bool) {
    if let Some(at) = PRESSING.iter().position(|pressing| *pressing == what) {
        DOWN.with(|down| down[at].set(is_down));
    }
}

/// Records that nothing is held down.
fn let_go() {
    PRESSING.iter().for_each(|pressing| note(pressing, false));
}

/// Listens to keys and presses while the layout is shown. Effects run in the browser only.
#[component]
pub fn Keyboard() -> impl IntoView {
    Effect::new(|| {
        let listeners = [
            window_event_listener(leptos::ev::keydown, on_key),
            window_event_listener(leptos::ev::keyup, on_key_up),
            window_event_listener(leptos::ev::pointerdown, |ev| {
                note("pointer", ev.button() == 0);
            }),
            window_event_listener(leptos::ev::pointerup, |_| note("pointer", false)),
            window_event_listener(leptos::ev::pointercancel, |_| note("pointer", false)),
            // No event reports a key that is released in another window.
            window_event_listener(leptos::ev::blur, |_| let_go()),
            window_event_listener(leptos::ev::click, on_press),
        ];
        on_cleanup(move || listeners.into_iter().for_each(|listener| listener.remove()));
    });
    view! { <div id="said" class="unseen" role="status"></div> }
}

/// Opens a dialog of the page, after sending it the event `opens`. Browsers themselves close it on Escape and give
/// the focus back.
pub fn open_dialog(id: &str) {
    if let Some(dialog) = find(&format!("dialog#{id}"))
        && let Ok(dialog) = dialog.dyn_into::<HtmlDialogElement>()
        && !dialog.open()
    {
        if let Ok(opens) = Event::new("opens") {
            let _ = dialog.dispatch_event(&opens);
        }
        let _ = dialog.show_modal();
    }
}

/// Closes a dialog; does nothing where it is closed or absent.
pub fn close_dialog(id: &str) {
    if let Some(dialog) = find(&format!("dialog#{id}"))
        && let Ok(dialog) = dialog.dyn_into::<HtmlDialogElement>()
    {
        dialog.close();
    }
}

/// Focuses the first element that matches the selector.
pub fn go_to(selector: &str) {
    if let Some(element) = find(selector)
        && let Ok(element) = element.dyn_into::<HtmlElement>()
    {
        let _ = element.focus();
    }
}

/// Handles a key that went down or repeats.
fn on_key(ev: KeyboardEvent) {
    let key = ev.key();
    note(&key, true);
    let target = ev.target().and_then(|t| t.dyn_into::<Element>().ok());
    let within = |selector: &str| {
        let closest = target.as_ref().map(|target| target.closest(selector));
        matches!(closest, Some(Ok(Some(_))))
    };
    let presses = match key.as_str() {
        "Enter" => !within("textarea"),
        " " => within("button, summary"),
        _ => false,
    };
    if presses && ev.repeat() {
        ev.prevent_default();
        return;
    }
    let typing = within("input, textarea, select, [contenteditable]");
    if key == "Escape" {
        close_menus(None);
        if typing && find("dialog[open]").is_none() {
            blur();
        }
        return;
    }
    let held = ev.ctrl_key() || ev.alt_key() || ev.meta_key();
    if typing || held || ev.is_composing() || find("dialog[open]").is_some() {
        return;
    }
    let done = match key.as_str() {
        "j" => go_to_row(1),
        "k" => go_to_row(-1),
        _ if ev.repeat() => false,
        "c" => copy_row(),
        "?" => {
            open_dialog("keyboard");
            true
        }
        "/" => press("/"),
        key if key.len() == 1 && key.bytes().all(|b| b.is_ascii_lowercase()) => press(key),
        _ => false,
    };
    if done {
        ev.prevent_default();
    }
}

/// Handles a released key.
fn on_key_up(ev: KeyboardEvent) {
    match ev.key().as_str() {
        // macOS sends no event for keys that are released while Meta is held.
        "Meta" => let_go(),
        key => note(key, false),
    }
}

/// Handles a click: closes menus, and copies where the click is on a copy button.
fn on_press(ev: MouseEvent) {
    let Some(target) = ev.target().and_then(|t| t.dyn_into::<Element>().ok()) else {
        return;
    };
    close_menus(Some(&target));
    if let Ok(Some(button)) = target.closest("[data-copy]") {
        copy(&button);
    }
}

/// Clicks the element with this shortcut, or focuses it if it is a field. Returns false where there is none.
fn press(key: &str) -> bool {
    let Some(element) = find(&format!("[aria-keyshortcuts=\"{key}\"]")) else {
        return false;
    };
    let Ok(element) = element.dyn_into::<HtmlElement>() else {
        return false;
    };
    match element.tag_name().as_str() {
        "INPUT" | "SELECT" | "TEXTAREA" => {
            let _ = element.focus();
            if let Some(input) = element.dyn_ref::<web_sys::HtmlInputElement>() {
                input.select();
            }
        }
        _ => element.click(),
    }
    true
}

/// Focuses the next (1) or previous (-1) row, or the first where no row has the focus.
fn go_to_row(step: i32) -> bool {
    let Ok(rows) = document().query_selector_all("a[data-row]") else {
        return false;
    };
    let rows: Vec<HtmlElement> = (0..rows.length())
        .filter_map(|i| rows.item(i)?.dyn_into().ok())
        .collect();
    let active = document().active_element();
    let at = rows.iter().position(|row| {
        active
            .as_ref()
            .is_some_and(|active| active == row.unchecked_ref::<Element>())
    });
    let next = match at {
        None => 0,
        Some(at) => (at as i32 + step).clamp(0, rows.len() as i32 - 1) as usize,
    };
    match rows.get(next) {
        Some(row) => row.focus().is_ok(),
        None => false,
    }
}

/// Copies the number of the focused row, or else that of the page's heading.
fn copy_row() -> bool {
    let of_row = document()
        .active_element()
        .and_then(|active| active.closest("tr").ok().flatten())
        .and_then(|row| row.query_selector("[data-copy]").ok().flatten());
    match of_row.or_else(|| find("h1 [data-copy]")) {
        Some(button) => {
            copy(&button);
            true
        }
        None => false,
    }
}

/// Copies the button's number and confirms it for [`SAY_FOR`].
fn copy(button: &Element) {
    let number = button.get_attribute("data-copy").unwrap_or_default();
    // Browsers offer the clipboard only over TLS and on localhost.
    if !window().is_secure_context() {
        return;
    }
    let _ = window().navigator().clipboard().write_text(&number);
    let _ = button.set_attribute("data-copied", "");
    let said = find("#said");
    if let Some(said) = &said {
        said.set_text_content(button.get_attribute("data-done").as_deref());
    }
    let button = button.clone();
    set_timeout(
        move || {
            let _ = button.remove_attribute("data-copied");
            if let Some(said) = said {
                said.set_text_content(None);
            }
        },
        SAY_FOR,
    );
}

/// Closes the open menus, except the one that was pressed. A closed menu that had the focus gives it to its
/// summary.
fn close_menus(pressed: Option<&Element>) {
    let Ok(menus) = document().query_selector_all("details.menu[open]") else {
        return;
    };
    for menu in (0..menus.length()).filter_map(|i| menus.item(i)) {
        if pressed.is_some_and(|pressed| menu.contains(Some(pressed))) {
            continue;
        }
        let menu: Element = menu.unchecked_into();
        let had_focus = document()
            .active_element()
            .is_some_and(|active| menu.contains(Some(&active)));
        let _ = menu.remove_attribute("open");
        if had_focus
            && let Ok(Some(summary)) = menu.query_selector("summary")
            && let Ok(summary) = summary.dyn_into::<HtmlElement>()
        {
            let _ = summary.focus();
        }
    }
}

/// Takes the focus from the focused element.
fn blur() {
    if let Some(active) = document().active_element()
        && let Ok(active) = active.dyn_into::<HtmlElement>()
    {
        let _ = active.blur();
    }
}

/// Returns the first element that matches the selector.
fn find(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}
