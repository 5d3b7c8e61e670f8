//! Coming and going between pages: who goes back finds the page where it was left, scrolled as it was
//! and with the row that was followed; who goes on begins at the page's beginning.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::console::hooks::Waiting;

/// How a page was left.
#[derive(Clone, Default)]
struct Left {
    scroll_y: f64,
    /// Where the row led that was followed.
    row: Option<String>,
}

/// The pages that were left, by address, and the one that is being gone back to.
#[derive(Default)]
struct Trail {
    left: HashMap<String, Left>,
    returning: Option<Left>,
    shown: String,
    /// What the page that is shown begins with: when it is gone another page is there.
    first: Option<Element>,
}

/// How many frames an arrival waits for the former page to go.
const FRAMES: u32 = 30;

/// Listens for as long as the frame stands. Only the browser runs it.
#[component]
pub fn ScrollRestore() -> impl IntoView {
    let Waiting(waiting) = expect_context();
    Effect::new(move |_| {
        let trail = Rc::new(RefCell::new(Trail {
            shown: address(),
            ..Trail::default()
        }));

        let leave = {
            let trail = trail.clone();
            move |ev: leptos::ev::MouseEvent| {
                let target = ev.target().and_then(|t| t.dyn_into::<Element>().ok());
                let link = target.and_then(|target| target.closest("a").ok().flatten());
                if let Some(link) = link {
                    let row = link
                        .get_attribute("href")
                        .filter(|_| link.has_attribute("data-row"));
                    trail.borrow_mut().leave(row);
                }
            }
        };
        let travel = {
            let trail = trail.clone();
            move |_| {
                let mut trail = trail.borrow_mut();
                trail.leave(None);
                trail.returning = trail.left.get(&address()).cloned();
            }
        };
        let listeners = [
            window_event_listener(leptos::ev::click, leave),
            window_event_listener(leptos::ev::popstate, travel),
        ];
        on_cleanup(move || listeners.into_iter().for_each(|listener| listener.remove()));

        // Once nothing is on its way any more, the new page is about to be put up.
        Effect::new(move |_| {
            if !waiting.get() {
                arrive(trail.clone(), FRAMES);
            }
        });
    });
}

impl Trail {
    /// Keeps how the page that is shown looks now.
    fn leave(&mut self, row: Option<String>) {
        let scroll_y = window().scroll_y().unwrap_or_default();
        let left = self.left.entry(self.shown.clone()).or_default();
        left.scroll_y = scroll_y;
        left.row = row.or_else(|| left.row.take());
    }

    /// Puts the page that is now shown as it was left, or the focus at its beginning.
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
        // What had the focus may have gone with the former page.
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

/// Arrives as soon as the former page is gone, at the latest after so many frames.
fn arrive(trail: Rc<RefCell<Trail>>, frames: u32) {
    request_animation_frame(move || {
        let still_there = {
            let trail = trail.borrow();
            let another = path_of(&trail.shown) != path_of(&address());
            another
                && trail
                    .first
                    .as_ref()
                    .is_some_and(|first| first.is_connected())
        };
        match frames.checked_sub(1) {
            Some(frames) if still_there => arrive(trail, frames),
            _ => trail.borrow_mut().arrive(),
        }
    });
}

/// The row that leads there.
fn row_to(href: &str) -> Option<HtmlElement> {
    let rows = document().query_selector_all("a[data-row]").ok()?;
    (0..rows.length())
        .filter_map(|i| rows.item(i)?.dyn_into::<HtmlElement>().ok())
        .find(|row| row.get_attribute("href").as_deref() == Some(href))
}

fn address() -> String {
    window().location().href().unwrap_or_default()
}

fn path_of(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or(address)
}
