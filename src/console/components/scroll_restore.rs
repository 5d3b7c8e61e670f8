//! Restores scroll position and focus on back and forward: the page gets its former scroll position, and the row whose
//! link was followed gets the focus. A new page starts at its top.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::console::hooks::Waiting;

/// The position in which a page was left.
#[derive(Clone, Default)]
struct Position {
    scroll_y: f64,
    /// Address of the row that was followed.
    row: Option<String>,
}

/// The pages visited so far.
#[derive(Default)]
struct Visits {
    /// Positions of the pages that were left, by address.
    positions: HashMap<String, Position>,
    /// Position to restore: the browser is going back or forward to a page of `positions`.
    returning: Option<Position>,
    /// Address of the shown page.
    shown: String,
    /// First element of the shown page. Its absence from the document shows that the next page has appeared.
    first: Option<Element>,
}

/// Maximum frames to wait for the former page to leave the document.
const FRAMES: u32 = 30;

/// Listens while the layout is shown. Effects run in the browser only.
#[component]
pub fn ScrollRestore() -> impl IntoView {
    let Waiting(waiting) = expect_context();
    Effect::new(move |_| {
        let visits = Rc::new(RefCell::new(Visits {
            shown: address(),
            ..Visits::default()
        }));

        let leave = {
            let visits = visits.clone();
            move |ev: leptos::ev::MouseEvent| {
                let target = ev.target().and_then(|t| t.dyn_into::<Element>().ok());
                let link = target.and_then(|target| target.closest("a").ok().flatten());
                if let Some(link) = link {
                    let row = link
                        .get_attribute("href")
                        .filter(|_| link.has_attribute("data-row"));
                    visits.borrow_mut().leave(row);
                }
            }
        };
        let travel = {
            let visits = visits.clone();
            move |_| {
                let mut visits = visits.borrow_mut();
                visits.leave(None);
                visits.returning = visits.positions.get(&address()).cloned();
            }
        };
        let listeners = [
            window_event_listener(leptos::ev::click, leave),
            window_event_listener(leptos::ev::popstate, travel),
        ];
        on_cleanup(move || listeners.into_iter().for_each(|listener| listener.remove()));

        // When nothing is loading, the new page is about to appear.
        Effect::new(move |_| {
            if !waiting.get() {
                arrive(visits.clone(), FRAMES);
            }
        });
    });
}

impl Visits {
    /// Saves the position of the shown page.
    fn leave(&mut self, row: Option<String>) {
        let scroll_y = window().scroll_y().unwrap_or_default();
        let left = self.positions.entry(self.shown.clone()).or_default();
        left.scroll_y = scroll_y;
        left.row = row.or_else(|| left.row.take());
    }

    /// Restores the position of the page that has appeared, or else focuses its beginning.
    fn arrive(&mut self) {
        let here = address();
        let page = document().get_element_by_id("main");
        self.first = page.as_ref().and_then(|page| page.first_element_child());
        if self.shown == here && self.returning.is_none() {
            return;
        }
        self.shown = here;
        let left = self.returning.take();
        if let Some(left) = &left {
            window().scroll_to_with_x_and_y(0.0, left.scroll_y);
        }
        // The focused element may have left with the former page.
        let lost = document()
            .active_element()
            .is_none_or(|active| matches!(active.tag_name().as_str(), "BODY" | "MAIN"));
        if lost {
            let row = left.and_then(|left| row_to(&left.row?));
            let target = row.or_else(|| page?.dyn_into().ok());
            let options = web_sys::FocusOptions::new();
            options.set_prevent_scroll(true);
            if let Some(target) = target {
                let _ = target.focus_with_options(&options);
            }
        }
    }
}

/// Calls [`Visits::arrive`] once the former page is gone, at the latest after `frames` frames.
fn arrive(visits: Rc<RefCell<Visits>>, frames: u32) {
    request_animation_frame(move || {
        let still_there = {
            let visits = visits.borrow();
            let another = path_of(&visits.shown) != path_of(&address());
            another
                && visits
                    .first
                    .as_ref()
                    .is_some_and(|first| first.is_connected())
        };
        match frames.checked_sub(1) {
            Some(frames) if still_there => arrive(visits, frames),
            _ => visits.borrow_mut().arrive(),
        }
    });
}

/// Returns the row that links to `href`.
fn row_to(href: &str) -> Option<HtmlElement> {
    let rows = document().query_selector_all("a[data-row]").ok()?;
    (0..rows.length())
        .filter_map(|i| rows.item(i)?.dyn_into::<HtmlElement>().ok())
        .find(|row| row.get_attribute("href").as_deref() == Some(href))
}

/// Returns the address of the page.
fn address() -> String {
    window().location().href().unwrap_or_default()
}

/// Returns an address without its query and fragment.
fn path_of(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or(address)
}
