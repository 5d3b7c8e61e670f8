//! The data of the list pages.

use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{ApiError, Cell, Chip, ListName, ListView, State, Tone};
use crate::domain::error::{Reason, Refusal};
use crate::domain::filter::{Count, Page};
use crate::domain::lang::Text;
use crate::domain::people::Permission;
use crate::server::desk::caller::{Caller, is_page, page_address, redirect};
use crate::server::desk::{audit, callbacks, notices, orders, refunds, review_queue, syncs, times};

/// Makes one page of an app's list.
pub async fn load(app_id: &str, name: ListName, query: &str) -> Result<ListView, ApiError> {
    let permission = match name {
        ListName::Audit => Permission::ReadAudit,
        _ => Permission::View,
    };
    let caller = Caller::of(app_id, permission).await?;
    let query = Query::parse(query);
    if is_page() {
        drop_empty_parameters(&page_address(), &query);
    }
    match name {
        ListName::Orders => orders::list(&caller, &query).await,
        ListName::Refunds => refunds::list(&caller, &query).await,
        ListName::ReviewQueue => review_queue::list(&caller, &query).await,
        ListName::Notices => notices::list(&caller, &query).await,
        ListName::Callbacks => callbacks::list(&caller, &query).await,
        ListName::Syncs => syncs::list(&caller, &query).await,
        ListName::Audit => audit::list(&caller, &query).await,
    }
}

/// Redirects to the same list without its empty parameters. A form that is sent without scripts includes empty fields.
fn drop_empty_parameters(address: &str, query: &Query) {
    if let Some((path, given)) = address.split_once('?')
        && given.split('&').any(|pair| pair.ends_with('='))
    {
        redirect(&query.href(path));
    }
}

/// Makes the view of a page. `row` returns a row's cells in the order of the page's columns.
pub fn view<T>(
    caller: &Caller,
    page: Page<T>,
    row: impl FnMut(T) -> Vec<Cell>,
    chips: Vec<Chip>,
) -> ListView {
    ListView {
        count: page.count,
        remarks: Vec::new(),
        chips,
        rows: page.rows.into_iter().map(row).collect(),
        before: page.before.map(|cursor| cursor.to_string()),
        after: page.after.map(|cursor| cursor.to_string()),
        too_many: page.too_many,
        zone: caller.zone_name(),
        days: times::days(caller.now(), caller.zone()),
    }
}

/// Makes a filter chip.
pub fn chip(
    caller: &Caller,
    name: &str,
    value: &str,
    text: Text,
    tone: Option<Tone>,
    count: Count,
) -> Chip {
    Chip {
        name: name.to_owned(),
        value: value.to_owned(),
        text: text.get(caller.lang).to_owned(),
        tone,
        count,
    }
}

/// Makes a chip for all rows, and one for each state.
pub fn state_chips<S: State>(
    caller: &Caller,
    name: &str,
    counts: Vec<(S, Count)>,
    word: fn(S) -> &'static str,
) -> Vec<Chip> {
    let all = counts
        .iter()
        .fold(Count::default(), |sum, (_, count)| sum + *count);
    let mut chips = vec![chip(caller, name, "", texts::ALL, None, all)];
    chips.extend(counts.into_iter().map(|(state, count)| {
        let (text, tone) = (state.text(), Some(state.tone()));
        chip(caller, name, word(state), text, tone, count)
    }));
    chips
}

/// Reads a flag: a parameter that is either absent or 1.
pub fn flag(query: &Query, name: &'static str) -> Result<bool, Refusal> {
    match query.get(name) {
        "" => Ok(false),
        "1" => Ok(true),
        _ => {
            let allowed = "1".into();
            Err(Refusal::field(name, Reason::NotOneOf { allowed }))
        }
    }
}
