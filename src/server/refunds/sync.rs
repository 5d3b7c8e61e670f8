//! Asking the channel for a refund's true state, and submitting again what it never saw.

use super::issue::Reserved;
use super::settle::{busy_until, hear, in_time, settle, submit, to_the_end};
use super::{current, event, find, store_next};
use crate::domain::error::Refusal;
use crate::domain::event::{Actor, EventKind};
use crate::domain::merchant::MerchantApp;
use crate::domain::order::Order;
use crate::domain::refund::{Evidence, Finding, FindingWord, Refund, RefundKey, Source};
use crate::domain::time::Millis;
use crate::server::app::App;
use crate::server::channel::{Answer, Gate};
use crate::server::error::Result;
use crate::server::{breakers, store};

/// What a sync of a refund found.
#[derive(Clone, Debug)]
pub struct RefundSync {
    pub refund: Refund,
    /// What the channel said, in a word.
    pub finding: FindingWord,
    /// Whether our state was changed by it.
    pub changed: bool,
    /// Whether it was submitted again, the channel never having seen it.
    pub resubmitted: bool,
    /// What the channel said, word for word.
    pub said: String,
}

/// Asks the channel for a refund's true state, settles ours to it, and submits the refund again
/// where the channel never saw it.
///
/// # Errors
/// [`Refusal::SyncUnderWay`] while it is being synced or submitted.
#[tracing::instrument(level = "debug", skip_all, fields(app = merchant.app_id))]
pub async fn sync(
    app: &App,
    merchant: &MerchantApp,
    key: &RefundKey,
    actor: Actor,
) -> Result<RefundSync> {
    let (whole, merchant, key) = (app.clone(), merchant.clone(), key.clone());
    to_the_end(
        app,
        async move { sync_it(&whole, &merchant, &key, actor).await },
    )
    .await
}

async fn sync_it(
    app: &App,
    merchant: &MerchantApp,
    key: &RefundKey,
    actor: Actor,
) -> Result<RefundSync> {
    let (refund, order) = find(app, merchant, key).await?;
    app.channels.gate(refund.channel)?;
    let refund = claim(app, refund).await?.ok_or(Refusal::SyncUnderWay)?;
    sync_claimed(app, merchant, order, refund, actor).await
}

/// Claims a refund, so that nothing else is begun with it; tells how it stands then. `None`: something
/// is under way with it.
pub(super) async fn claim(app: &App, refund: Refund) -> Result<Option<Refund>> {
    let now = app.clock.now();
    let until = busy_until(app, now);
    app.db
        .write(move |conn| {
            let refund = refund.clone();
            Box::pin(async move {
                if !store::refund::claim(conn, &refund.app_id, &refund.refund_no, now, until)
                    .await?
                {
                    return Ok(None);
                }
                current(conn, &refund).await.map(Some)
            })
        })
        .await
}

/// The sync of a refund that was claimed.
pub(super) async fn sync_claimed(
    app: &App,
    merchant: &MerchantApp,
    order: Order,
    refund: Refund,
    actor: Actor,
) -> Result<RefundSync> {
    let sync = ask(app, merchant, &order, refund, actor).await?;
    let never_seen =
        sync.finding == FindingWord::NotFound && sync.refund.holds() && !sync.refund.acknowledged;
    if !never_seen {
        return Ok(sync);
    }
    let refund = resubmit(app, merchant, order, sync.refund).await?;
    Ok(RefundSync {
        changed: sync.changed || !refund.holds(),
        resubmitted: true,
        refund,
        ..sync
    })
}

/// Asks the channel for a refund that was claimed, and settles it by the answer.
pub(super) async fn ask(
    app: &App,
    merchant: &MerchantApp,
    order: &Order,
    refund: Refund,
    actor: Actor,
) -> Result<RefundSync> {
    let gate = app.channels.gate(refund.channel)?;
    let asked_at = app.clock.now();
    let answer = gate.query_refund(merchant, order, &refund);
    let answer = in_time(app, &refund, "query", answer).await;
    let lane = (refund.app_id.clone(), refund.channel);
    hear(match answer.finding {
        Finding::Unknown { .. } => breakers::unanswered(app, &lane, &answer.said).await,
        _ => breakers::answered(app, &lane).await,
    });
    let answer = not_yet_visible(gate, &refund, asked_at, answer);
    let finding = answer.finding.word();
    let evidence = Evidence {
        source: Source::Sync,
        attempt: refund.attempt,
        finding: answer.finding,
        at: asked_at,
    };
    let before = refund.status;
    let refund = settle(app, refund, evidence, actor, &answer.said).await?;
    Ok(RefundSync {
        changed: refund.status != before,
        finding,
        resubmitted: false,
        said: answer.said,
        refund,
    })
}

/// So soon after a submission only good news is news, whatever it was answered with: "not found" may
/// mean "not yet", and a refusal may be that of an earlier submission.
fn not_yet_visible(
    gate: &dyn Gate,
    refund: &Refund,
    asked_at: Millis,
    answer: Answer<Finding>,
) -> Answer<Finding> {
    let delay = i64::try_from(gate.visibility_delay().as_millis()).unwrap_or(i64::MAX);
    let too_soon = asked_at < refund.submitted_at.plus_ms(delay);
    match answer.finding {
        Finding::NotFound | Finding::Fail { .. } | Finding::Close { .. } if too_soon => {
            let why = format!(
                "{}, but so soon after the submission",
                answer.finding.word()
            );
            Answer {
                finding: Finding::Unknown { why },
                ..answer
            }
        }
        _ => answer,
    }
}

/// Submits a refund that the channel never saw, under the same number.
async fn resubmit(
    app: &App,
    merchant: &MerchantApp,
    order: Order,
    refund: Refund,
) -> Result<Refund> {
    let now = app.clock.now();
    let busy_until = busy_until(app, now);
    let submitted = app
        .db
        .write(move |conn| {
            let refund = refund.clone();
            Box::pin(async move {
                let current = current(conn, &refund).await?;
                let taken_up = current.attempt != refund.attempt || current.busy_until > now;
                if !current.holds() || current.acknowledged || taken_up {
                    return Ok(Reserved::Known(Box::new(current)));
                }
                let next = Refund {
                    busy_until,
                    version: current.version + 1,
                    ..current.submitted_again(now)
                };
                store_next(conn, &next).await?;
                store::event::insert(
                    conn,
                    &event(&next, EventKind::Resubmitted, Actor::System, now),
                )
                .await?;
                Ok(Reserved::New(Box::new(next)))
            })
        })
        .await?;
    match submitted {
        Reserved::New(refund) => submit(app, merchant, order, *refund).await,
        Reserved::Known(refund) => Ok(*refund),
        Reserved::Refused(refusal) => Err(refusal.into()),
    }
}
