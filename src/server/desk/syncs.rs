//! The data of the list of syncs.

use crate::console::paths::{app_path, escape};
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{ApiError, Cell, ListView, Tone};
use crate::domain::error::Refusal;
use crate::domain::event::Event;
use crate::domain::filter::SyncFilter;
use crate::domain::refund::{OutcomeKind, RefundStatus};
use crate::server::desk::caller::Caller;
use crate::server::desk::lists;
use crate::server::desk::lists::{chip, flag};
use crate::server::desk::orders::range;
use crate::server::refunds::records;

/// Makes one page of the syncs of an app's refunds. The cells stand in the order of the page's columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, ApiError> {
    let filter = filter(caller, query)?;
    let (ctx, app_id) = (&caller.ctx, &caller.merchant.app_id);
    let page = records::syncs(ctx, app_id, &filter, &query.place()?).await?;
    let of = |changed| SyncFilter {
        changed,
        ..filter.clone()
    };
    let all = records::count_syncs(ctx, app_id, &of(false)).await?;
    let changed = records::count_syncs(ctx, app_id, &of(true)).await?;
    let row = |event: Event| {
        let after = event.after.as_ref().filter(|_| event.changed());
        let after = after.and_then(|word| word.parse::<RefundStatus>().ok());
        vec![
            Cell::Number {
                href: app_path(app_id, &format!("refunds/{}", escape(&event.number))),
                number: event.number,
            },
            Cell::Short(texts::actor(&event.actor, caller.lang)),
            event.outcome.map_or(Cell::Nothing, |outcome| {
                let (tone, _) = caller.state(&outcome);
                Cell::States(vec![(tone, texts::outcome_alone(outcome, caller.lang))])
            }),
            after.map_or(Cell::Nothing, |status| caller.states([&status])),
            event.said.map_or(Cell::Nothing, Cell::Said),
            Cell::Time(caller.stamp(event.at)),
        ]
    };
    let chips = vec![
        chip(caller, "changed", "", texts::ALL, None, all),
        chip(
            caller,
            "changed",
            "1",
            texts::CHANGED,
            Some(Tone::Part),
            changed,
        ),
    ];
    Ok(lists::view(caller, page, row, chips))
}

/// Reads the list's filter.
fn filter(caller: &Caller, query: &Query) -> Result<SyncFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(SyncFilter {
        number: query.text("q")?,
        outcome: query.word("outcome", OutcomeKind::ALL)?,
        changed: flag(query, "changed")?,
        from,
        to,
    })
}
