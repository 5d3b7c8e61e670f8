//! Makes the data of the review queue.

use crate::console::paths::{app_path, escape};
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{ApiError, Cell, Link, ListView, Tone};
use crate::domain::filter::ReviewQueueFilter;
use crate::domain::lang::Text;
use crate::domain::people::Permission;
use crate::domain::refund::{OutcomeKind, Refund, ReviewQueueRow};
use crate::server::desk::accounts::Accounts;
use crate::server::desk::caller::Caller;
use crate::server::desk::lists;
use crate::server::desk::lists::{chip, flag};
use crate::server::desk::refunds::next_probe;
use crate::server::refunds::records;

/// Makes one page of the refunds in progress, or of those to review. The cells stand in the order of the page's
/// columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, ApiError> {
    let filter = match flag(query, "review")? {
        false => ReviewQueueFilter::Open,
        true => ReviewQueueFilter::Raised,
    };
    let (ctx, app_id) = (&caller.ctx, &caller.merchant.app_id);
    let page = records::review_queue(ctx, app_id, filter, &query.place()?).await?;
    let open = records::count_review_queue(ctx, app_id, ReviewQueueFilter::Open).await?;
    let raised = records::count_review_queue(ctx, app_id, ReviewQueueFilter::Raised).await?;
    let breakers = ctx.channels.breakers.all().await?;
    let accounts = Accounts::read(caller).await?;
    let remarks = breakers.iter().filter_map(|breaker| {
        let channel = accounts.silent_channel(caller, breaker)?;
        let local = |at| caller.stamp(at).local;
        let (since, probe) = (local(breaker.opened_at), local(breaker.probe_at));
        let lang = caller.lang;
        Some(texts::breaker_open(channel, breaker, &since, &probe, lang))
    });
    let remarks = remarks.collect();
    let row = |row: ReviewQueueRow| {
        let acts = acts(caller, &row);
        let ReviewQueueRow {
            refund,
            biz_order_no,
            heard,
        } = row;
        let mut states = Vec::new();
        if !refund.holds() {
            states.push(caller.state(&refund.status));
        }
        let raised = refund.review_reason.filter(|_| !refund.reviewed);
        states.extend(raised.map(|review_reason| {
            let text = texts::review_reason(review_reason).get(caller.lang);
            (Tone::Alert, text.to_owned())
        }));
        let heard = heard.map(|(outcome, at)| {
            let (tone, _) = caller.state(&outcome);
            let text = texts::outcome_alone(outcome, caller.lang);
            Cell::StateAt(tone, text, caller.stamp(at))
        });
        vec![
            Cell::Number {
                href: page_of(app_id, &refund, ""),
                number: refund.refund_no.clone(),
            },
            Cell::Code(biz_order_no),
            Cell::Since(caller.stamp(refund.opened_at)),
            match refund.holds() {
                true => Cell::Money(refund.amount),
                false => Cell::Nothing,
            },
            heard.unwrap_or(Cell::Nothing),
            next_probe(caller, &refund, &breakers),
            match states.is_empty() {
                true => Cell::Nothing,
                false => Cell::States(states),
            },
            acts,
        ]
    };
    let chips = vec![
        chip(
            caller,
            "review",
            "",
            texts::IN_PROGRESS,
            Some(Tone::Busy),
            open,
        ),
        chip(
            caller,
            "review",
            "1",
            texts::NEEDS_PERSON,
            Some(Tone::Alert),
            raised,
        ),
    ];
    Ok(ListView {
        remarks,
        ..lists::view(caller, page, row, chips)
    })
}

/// Makes the cell of the actions that are safe with the refund in its present state.
fn acts(caller: &Caller, row: &ReviewQueueRow) -> Cell {
    let refund = &row.refund;
    if !caller.may(Permission::MoveMoney) {
        return Cell::Nothing;
    }
    let link = |page: &str, text: Text| Link {
        href: page_of(&refund.app_id, refund, page),
        text: text.get(caller.lang).to_owned(),
        tone: None,
    };
    let heard = row.heard.map(|(outcome, _)| outcome);
    let mut links = Vec::new();
    if refund.holds() && heard == Some(OutcomeKind::NotFound) {
        links.push(link("/close", texts::CLOSE_IT));
    }
    let bookable = refund.bookable();
    if bookable.is_some_and(|booking| booking.agrees_with(heard)) && caller.may(Permission::Review)
    {
        links.push(link("/book", texts::BOOK_IT));
    }
    let raised = !refund.holds() && refund.review_reason.is_some() && !refund.reviewed;
    if raised && caller.may(Permission::Review) {
        links.push(link("/review", texts::REVIEW_IT));
    }
    Cell::RefundActions {
        refund_no: refund.refund_no.clone(),
        sync: refund.holds().then_some(refund.version),
        links,
    }
}

/// Returns the address of a refund's page, or of one below it: `page_of(app_id, refund, "/close")`.
fn page_of(app_id: &str, refund: &Refund, page: &str) -> String {
    app_path(
        app_id,
        &format!("refunds/{}{page}", escape(&refund.refund_no)),
    )
}
