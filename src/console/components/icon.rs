//! The icons, drawn on a 16 x 16 grid in the colour of the adjacent text.

use leptos::prelude::*;

/// An icon of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Search,
    Copy,
    Cross,
    Down,
    Up,
    // The shapes of states.
    /// Half a disc in a ring: under way.
    Half,
    /// A disc with a tick: done.
    Tick,
    /// A lozenge with a cross: failed.
    Fail,
    /// A square with a bar: over without a result.
    Bar,
    /// An empty ring: not begun.
    Ring,
    /// A triangle: a person has to look.
    Alert,
    /// A quarter of a disc: done in part.
    Part,
}

impl Icon {
    /// Returns the outline as an SVG path, and true where it is filled rather than stroked.
    fn path(self) -> (&'static str, bool) {
        match self {
            Icon::Search => (
                "M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M10.3 10.3l3.7 3.7",
                false,
            ),
            Icon::Copy => ("M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3", false),
            Icon::Cross => ("M4 4l8 8M12 4l-8 8", false),
            Icon::Down => ("M4 6l4 4l4-4", false),
            Icon::Up => ("M4 10l4-4l4 4", false),
            Icon::Half => (
                "M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14m0 1.6a5.4 5.4 0 0 1 0 10.8z",
                true,
            ),
            Icon::Tick => (
                "M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14m3.2 4.2l1.1 1.1l-5.1 5.1l-3-3l1.1-1.1l1.9 1.9z",
                true,
            ),
            Icon::Fail => (
                "M8 .5l7.5 7.5l-7.5 7.5l-7.5-7.5zM6 4.9l-1.1 1.1l2 2l-2 2l1.1 1.1l2-2l2 2l1.1-1.1l-2-2l2-2l-1.1-1.1l-2 2z",
                true,
            ),
            Icon::Bar => ("M2 2h12v12h-12zM4.5 7.2v1.6h7v-1.6z", true),
            Icon::Ring => ("M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12", false),
            Icon::Alert => (
                "M8 1l7.5 13.5h-15zM7.2 6v4.5h1.6v-4.5zM7.2 11.5v1.6h1.6v-1.6z",
                true,
            ),
            Icon::Part => (
                "M8 1a7 7 0 1 0 0 14a7 7 0 1 0 0-14m0 1.6a5.4 5.4 0 0 1 5.4 5.4h-5.4z",
                true,
            ),
        }
    }
}

/// Draws an icon. Icons are decoration and hidden from screen readers: a word stands beside each.
#[component]
pub fn Draw(icon: Icon) -> impl IntoView {
    let (path, filled) = icon.path();
    view! {
        <svg class="icon" class:filled=filled viewBox="0 0 16 16" aria-hidden="true">
            <path d=path></path>
        </svg>
    }
}
