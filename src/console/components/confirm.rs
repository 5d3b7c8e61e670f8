//! The last step before money moves or something is final: a sentence that says what will happen, and one
//! button that makes it happen. Stands in a dialog, and on a page of its own for when scripts are off.

use leptos::prelude::*;

use crate::console::components::action::{ActionErrorNote, Fields, FormAction, Primary};

/// The sentence and the button. `fields` are the function's arguments, `children` stand between.
#[component]
pub fn Confirm(
    action: FormAction,
    fields: Fields,
    /// What will happen, in whole sentences.
    #[prop(into)]
    happens: String,
    /// What the button says: the act itself.
    #[prop(into)]
    button: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <p class="happens">{happens}</p>
        {children.map(|children| children())}
        <ActionErrorNote action/>
        <Primary action fields text=button/>
    }
}
