//! What the list of sync records is given.

use super::caller::Caller;
use super::lists::{self, chip, flag};
use super::orders::range;
use crate::app::components::{Tone, app_path};
use crate::app::query::{Query, escape};
use crate::app::rpc::Trouble;
use crate::app::view::{Cell, ListView};
use crate::app::words;
use crate::domain::error::Refusal;
use crate::domain::event::Event;
use crate::domain::filter::SyncFilter;
use crate::domain::refund::{FindingWord, RefundStatus};
use crate::server::refunds::records;

/// One page of the syncs of an app's refunds. The cells stand in the order of the page's columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, Trouble> {
    let filter = filter(caller, query)?;
    let (app, app_id) = (&caller.app, &caller.merchant.app_id);
    let page = records::syncs(app, app_id, &filter, &query.place()?).await?;
    let of = |changed| SyncFilter {
        changed,
        ..filter.clone()
    };
    let all = records::count_syncs(app, app_id, &of(false)).await?;
    let changed = records::count_syncs(app, app_id, &of(true)).await?;
    let row = |event: Event| {
        let after = event.after.as_ref().filter(|_| event.changed());
        let after = after.and_then(|word| word.parse::<RefundStatus>().ok());
        vec![
            Cell::Number {
                href: app_path(app_id, &format!("refunds/{}", escape(&event.number))),
                number: event.number,
            },
            Cell::Short(words::actor(&event.actor, caller.lang)),
            event.finding.map_or(Cell::Nothing, |finding| {
                let (tone, _) = caller.state(&finding);
                Cell::States(vec![(tone, words::finding_alone(finding, caller.lang))])
            }),
            after.map_or(Cell::Nothing, |status| caller.states([&status])),
            event.said.map_or(Cell::Nothing, Cell::Said),
            Cell::Time(caller.stamp(event.at)),
        ]
    };
    let chips = vec![
        chip(caller, "changed", "", words::ALL, None, all),
        chip(
            caller,
            "changed",
            "1",
            words::CHANGED,
            Some(Tone::Part),
            changed,
        ),
    ];
    Ok(lists::view(caller, page, row, chips))
}

fn filter(caller: &Caller, query: &Query) -> Result<SyncFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(SyncFilter {
        number: query.text("q")?,
        finding: query.word("finding", FindingWord::ALL)?,
        changed: flag(query, "changed")?,
        from,
        to,
    })
}
