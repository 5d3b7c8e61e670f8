//! Makes the data of the pages of refunds, and runs their actions.

use std::ops::Add;

use crate::console::paths::{app_path, escape};
use crate::console::texts;
use crate::console::view::query::Query;
use crate::console::view::{
    AllowedActions, ApiError, Cell, Chip, Link, ListView, RefundView, State, Tone,
};
use crate::domain::breaker::Breaker;
use crate::domain::error::{Reason, Refusal};
use crate::domain::event::{Actor, EventKind, last_word};
use crate::domain::filter::{Count, RefundFilter};
use crate::domain::lang::{Lang, Text};
use crate::domain::money::Fen;
use crate::domain::movement::Amounts;
use crate::domain::order::{Channel, Order};
use crate::domain::people::Permission;
use crate::domain::refund::{Booking, OutcomeKind, Refund, RefundKey, RefundRow, RefundStatus};
use crate::server::desk;
use crate::server::desk::accounts::Accounts;
use crate::server::desk::caller::{Caller, redirect};
use crate::server::desk::lists;
use crate::server::desk::orders::range;
use crate::server::error::Error;
use crate::server::refunds::{BookingRequest, records};
use crate::server::{notices, outbound, refunds};

/// Makes one page of an app's refunds, with the number of refunds in each state. The cells stand in the order of the
/// page's columns.
pub async fn list(caller: &Caller, query: &Query) -> Result<ListView, ApiError> {
    let filter = filter(caller, query)?;
    let app_id = &caller.merchant.app_id;
    let page = refunds::list(&caller.ctx, app_id, &filter, &query.place()?).await?;
    let accounts = Accounts::read(caller).await?;
    let counts = refunds::counts(&caller.ctx, app_id, &filter).await?;
    let raised = RefundFilter {
        review_reason: true,
        ..filter.clone()
    };
    let raised = refunds::counts(&caller.ctx, app_id, &raised).await?;
    let row = |RefundRow {
                   refund,
                   biz_order_no,
                   title,
               }| {
        let href = app_path(app_id, &format!("refunds/{}", escape(&refund.refund_no)));
        let number = refund.refund_no;
        let mut states = vec![caller.state(&refund.status)];
        let review_reason = refund.review_reason.map(texts::review_reason);
        states.extend(review_reason.map(|text| (Tone::Alert, text.get(caller.lang).to_owned())));
        vec![
            Cell::Number { number, href },
            Cell::Code(refund.biz_refund_no),
            Cell::Code(biz_order_no),
            Cell::Long(title),
            accounts.cell(caller, refund.channel, &refund.account_id),
            Cell::Money(refund.amount),
            Cell::States(states),
            Cell::Time(caller.stamp(refund.created_at)),
        ]
    };
    let chips = chips(caller.lang, counts, raised, filter.status);
    Ok(lists::view(caller, page, row, chips))
}

/// Makes a chip for each state, and one for the refunds to review in the list's state.
fn chips(
    lang: Lang,
    counts: Vec<(RefundStatus, Count)>,
    raised: Vec<(RefundStatus, Count)>,
    wanted: Option<RefundStatus>,
) -> Vec<Chip> {
    let chip = |name: &str, value: &str, text: Text, tone, count| Chip {
        name: name.to_owned(),
        value: value.to_owned(),
        text: text.get(lang).to_owned(),
        tone,
        count,
    };
    let sum = |counts: &mut dyn Iterator<Item = Count>| counts.fold(Count::default(), Add::add);
    let all = sum(&mut counts.iter().map(|(_, count)| *count));
    let raised = raised
        .into_iter()
        .filter(|(status, _)| wanted.is_none_or(|wanted| wanted == *status));
    let review_reason = sum(&mut raised.map(|(_, count)| count));
    let states = counts.into_iter().map(|(status, count)| {
        let tone = Some(status.tone());
        chip("status", status.as_str(), status.text(), tone, count)
    });
    let needs_person = texts::NEEDS_PERSON;
    [chip("status", "", texts::ALL, None, all)]
        .into_iter()
        .chain(states)
        .chain([chip(
            "review",
            "1",
            needs_person,
            Some(Tone::Alert),
            review_reason,
        )])
        .collect()
}

/// Reads the filter of the list.
fn filter(caller: &Caller, query: &Query) -> Result<RefundFilter, Refusal> {
    let (from, to) = range(caller, query)?;
    Ok(RefundFilter {
        number: query.text("q")?,
        title: query.text("title")?,
        channel: query.word("channel", Channel::ALL)?,
        status: query.word("status", RefundStatus::ALL)?,
        review_reason: lists::flag(query, "review")?,
        amount_min: query.amount("min")?,
        amount_max: query.amount("max")?,
        from,
        to,
        sort: query.sort()?,
    })
}

/// Makes the data of a refund's page.
pub async fn load(app_id: &str, refund_no: &str) -> Result<RefundView, ApiError> {
    let caller = Caller::of(app_id, Permission::View).await?;
    let (refund, order) = refunds::find(&caller.ctx, &caller.merchant, &key(refund_no)).await?;
    view(&caller, refund, order).await
}

/// Makes the data of a refund's page, or `None` where the refund is still at that version.
pub async fn if_changed(
    app_id: &str,
    refund_no: &str,
    version: i64,
) -> Result<Option<RefundView>, ApiError> {
    let caller = Caller::of(app_id, Permission::View).await?;
    let (refund, order) = refunds::find(&caller.ctx, &caller.merchant, &key(refund_no)).await?;
    if refund.version == version {
        return Ok(None);
    }
    Ok(Some(view(&caller, refund, order).await?))
}

/// Makes the page's data from the refund and its order.
async fn view(caller: &Caller, refund: Refund, order: Order) -> Result<RefundView, ApiError> {
    let events = refunds::timeline(&caller.ctx, &refund.app_id, &refund.refund_no).await?;
    let heard = events.iter().find_map(|event| event.outcome);
    let booked = refunds::booked(&caller.ctx, &refund).await?;
    let book = refunds::preview(&refund, order.refundable(), booked)
        .filter(|(booking, _)| booking.agrees_with(last_word(&events)));
    let allowed = caller
        .may(Permission::MoveMoney)
        .then(|| allowed(caller, &refund, &order, heard, book));
    let accounts = Accounts::read(caller).await?;
    Ok(RefundView {
        test_mode: accounts.is_test(&refund.account_id),
        created: caller.stamp(refund.created_at),
        submitted: caller.stamp(refund.submitted_at()),
        finished: refund.finish_time().map(|at| caller.stamp(at)),
        zone: caller.zone_name(),
        timeline: caller.entries(events),
        more: more(caller, &refund, booked.overpaid).await?,
        allowed,
        refund: Refund {
            notify_url: refund.notify_url.as_deref().map(outbound::shown),
            ..refund
        },
        order,
    })
}

/// Returns the actions that are safe in the refund's present state. `heard`: the channel's last outcome; `book`: the
/// booking that a person can make.
fn allowed(
    caller: &Caller,
    refund: &Refund,
    order: &Order,
    heard: Option<OutcomeKind>,
    book: Option<(Booking, Amounts)>,
) -> AllowedActions {
    let raised = refund.review_reason.is_some();
    let failed = refund.status == RefundStatus::Fail && !raised;
    let unknown = refund.holds() && heard == Some(OutcomeKind::NotFound);
    AllowedActions {
        retry: failed && order.refundable() >= refund.amount,
        close: failed || unknown,
        review: raised && !refund.reviewed && !refund.holds() && caller.may(Permission::Review),
        book: book.filter(|_| caller.may(Permission::Review)),
    }
}

/// Makes the facts that do not come from the refund itself. `overpaid` is the part of its amount that is overpaid.
async fn more(
    caller: &Caller,
    refund: &Refund,
    overpaid: Fen,
) -> Result<Vec<(String, Cell)>, ApiError> {
    let (
        ctx,
        Refund {
            app_id, refund_no, ..
        },
    ) = (&caller.ctx, refund);
    let text = |text: Text| text.get(caller.lang).to_owned();
    let breakers = ctx.channels.breakers.all().await?;
    let notices = notices::of_refund(ctx, app_id, refund_no).await?;
    let callbacks = records::callbacks_of(ctx, app_id, refund_no).await?;
    let link = |href: String, state: &dyn State| Link {
        href,
        text: state.text().get(caller.lang).to_owned(),
        tone: Some(state.tone()),
    };
    let notices = notices.iter().map(|notice| {
        link(
            crate::server::desk::notices::address(&notice.key),
            &notice.state,
        )
    });
    let callbacks = callbacks.iter().map(|row| {
        link(
            crate::server::desk::callbacks::address(app_id, &row.callback_no),
            &row.verdict,
        )
    });
    let links = |links: Vec<Link>| match links.is_empty() {
        true => Cell::Nothing,
        false => Cell::Links(links),
    };
    let mut more = vec![
        (
            text(texts::NEXT_PROBE),
            next_probe(caller, refund, &breakers),
        ),
        (text(texts::NOTICES), links(notices.collect())),
        (text(texts::CALLBACKS), links(callbacks.collect())),
    ];
    if refund.holds() {
        let opened = Cell::Time(caller.stamp(refund.opened_at));
        more.insert(0, (text(texts::OPENED), opened));
    }
    if overpaid > Fen::ZERO {
        more.push((text(texts::OVERPAID_OF_REFUND), Cell::Money(overpaid)));
    }
    if refund.review_reason.is_some() {
        let reviewed = match refund.reviewed {
            true => texts::REVIEWED,
            false => texts::NOT_REVIEWED,
        };
        more.push((text(texts::REVIEW_STATE), Cell::Short(text(reviewed))));
    }
    Ok(more)
}

/// Makes the cell with the time of the next automatic sync.
pub fn next_probe(caller: &Caller, refund: &Refund, breakers: &[Breaker]) -> Cell {
    let Some(at) = refund.due_at() else {
        return Cell::Nothing;
    };
    let silent = breakers
        .iter()
        .find(|breaker| breaker.account_id == refund.account_id);
    if let Some(breaker) = silent.filter(|_| refund.holds()) {
        let probe = caller.stamp(breaker.probe_at.max(at)).local;
        return Cell::Short(texts::probed_then(&probe, caller.lang));
    }
    let next = caller.stamp(at);
    match next.ago_s >= 0 {
        true => Cell::Short(texts::DUE_NOW.get(caller.lang).to_owned()),
        false => Cell::Ago(next),
    }
}

/// Asks the channel for a refund's true state, and redirects to the refund.
pub async fn sync(app_id: &str, refund_no: &str, since: i64) -> Result<(), ApiError> {
    let caller = Caller::of(app_id, Permission::MoveMoney).await?;
    let key = key(refund_no);
    refunds::sync(&caller.ctx, &caller.merchant, &key, caller.actor()).await?;
    redirect_to_refund(app_id, refund_no, since);
    Ok(())
}

/// Submits a failed refund again, and redirects to it. A second press does nothing.
pub async fn retry(
    app_id: &str,
    refund_no: &str,
    since: i64,
    attempt: i64,
) -> Result<(), ApiError> {
    let caller = Caller::of(app_id, Permission::MoveMoney).await?;
    let (ctx, merchant, actor) = (&caller.ctx, &caller.merchant, caller.actor());
    refunds::retry(ctx, merchant, refund_no, Some(attempt), actor).await?;
    redirect_to_refund(app_id, refund_no, since);
    Ok(())
}

/// Closes a failed refund, or a refund in progress that its channel, asked now, does not know. Redirects to the
/// refund. A second press does nothing.
pub async fn close(app_id: &str, refund_no: &str, since: i64) -> Result<(), ApiError> {
    let caller = Caller::of(app_id, Permission::MoveMoney).await?;
    let (ctx, merchant, actor) = (&caller.ctx, &caller.merchant, caller.actor());
    match refunds::close(ctx, merchant, refund_no, actor).await {
        Ok(_) => {}
        Err(Error::Refused(Refusal::WrongState { status }))
            if status == RefundStatus::Close.as_str() => {}
        Err(error) => return Err(error.into()),
    }
    redirect_to_refund(app_id, refund_no, since);
    Ok(())
}

/// Marks a raised refund as reviewed, and redirects to it. A second press does nothing.
pub async fn review(
    app_id: &str,
    refund_no: &str,
    since: i64,
    remark: &str,
) -> Result<(), ApiError> {
    let caller = Caller::of(app_id, Permission::Review).await?;
    let remark = desk::remark("remark", remark)?;
    let (ctx, merchant) = (&caller.ctx, &caller.merchant);
    let (refund, _) = refunds::find(ctx, merchant, &key(refund_no)).await?;
    if !refund.reviewed {
        refunds::review(ctx, merchant, refund_no, since, remark, caller.actor()).await?;
    }
    redirect_to_refund(app_id, refund_no, since);
    Ok(())
}

/// Stores an operator's booking of a refund, and redirects to the refund. `refundable`: the order's refundable amount
/// that the page showed, in fen. A second press does nothing.
pub async fn book(
    app_id: &str,
    refund_no: &str,
    since: i64,
    refundable: i64,
    booking: &str,
    remark: &str,
) -> Result<(), ApiError> {
    let caller = Caller::of(app_id, Permission::MoveMoney).await?;
    if !caller.may(Permission::Review) {
        return Err(Refusal::Forbidden.into());
    }
    let allowed = Booking::ALL.iter().map(|booking| booking.as_str());
    let allowed = allowed.collect::<Vec<_>>().join(", ").into();
    let booking = booking
        .parse()
        .map_err(|_| Refusal::field("booking", Reason::NotOneOf { allowed }))?;
    let remark = desk::needed_remark("remark", remark)?;
    let request = BookingRequest {
        booking,
        version: since,
        refundable: Fen(refundable),
        remark: remark.to_owned(),
    };
    let (ctx, merchant, actor) = (&caller.ctx, &caller.merchant, caller.actor());
    match refunds::book(ctx, merchant, refund_no, request, actor.clone()).await {
        Ok(_) => {}
        Err(Error::Refused(Refusal::WrongState { .. }))
            if booked_just_then(&caller, refund_no, since, &actor.actor).await? => {}
        Err(error) => return Err(error.into()),
    }
    redirect_to_refund(app_id, refund_no, since);
    Ok(())
}

/// Returns true where the event after version `since` is a booking by this operator: the first press of two.
async fn booked_just_then(
    caller: &Caller,
    refund_no: &str,
    since: i64,
    actor: &Actor,
) -> Result<bool, Error> {
    let app_id = &caller.merchant.app_id;
    let events = refunds::timeline(&caller.ctx, app_id, refund_no).await?;
    Ok(events.iter().any(|event| {
        event.seq == since.saturating_add(1)
            && event.kind == EventKind::Booked
            && event.actor == *actor
    }))
}

/// Redirects to a refund. The page shows the events after version `since`.
fn redirect_to_refund(app_id: &str, refund_no: &str, since: i64) {
    let page = app_path(app_id, &format!("refunds/{}", escape(refund_no)));
    redirect(&format!("{page}?since={since}"));
}

fn key(refund_no: &str) -> RefundKey {
    RefundKey::RefundNo(refund_no.to_owned())
}
