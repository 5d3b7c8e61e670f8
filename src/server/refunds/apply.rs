//! The one door: every transition of a refund is applied here, and nowhere else is a refund written or an
//! order's balance moved. `tests/layers` holds the rest of the house to that.

use crate::domain::audit::Origin;
use crate::domain::error::Refusal;
use crate::domain::merchant::MerchantApp;
use crate::domain::money::Fen;
use crate::domain::movement::{Amounts, Movement, MovementEvidence};
use crate::domain::refund::{Effect, Evidence, Lease, Outcome, Refund, Settlement, Source};
use crate::domain::time::Timestamp;
use crate::server::ctx::Ctx;
use crate::server::db::Conn;
use crate::server::error::{Conflict, Result};
use crate::server::refunds::Cause;
use crate::server::refunds::reload;
use crate::server::store::Write;
use crate::server::{audit, counters, notices, store};

/// Writes a new refund down, within a transaction: holds its amount, and adds the refund, the movement and the
/// first event. Returns false, and writes nothing, where the order is not paid, has not enough left, has not
/// exactly `expected` left where that is given, or where the merchant's number is taken.
pub(super) async fn open(
    conn: &mut Conn,
    refund: &Refund,
    expected: Option<Fen>,
    cause: &Cause,
) -> Result<bool> {
    let change = Amounts {
        held: refund.amount,
        ..Amounts::default()
    };
    let hold = store::order::hold_for_new(refund, expected);
    let mut writes = store::refund::insertion(refund);
    writes.extend(movement(refund, change, cause).map(|held| store::movement::insertion(&held)));
    writes.extend(told(None, refund, cause));
    Ok(store::run_if(conn, hold, writes).await?)
}

/// Applies a transition of a refund that was read in this transaction: stores the refund's next version, moves
/// the order's balance, adds the movement and the event, and enqueues the notice of a state that merchants are
/// told of. Ends the lease `released`, if it is still the last one.
///
/// # Errors
/// [`Conflict`] when the refund has changed since it was read: the transaction begins anew. A check violation
/// where the order has not enough left.
pub(super) async fn apply(
    conn: &mut Conn,
    merchant: &MerchantApp,
    before: &Refund,
    settlement: Settlement,
    cause: &Cause,
    released: Option<&Lease>,
) -> Result<Refund> {
    let change = settlement.change();
    let mut next = Refund {
        version: before.version + 1,
        ..settlement.refund
    };
    if let Some(lease) = released {
        next.submissions.end_lease(lease);
    }
    let mut writes = store::submission::changes(before, &next, released);
    if let Some(movement) = movement(&next, change, cause) {
        let (app_id, order_no) = (&next.app_id, &next.order_no);
        writes.push(store::order::move_balance(app_id, order_no, change));
        writes.push(store::movement::insertion(&movement));
    }
    writes.extend(told(Some(before), &next, cause));
    if !store::run_if(conn, store::refund::update(&next), writes).await? {
        return Err(Conflict.into());
    }
    if settlement.effect == Effect::Changed {
        notices::enqueue(conn, merchant, &next, cause.at).await?;
    }
    Ok(next)
}

/// Makes the writes that tell what happened: the event, and the entry of the audit where somebody decided it.
fn told(before: Option<&Refund>, refund: &Refund, cause: &Cause) -> Vec<Write> {
    let mut writes = vec![store::event::insertion(&cause.event(before, refund))];
    writes.extend(cause.act(before, refund).map(|act| audit::entry(&act)));
    writes
}

/// Returns the movement that this version of a refund brought. `None` where no money moved.
fn movement(refund: &Refund, change: Amounts, cause: &Cause) -> Option<Movement> {
    Movement::of(refund, change, MovementEvidence::of(cause.kind), cause.at)
}

/// Applies a transition that a person or the system decides, in a transaction of its own. `decide` looks at the
/// refund as it is within that transaction, and refuses or returns the transition.
pub(super) async fn decide(
    ctx: &Ctx,
    refund: &Refund,
    cause: Cause,
    decide: impl Fn(&Refund) -> Result<Settlement, Refusal> + Send + Sync + Clone + 'static,
) -> Result<Refund> {
    let merchant = ctx.merchants.of(&refund.app_id).await?;
    let refund = refund.clone();
    let decided = ctx
        .db
        .write(
            (refund, merchant, cause, decide),
            move |conn, (refund, merchant, cause, decide)| {
                Box::pin(async move {
                    let current = reload(conn, &refund).await?;
                    match decide(&current) {
                        Err(refusal) => Ok(Err(refusal)),
                        Ok(settlement) => {
                            apply(conn, &merchant, &current, settlement, &cause, None)
                                .await
                                .map(Ok)
                        }
                    }
                })
            },
        )
        .await?;
    Ok(decided?)
}

/// Applies evidence, in a transaction of its own. Idempotent, and indifferent to the order in which evidence
/// arrives: the evidence is weighed against the refund as it is within the transaction. Ends the lease
/// `released`.
pub(super) async fn settle(
    ctx: &Ctx,
    known: &Refund,
    evidence: Evidence,
    actor: impl Into<Origin>,
    said: &str,
    released: Option<Lease>,
) -> Result<Refund> {
    let now = ctx.clock.now();
    let recheck_ms = ctx.config.recheck_after_ms;
    let merchant = ctx.merchants.of(&known.app_id).await?;
    let cause = Cause::of_evidence(&evidence, actor, now, said);
    let (settled, changed) = ctx
        .db
        .write(
            (known.clone(), evidence, merchant, cause, released),
            move |conn, (mut current, evidence, merchant, cause, released)| {
                Box::pin(async move {
                    let said = cause.said.clone().unwrap_or_default();
                    // The refund as last seen is mostly still the refund as it is: a version that has changed is
                    // found out by the update, and only then is it read again.
                    loop {
                        let left = match current.holds() {
                            true => Fen::ZERO,
                            false => refundable(conn, &current).await?,
                        };
                        let mut settlement = current.settle(left, &evidence);
                        let changed = settlement.effect == Effect::Changed;
                        let next = &mut settlement.refund;
                        let due = next.due_after(&evidence, changed, now, recheck_ms);
                        next.submissions.be_due(due);
                        if evidence.source == Source::Answer {
                            next.submissions.keep_answer(evidence.attempt, &said, now);
                        }
                        let released = released.as_ref();
                        match apply(conn, &merchant, &current, settlement, &cause, released).await {
                            Ok(settled) => return Ok((settled, changed)),
                            Err(error) if error.is_conflict() => {
                                current = reload(conn, &current).await?;
                            }
                            Err(error) => return Err(error),
                        }
                    }
                })
            },
        )
        .await?;
    if changed && !settled.holds() {
        counters::settled(settled.channel, settled.status);
    }
    Ok(settled)
}

/// Returns what the refund's order has left, within a transaction.
pub(super) async fn refundable(conn: &mut Conn, refund: &Refund) -> Result<Fen> {
    let order = store::order::get(conn, &refund.app_id, &refund.order_no).await?;
    Ok(order.map_or(Fen::ZERO, |order| order.refundable()))
}

/// Begins a submission of a refund that `lease` is on, within a transaction: the one that waits, or another of the
/// same number. Makes the lease last until `until`. `None`: the lease was lost, the refund was submitted or settled
/// meanwhile or awaits an approval, and nothing was written.
pub(super) async fn begin_submission(
    conn: &mut Conn,
    merchant: &MerchantApp,
    known: &Refund,
    lease: &Lease,
    until: Timestamp,
    cause: &Cause,
) -> Result<Option<Refund>> {
    let current = reload(conn, known).await?;
    let submissions = &current.submissions;
    let as_known = submissions.count() == known.submissions.count()
        && submissions.unresolved() == 0
        && !submissions.acknowledged()
        && !current.awaits_approval();
    let extended = store::submission::extend_lease(conn, lease, until);
    if !current.holds() || !as_known || !extended.await? {
        return Ok(None);
    }
    let mut settlement = current.submitted(cause.at);
    settlement.refund.submissions.keep_lease(until);
    apply(conn, merchant, &current, settlement, cause, None)
        .await
        .map(Some)
}

/// Returns an outcome that leaves everything open.
pub(super) fn unknown(why: impl Into<String>) -> Outcome {
    Outcome::Unknown { why: why.into() }
}
