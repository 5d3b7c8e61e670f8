//! The last step before money moves or something final is done: a sentence that states the consequences, and one
//! button. It is shown in a dialog, or on a page of its own where scripts are off.

use leptos::prelude::*;

use crate::console::components::action::{ActionErrorNote, Fields, FormAction, Primary};
use crate::console::preferences::use_texts;
use crate::console::texts;
use crate::domain::lang::Text;

/// Shows the heading of a confirmation page. The heading takes the focus, as a dialog's heading does, so that a
/// key still held from the page before presses nothing.
#[component]
pub fn StepHeading(text: Text) -> impl IntoView {
    let t = use_texts();
    view! {
        <h1 tabindex="-1" autofocus>
            {t(text)}
        </h1>
    }
}

/// Shows the sentence, then `children`, then the button. `fields` are the function's arguments.
#[component]
pub fn Confirm(
    action: FormAction,
    fields: Fields,
    /// The consequences, in whole sentences.
    #[prop(into)]
    happens: String,
    /// The button's text, which names the action: "Refund 12.50".
    #[prop(into)]
    button: String,
    /// True where the sandbox stands in for the channel, which is then stated below the sentence.
    #[prop(optional)]
    test_mode: bool,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let t = use_texts();
    view! {
        <p class="happens">{happens}</p>
        {test_mode.then(|| view! { <p class="hint">{t(texts::NO_MONEY_MOVES)}</p> }.into_any())}
        {children.map(|children| children())}
        <ActionErrorNote action/>
        <Primary action fields text=button/>
    }
}
