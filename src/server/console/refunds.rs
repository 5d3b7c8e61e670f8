//! What the pages of refunds are given, and what their buttons do.

use super::caller::{Caller, redirect};
use super::orders::range;
use super::times;
use crate::app::components::app_path;
use crate::app::query::{Query, escape};
use crate::app::rpc::Trouble;
use crate::app::rpc::refunds::{RefundLine, RefundList, RefundView};
use crate::domain::error::{Reason, Refusal};
use crate::domain::filter::{Count, Page, RefundFilter};
use crate::domain::order::{Channel, Order};
use crate::domain::refund::{Refund, RefundKey, RefundStatus};
use crate::server::error::Error;
use crate::server::refunds;

/// One page of an app's refunds, and how many there are of each state.
pub async fn list(app_id: &str, query: &str) -> Result<RefundList, Trouble> {
    let caller = Caller::viewer(app_id).await?;
    let query = Query::parse(query);
    let filter = filter(&caller, &query)?;
    let page = refunds::list(&caller.app, app_id, &filter, &query.place()?).await?;
    let counts = refunds::counts(&caller.app, app_id, &filter).await?;
    let raised = RefundFilter {
        attention: true,
        ..filter.clone()
    };
    let raised = refunds::counts(&caller.app, app_id, &raised).await?;
    let attention = raised
        .into_iter()
        .filter(|(status, _)| filter.status.is_none_or(|wanted| wanted == *status))
        .fold(Count::default(), |sum, (_, count)| sum + count);
    let rows = page
        .rows
        .into_iter()
        .map(|row| RefundLine {
            created: caller.stamp(row.refund.created_at),
            row,
        })
        .collect();
    Ok(RefundList {
        page: Page {
            rows,
            count: page.count,
            before: page.before,
            after: page.after,
            too_many: page.too_many,
        },
        counts,
        attention,
        zone: caller.zone_name(),
        days: times::days(caller.now(), caller.zone()),
    })
}

fn filter(caller: &Caller, query: &Query) -> Result<RefundFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(RefundFilter {
        number: query.text("q")?,
        title: query.text("title")?,
        channel: query.word("channel", Channel::ALL)?,
        status: query.word("status", RefundStatus::ALL)?,
        attention: attention(query)?,
        amount_min: query.amount("min")?,
        amount_max: query.amount("max")?,
        from,
        to,
        sort: query.sort()?,
    })
}

/// Whether only what a person has to look at is wanted.
fn attention(query: &Query) -> Result<bool, Refusal> {
    match query.get("attention") {
        "" => Ok(false),
        "1" => Ok(true),
        _ => {
            let allowed = "1".into();
            Err(Refusal::field("attention", Reason::NotOneOf { allowed }))
        }
    }
}

/// A refund with everything that belongs to it.
pub async fn load(app_id: &str, refund_no: &str) -> Result<RefundView, Trouble> {
    let caller = Caller::viewer(app_id).await?;
    let (refund, order) = refunds::find(&caller.app, &caller.merchant, &key(refund_no)).await?;
    view(&caller, refund, order).await
}

/// The refund, unless it is still of that version.
pub async fn news(
    app_id: &str,
    refund_no: &str,
    version: i64,
) -> Result<Option<Box<RefundView>>, Trouble> {
    let caller = Caller::viewer(app_id).await?;
    let (refund, order) = refunds::find(&caller.app, &caller.merchant, &key(refund_no)).await?;
    if refund.version == version {
        return Ok(None);
    }
    Ok(Some(Box::new(view(&caller, refund, order).await?)))
}

async fn view(caller: &Caller, refund: Refund, order: Order) -> Result<RefundView, Trouble> {
    let events = refunds::timeline(&caller.app, &refund.app_id, &refund.refund_no).await?;
    Ok(RefundView {
        created: caller.stamp(refund.created_at),
        submitted: caller.stamp(refund.submitted_at),
        finished: refund.finished_at.map(|at| caller.stamp(at)),
        zone: caller.zone_name(),
        timeline: caller.entries(events),
        may_move_money: caller.operator.role.moves_money(),
        refund,
        order,
    })
}

/// Asks the channel for a refund's true state, and leads back to the refund.
pub async fn sync(app_id: &str, refund_no: &str, since: i64) -> Result<(), Trouble> {
    let caller = Caller::mover(app_id).await?;
    let key = key(refund_no);
    refunds::sync(&caller.app, &caller.merchant, &key, caller.actor()).await?;
    lead_back(app_id, refund_no, since);
    Ok(())
}

/// Submits a failed refund again, and leads back to it. A second press does nothing.
pub async fn retry(app_id: &str, refund_no: &str, since: i64, attempt: i64) -> Result<(), Trouble> {
    let caller = Caller::mover(app_id).await?;
    let (app, merchant, actor) = (&caller.app, &caller.merchant, caller.actor());
    refunds::retry(app, merchant, refund_no, Some(attempt), actor).await?;
    lead_back(app_id, refund_no, since);
    Ok(())
}

/// Closes a failed refund, and leads back to it. A second press does nothing.
pub async fn close(app_id: &str, refund_no: &str, since: i64) -> Result<(), Trouble> {
    let caller = Caller::mover(app_id).await?;
    let (app, merchant, actor) = (&caller.app, &caller.merchant, caller.actor());
    match refunds::close(app, merchant, refund_no, actor).await {
        Ok(_) => {}
        Err(Error::Refused(Refusal::WrongState { status }))
            if status == RefundStatus::Close.word() => {}
        Err(error) => return Err(error.into()),
    }
    lead_back(app_id, refund_no, since);
    Ok(())
}

fn lead_back(app_id: &str, refund_no: &str, since: i64) {
    let page = app_path(app_id, &format!("refunds/{}", escape(refund_no)));
    redirect(&format!("{page}?since={since}"));
}

fn key(refund_no: &str) -> RefundKey {
    RefundKey::RefundNo(refund_no.to_owned())
}
