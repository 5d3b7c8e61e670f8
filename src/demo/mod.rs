//! The demonstration: a server on a loopback address, with a month of a small tea merchant's orders and refunds, and
//! the sandbox for trying every action.

mod data;
mod messages;
mod plan;
mod story;

use crate::domain::people::{Account, Grant, Role};
use crate::server::audit;
use crate::server::config::Config;
use crate::server::ctx::Ctx;
use crate::server::error::Error;
use crate::server::merchants;
use crate::server::people::{DEMO_HASH, DEMO_PASSWORD};
use crate::server::run::serve;
use crate::server::run::serve::{ServeError, Stop};
use crate::server::store;
use crate::server::watch::telemetry;

pub use data::{APP_ID, SECRET, accounts, merchant};

/// The name of the demonstration's administrator.
pub const ADMIN: &str = "admin";

/// Serves the demonstration until it is stopped. Where no database is named, it makes one in a temporary folder, which
/// is removed afterwards.
///
/// # Errors
/// Fails where the address is not a loopback one or is taken, the database cannot be opened, or it holds other data
/// than a demonstration's.
pub async fn demo(mut config: Config) -> Result<(), ServeError> {
    for address in [Some(config.listen), config.metrics_listen]
        .into_iter()
        .flatten()
    {
        if !address.ip().is_loopback() {
            return Err(ServeError::NotLoopback(address));
        }
    }
    // A demonstration has no load balancer that would need time to turn requests away.
    config.drain_ms = 0;
    telemetry::start(&config).map_err(ServeError::Traces)?;
    let stop = Stop::on_signals()?;
    let listener = serve::bind(config.listen).await?;
    let folder = match config.database_url {
        Some(_) => None,
        None => Some(folder().map_err(ServeError::Folder)?),
    };
    if let Some(folder) = &folder {
        let url = format!("sqlite://{}/demo.db?mode=rwc", folder.path().display());
        config.database_url = Some(url.into());
    }
    config.demo = true;
    config.sandbox = true;
    config.secure_cookies = false;
    let (ctx, _lock) = serve::open_to_serve(config).await?;
    if seed(&ctx).await? == Seeded::Foreign {
        return Err(ServeError::NotADemonstration);
    }
    // The month's entries are old already: a check of the chain would report those that are not sealed.
    audit::seal(&ctx.db).await?;
    let kept = match &folder {
        Some(_) => "in a temporary folder, gone when this stops",
        None => "kept in the database given",
    };
    serve::run(ctx, listener, stop, |address| {
        format!(
            "\n  Refundry, a demonstration\n\n  \
             console   {address}\n  \
             login     {ADMIN} / {DEMO_PASSWORD}\n  \
             gateway   {address}/unipay, app {APP_ID}, secret {SECRET}, hmac_sha256\n  \
             data      {kept}\n  \
             stop      Ctrl+C\n"
        )
    })
    .await
}

/// Makes a folder that is removed when its value is dropped.
fn folder() -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("refundry-demo-").tempdir()
}

/// The result of seeding a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    /// The database was empty, and now has the demonstration's data.
    Now,
    /// The database had the demonstration's data already.
    Before,
    /// The database holds other data, and was not changed.
    Foreign,
}

/// Puts the demonstration's data into an empty database, in one transaction.
pub async fn seed(ctx: &Ctx) -> Result<Seeded, Error> {
    let now = ctx.clock.now();
    let mut month = data::make(&ctx.config, now);
    let messages = messages::of_month(&mut month, &ctx.config, now)?;
    let app = merchants::sealed(ctx, merchant())?;
    let accounts = accounts().into_iter();
    let accounts: Vec<_> = accounts
        .map(|account| merchants::accounts::sealed(ctx, account))
        .collect::<Result<_, Error>>()?;
    let admin = Account {
        name: ADMIN.to_owned(),
        grants: vec![Grant::everywhere(Role::Admin)],
        enabled: true,
        created_at: now,
    };
    ctx.db
        .write(
            (month, messages, app, accounts, admin),
            move |conn, (month, messages, app, accounts, admin)| {
                Box::pin(async move {
                    let apps = store::merchant::all(conn).await?;
                    if apps.iter().any(|app| app.app_id == APP_ID) {
                        return Ok(Seeded::Before);
                    }
                    if !apps.is_empty() || !store::operator::all(conn).await?.is_empty() {
                        return Ok(Seeded::Foreign);
                    }
                    for account in &accounts {
                        store::account::insert(conn, account, now).await?;
                    }
                    store::merchant::insert(conn, &app, now).await?;
                    store::operator::insert(conn, &admin, DEMO_HASH).await?;
                    for order in &month.orders {
                        store::order::insert(conn, order).await?;
                    }
                    for refund in &month.refunds {
                        store::run(conn, store::refund::insertion(refund)).await?;
                    }
                    let movements = month.movements.iter().map(store::movement::insertion);
                    let events = month.events.iter().map(store::event::insertion);
                    let acts = month.acts.iter().map(audit::entry);
                    for write in movements.chain(events).chain(acts) {
                        store::run(conn, vec![write]).await?;
                    }
                    for row in &month.book {
                        store::sandbox::insert(conn, row).await?;
                    }
                    for callback in &messages.callbacks {
                        store::callback::put(conn, callback, &callback.callback_no).await?;
                    }
                    for notice in &messages.notices {
                        store::notice::insert(conn, notice).await?;
                    }
                    for send in &messages.attempts {
                        store::notice::insert_attempt(conn, send).await?;
                    }
                    Ok(Seeded::Now)
                })
            },
        )
        .await
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::domain::audit::{Act, Action, Origin};
    use crate::domain::callback::{Callback, Verdict};
    use crate::domain::event::{Actor, Event};
    use crate::domain::money::Fen;
    use crate::domain::movement::{Movement, MovementKind};
    use crate::domain::notice::{Notice, NoticeState};
    use crate::domain::order::OrderStatus;
    use crate::domain::refund::{RefundKey, RefundStatus, ReviewReason};
    use crate::server::refunds;
    use crate::server::testing::app_with;
    use crate::server::testing::database::TestDatabase;

    async fn seeded() -> (Ctx, TestDatabase) {
        let config = Config {
            sandbox: true,
            demo: true,
            sbx_timeout_ms: 0,
            ..Config::default()
        };
        let (ctx, folder) = app_with(config).await;
        assert_eq!(seed(&ctx).await.unwrap(), Seeded::Now);
        (ctx, folder)
    }

    #[tokio::test]
    async fn a_database_is_seeded_once_and_only_if_it_is_empty() {
        let (ctx, _folder) = seeded().await;
        assert_eq!(seed(&ctx).await.unwrap(), Seeded::Before);

        let (ctx, _folder) = app_with(Config::default()).await;
        crate::server::people::add(
            &ctx,
            "li.na",
            Grant::everywhere(Role::Viewer),
            "correct horse",
            Actor::System,
        )
        .await
        .unwrap();
        assert_eq!(seed(&ctx).await.unwrap(), Seeded::Foreign);
        assert!(ctx.merchants.all().await.unwrap().is_empty());
    }

    #[test]
    fn the_same_moment_makes_the_same_month() {
        let now = crate::domain::time::Timestamp(1_760_000_000_000);
        let (one, other) = (
            data::make(&Config::default(), now),
            data::make(&Config::default(), now),
        );
        assert_eq!((one.orders, one.refunds), (other.orders, other.refunds));
        assert_eq!((one.events, one.book), (other.events, other.book));
        assert_eq!(one.acts, other.acts);
    }

    #[test]
    fn the_month_has_something_of_everything() {
        let now = crate::domain::time::Timestamp(1_760_000_000_000);
        let month = data::make(&Config::default(), now);
        assert_eq!(month.orders.len(), 400);
        assert_eq!(month.refunds.len(), 250);
        for &status in OrderStatus::ALL {
            assert!(
                month.orders.iter().any(|order| order.status == status),
                "{status}"
            );
        }
        for &status in RefundStatus::ALL {
            let least = month
                .refunds
                .iter()
                .filter(|refund| refund.status == status)
                .count();
            assert!(least >= 8, "{least} of {status}");
        }
        // The sandbox never reports a refund as abnormal.
        let of_sandbox = |reason: &&ReviewReason| **reason != ReviewReason::Abnormal;
        for &review_reason in ReviewReason::ALL.iter().filter(of_sandbox) {
            let raised = |refund: &crate::domain::refund::Refund| {
                refund.review_reason == Some(review_reason)
            };
            assert!(month.refunds.iter().any(raised), "{review_reason}");
        }
        for &kind in MovementKind::ALL {
            let of_kind = |movement: &Movement| movement.kind == kind;
            assert!(month.movements.iter().any(of_kind), "{kind}");
        }
        let earliest = now.plus_ms(-31 * crate::domain::time::DAY_MS);
        assert!(
            month
                .orders
                .iter()
                .all(|order| order.created_at > earliest && order.created_at < now)
        );
        assert!(
            month
                .events
                .iter()
                .all(|event| event.at > earliest && event.at <= now)
        );
    }

    #[test]
    fn every_state_of_a_notice_and_every_verdict_is_there_to_be_seen() {
        let now = crate::domain::time::Timestamp(1_760_000_000_000);
        let config = Config::default();
        let mut month = data::make(&config, now);
        let messages = messages::of_month(&mut month, &config, now).unwrap();
        for &state in NoticeState::ALL {
            let is_so = |notice: &&Notice| notice.state == state;
            assert!(
                messages.notices.iter().any(|notice| is_so(&notice)),
                "{state}"
            );
        }
        for &verdict in Verdict::ALL {
            let is_so = |callback: &Callback| callback.verdict == verdict;
            assert!(messages.callbacks.iter().any(is_so), "{verdict}");
        }
        assert!(messages.attempts.iter().all(|send| send.at <= now));
    }

    #[test]
    fn the_audit_has_an_entry_of_everything_that_somebody_decided() {
        let now = crate::domain::time::Timestamp(1_760_000_000_000);
        let month = data::make(&Config::default(), now);
        let decided = |event: &&Event| Origin::from(event.actor.clone()).decides();
        let decided = month.events.iter().filter(decided);
        let mut decided: Vec<_> = decided
            .map(|event| (&event.number, event.at, &event.actor))
            .collect();
        let acts = month.acts.iter();
        let mut told: Vec<_> = acts
            .map(|act| (&act.number, act.at, &act.origin.actor))
            .collect();
        for list in [&mut decided, &mut told] {
            list.sort_by_key(|(number, at, _)| (*number, *at));
        }
        assert_eq!(told, decided);
        for action in [
            Action::OrderRecorded,
            Action::RefundRequested,
            Action::RefundSynced,
            Action::RefundSubmitted,
            Action::RefundRetried,
            Action::RefundClosed,
            Action::RefundBooked,
        ] {
            let is_so = |act: &Act| act.action == action && act.app_id.as_deref() == Some(APP_ID);
            assert!(month.acts.iter().any(is_so), "{action}");
        }
        assert!(month.acts.iter().all(|act| act.origin.address.is_some()));
    }

    #[test]
    fn balances_are_the_sum_of_refunds() {
        let now = crate::domain::time::Timestamp(1_760_000_000_000);
        let month = data::make(&Config::default(), now);
        let mut sums: HashMap<&str, (Fen, Fen)> = HashMap::new();
        for refund in &month.refunds {
            let (held, refunded) = sums.entry(&refund.order_no).or_default();
            match refund.status {
                RefundStatus::Progress => *held = *held + refund.amount,
                RefundStatus::Success => *refunded = *refunded + refund.amount,
                RefundStatus::Fail | RefundStatus::Close => {}
            }
        }
        for order in &month.orders {
            let (held, refunded) = sums.remove(order.order_no.as_str()).unwrap_or_default();
            assert_eq!(
                (order.held, order.refunded + order.overpaid),
                (held, refunded),
                "{}",
                order.title
            );
            assert!(order.refunded + order.held <= order.amount);
        }
        assert!(sums.is_empty());
    }

    #[tokio::test]
    async fn what_is_settled_stays_so_when_the_sandbox_is_asked_and_what_is_open_can_be_settled() {
        let (ctx, _folder) = seeded().await;
        let merchant = ctx.merchants.enabled(Some(APP_ID)).await.unwrap();
        let month = data::make(&ctx.config, ctx.clock.now());
        let mut settled = 0;
        for before in &month.refunds {
            let key = RefundKey::RefundNo(before.refund_no.clone());
            let sync = refunds::sync(&ctx, &merchant, &key, Actor::System)
                .await
                .unwrap();
            let after = sync.refund;
            if before.status == RefundStatus::Progress {
                let raised = after.review_reason == Some(ReviewReason::Absent);
                let flaky = after.submissions.count() == before.submissions.count() + 1;
                assert!(sync.changed || raised || flaky, "{before:?} {after:?}");
                settled += usize::from(sync.changed);
            } else {
                assert_eq!(
                    (after.status, after.review_reason),
                    (before.status, before.review_reason)
                );
            }
        }
        assert!(settled >= 8, "{settled}");
    }
}
