//! What the pages of orders are given.

use super::caller::Caller;
use super::times;
use crate::app::query::Query;
use crate::app::rpc::Trouble;
use crate::app::rpc::orders::{OrderList, OrderRow};
use crate::domain::error::{Reason, Refusal};
use crate::domain::filter::{OrderFilter, Page};
use crate::domain::order::{Channel, OrderStatus, RefundSide};
use crate::domain::time::Millis;
use crate::server::orders;

/// One page of an app's orders.
pub async fn list(app_id: &str, query: &str) -> Result<OrderList, Trouble> {
    let caller = Caller::viewer(app_id).await?;
    let query = Query::parse(query);
    let filter = filter(&caller, &query)?;
    let page = orders::list(&caller.app, app_id, &filter, &query.place()?).await?;
    let rows = page
        .rows
        .into_iter()
        .map(|order| OrderRow {
            created: caller.stamp(order.created_at),
            order,
        })
        .collect();
    Ok(OrderList {
        page: Page {
            rows,
            count: page.count,
            before: page.before,
            after: page.after,
            too_many: page.too_many,
        },
        zone: caller.zone_name(),
        days: times::days(caller.now(), caller.zone()),
    })
}

fn filter(caller: &Caller, query: &Query) -> Result<OrderFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(OrderFilter {
        number: query.text("q")?,
        title: query.text("title")?,
        channel: query.word("channel", Channel::ALL)?,
        status: query.word("status", OrderStatus::ALL)?,
        refund_side: query.word("refund", RefundSide::ALL)?,
        amount_min: query.amount("min")?,
        amount_max: query.amount("max")?,
        from,
        to,
        sort: query.sort()?,
    })
}

/// The range of time of a list: from the beginning of `from` to the end of `to`.
pub fn range(caller: &Caller, query: &Query) -> Result<(Option<Millis>, Option<Millis>), Refusal> {
    let not_a_time = |name: &'static str| move || Refusal::field(name, Reason::NotATime);
    let from = query
        .local_time("from")?
        .map(|typed| times::begin(typed, caller.zone()).ok_or_else(not_a_time("from")))
        .transpose()?;
    let to = query
        .local_time("to")?
        .map(|typed| times::end(typed, caller.zone()).ok_or_else(not_a_time("to")))
        .transpose()?;
    Ok((from, to))
}
