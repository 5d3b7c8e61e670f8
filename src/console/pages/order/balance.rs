//! The balance of an order, which its page and the refund's form show.

use leptos::prelude::*;

use crate::console::components::Money;
use crate::console::preferences::{use_lang, use_texts};
use crate::console::texts;
use crate::domain::money::Fen;
use crate::domain::order::{Order, OrderStatus};

/// Shows the calculation of the refundable amount: paid − refunded − held − overpaid, at least zero. Without overpaid
/// money its line is absent.
#[component]
pub fn Balance(order: Order) -> impl IntoView {
    let t = use_texts();
    let lang = use_lang();
    let line = |sign: &'static str, name, amount: Fen| {
        view! {
            <div>
                <dt>{t(name)}</dt>
                <dd>{sign} <Money amount/></dd>
            </div>
        }
    };
    let amount = match order.status {
        OrderStatus::Success => texts::PAID_AMOUNT,
        _ => texts::ORDER_AMOUNT,
    };
    let overpaid = (order.overpaid > Fen::ZERO)
        .then(|| line("− ", texts::OVERPAID_AMOUNT, order.overpaid).into_any());
    let excess = (order.excess() > Fen::ZERO)
        .then(|| view! { <p class="problem">{texts::excess(order.excess(), lang)}</p> }.into_any());
    view! {
        <dl class="balance">
            {line("", amount, order.amount)}
            {line("− ", texts::REFUNDED_AMOUNT, order.refunded)}
            {line("− ", texts::HELD_AMOUNT, order.held)}
            {overpaid}
            <div class="sum">
                <dt>{t(texts::REFUNDABLE)}</dt>
                <dd><Money amount=order.refundable() unit=true/></dd>
            </div>
        </dl>
        {excess}
    }
}
