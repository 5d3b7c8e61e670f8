//! What the list pages are given.

use super::caller::{Caller, is_page, page_address, redirect};
use super::{orders, refunds, times};
use crate::app::query::Query;
use crate::app::rpc::Trouble;
use crate::app::rpc::lists::ListName;
use crate::app::view::{Cell, Chip, ListView};
use crate::domain::filter::Page;

/// One page of an app's list.
pub async fn load(app_id: &str, name: ListName, query: &str) -> Result<ListView, Trouble> {
    let caller = Caller::viewer(app_id).await?;
    let query = Query::parse(query);
    if is_page() {
        shorten(&page_address(), &query);
    }
    match name {
        ListName::Orders => orders::list(&caller, &query).await,
        ListName::Refunds => refunds::list(&caller, &query).await,
    }
}

/// Leads to the same list under a shorter address: a form that is sent without scripts names all its
/// fields, the empty ones too.
fn shorten(address: &str, query: &Query) {
    if let Some((path, given)) = address.split_once('?')
        && given.split('&').any(|pair| pair.ends_with('='))
    {
        redirect(&query.href(path));
    }
}

/// A page as it is shown: each row as its cells, in the order of the page's columns.
pub fn view<T>(
    caller: &Caller,
    page: Page<T>,
    row: impl FnMut(T) -> Vec<Cell>,
    chips: Vec<Chip>,
) -> ListView {
    ListView {
        count: page.count,
        chips,
        rows: page.rows.into_iter().map(row).collect(),
        before: page.before.map(|cursor| cursor.to_string()),
        after: page.after.map(|cursor| cursor.to_string()),
        too_many: page.too_many,
        zone: caller.zone_name(),
        days: times::days(caller.now(), caller.zone()),
    }
}
