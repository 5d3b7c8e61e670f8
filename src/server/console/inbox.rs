//! What the inbox of undecided refunds is given.

use super::caller::Caller;
use super::lists::{self, chip, flag};
use super::refunds::next_probe;
use crate::app::components::{Tone, app_path};
use crate::app::query::{Query, escape};
use crate::app::rpc::Trouble;
use crate::app::view::{Cell, Link, ListView};
use crate::app::words;
use crate::domain::filter::InboxFilter;
use crate::domain::lang::Text;
use crate::domain::refund::{FindingWord, InboxRow, Refund};
use crate::server::breakers;
use crate::server::refunds::records;

/// One page of the refunds in progress, or of those that a person has to look at. The cells stand in the
/// order of the page's columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, Trouble> {
    let filter = match flag(query, "attention")? {
        false => InboxFilter::Open,
        true => InboxFilter::Raised,
    };
    let (app, app_id) = (&caller.app, &caller.merchant.app_id);
    let page = records::inbox(app, app_id, filter, &query.place()?).await?;
    let open = records::count_inbox(app, app_id, InboxFilter::Open).await?;
    let raised = records::count_inbox(app, app_id, InboxFilter::Raised).await?;
    let breakers = breakers::of_app(app, app_id).await?;
    let remarks = breakers.iter().map(|breaker| {
        let local = |at| caller.stamp(at).local;
        let (since, probe) = (local(breaker.opened_at), local(breaker.probe_at));
        words::breaker_open(breaker, &since, &probe, caller.lang)
    });
    let remarks = remarks.collect();
    let row = |row: InboxRow| {
        let acts = acts(caller, &row);
        let InboxRow {
            refund,
            biz_order_no,
            heard,
        } = row;
        let mut states = Vec::new();
        if !refund.holds() {
            states.push(caller.state(&refund.status));
        }
        let raised = refund.attention.filter(|_| !refund.reviewed);
        states.extend(raised.map(|attention| {
            let text = words::attention(attention).get(caller.lang);
            (Tone::Alert, text.to_owned())
        }));
        let heard = heard.map(|(finding, at)| {
            let (tone, _) = caller.state(&finding);
            let text = words::finding_alone(finding, caller.lang);
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
            "attention",
            "",
            words::IN_PROGRESS,
            Some(Tone::Busy),
            open,
        ),
        chip(
            caller,
            "attention",
            "1",
            words::NEEDS_PERSON,
            Some(Tone::Alert),
            raised,
        ),
    ];
    Ok(ListView {
        remarks,
        ..lists::view(caller, page, row, chips)
    })
}

/// Only what is safe with a refund as it stands.
fn acts(caller: &Caller, row: &InboxRow) -> Cell {
    let refund = &row.refund;
    if !caller.operator.role.moves_money() {
        return Cell::Nothing;
    }
    let link = |page: &str, text: Text| Link {
        href: page_of(&refund.app_id, refund, page),
        text: text.get(caller.lang).to_owned(),
        tone: None,
    };
    let heard = row.heard.map(|(finding, _)| finding);
    let mut links = Vec::new();
    if refund.holds() && heard == Some(FindingWord::NotFound) {
        links.push(link("/close", words::CLOSE_IT));
    }
    if !refund.holds() && refund.attention.is_some() && !refund.reviewed {
        links.push(link("/review", words::REVIEW_IT));
    }
    Cell::Acts {
        refund_no: refund.refund_no.clone(),
        sync: refund.holds().then_some(refund.version),
        links,
    }
}

fn page_of(app_id: &str, refund: &Refund, page: &str) -> String {
    app_path(
        app_id,
        &format!("refunds/{}{page}", escape(&refund.refund_no)),
    )
}
