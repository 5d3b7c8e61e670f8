//! The balance of an order, which its page and the refund's form show.

use leptos::prelude::*;

use crate::console::components::Money;
use crate::console::preferences::use_texts;
use crate::console::texts;
use crate::domain::money::Fen;
use crate::domain::order::{Order, OrderStatus};

/// Shows the calculation of the refundable amount: paid − refunded − held.
#[component]
pub fn Balance(order: Order) -> impl IntoView {
    let t = use_texts();
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
    view! {
        <dl class="balance">
            {line("", amount, order.amount)}
            {line("− ", texts::REFUNDED_AMOUNT, order.refunded)}
            {line("− ", texts::HELD_AMOUNT, order.held)}
            <div class="sum">
                <dt>{t(texts::REFUNDABLE)}</dt>
                <dd><Money amount=order.refundable() unit=true/></dd>
            </div>
        </dl>
    }
}
