//! Comparison of all orders' balances with the sums of their movements. Only a defect or a manual change in the
//! database can make them differ.

use std::time::Instant;

use crate::server::ctx::Ctx;
use crate::server::db::Db;
use crate::server::error::Result;
use crate::server::store::movement;
use crate::server::store::movement::Compared;
use crate::server::{counters, store};

/// Number of orders compared by one statement.
const AT_ONCE: u16 = 200;

/// Maximum number of differences that one run of the job logs. All are counted.
const LOGGED: u64 = 100;

/// The speed of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    Full,
    /// A fiftieth of the full speed, so that the other work hardly notices: about ten minutes for a million orders.
    Gentle,
}

/// Compares all balances while writes continue. Calls `differs` with each order that differs, and returns the number
/// of orders compared.
pub async fn compare(
    db: &Db,
    pace: Pace,
    differs: &mut (dyn FnMut(&Compared) + Send),
) -> Result<u64> {
    let mut orders = 0;
    let (mut app_id, mut order_no) = (String::new(), String::new());
    loop {
        let began = Instant::now();
        let page = {
            let mut conn = db.read().await?;
            store::movement::compare(&mut conn, (&app_id, &order_no), AT_ONCE.into()).await?
        };
        page.iter()
            .filter(|order| order.columns != order.sums)
            .for_each(&mut *differs);
        orders += page.len() as u64;
        let whole = page.len() == usize::from(AT_ONCE);
        match page.into_iter().next_back() {
            Some(last) if whole => (app_id, order_no) = (last.app_id, last.order_no),
            _ => return Ok(orders),
        }
        if pace == Pace::Gentle {
            tokio::time::sleep(began.elapsed() * 49).await;
        }
    }
}

/// Compares all balances, logs the differences and sets a gauge to their number. Run as a job. Returns the number of
/// differences.
pub async fn check(ctx: &Ctx) -> Result<u64> {
    let mut different = 0;
    let mut log = |order: &Compared| {
        different += 1;
        if different <= LOGGED {
            let movement::Compared {
                app_id,
                order_no,
                columns,
                sums,
            } = order;
            tracing::error!(
                app_id,
                order_no,
                ?columns,
                ?sums,
                "an order's balance is not the sum of its movements"
            );
        }
    };
    compare(&ctx.db, Pace::Gentle, &mut log).await?;
    counters::balances_different(different);
    Ok(different)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo;
    use crate::domain::money::Fen;
    use crate::server::config::Config;
    use crate::server::testing::app_with;

    async fn by_hand(ctx: &Ctx, sql: &'static str) {
        ctx.db
            .write((), move |conn, ()| {
                Box::pin(async move {
                    sqlx::query(sql).execute(conn).await?;
                    Ok(())
                })
            })
            .await
            .expect("a change by hand");
    }

    async fn different(ctx: &Ctx) -> Vec<Compared> {
        let mut different = Vec::new();
        let orders = compare(&ctx.db, Pace::Full, &mut |order| {
            different.push(order.clone())
        })
        .await;
        assert_eq!(orders.expect("all orders"), 400);
        different
    }

    #[tokio::test]
    async fn what_is_changed_by_hand_in_the_database_is_found() {
        let (ctx, _database) = app_with(Config::default()).await;
        demo::seed(&ctx).await.expect("a month");
        assert_eq!(different(&ctx).await, []);
        assert_eq!(check(&ctx).await.expect("a check"), 0);

        let changed = "UPDATE pay_order SET overpaid = overpaid + 7 \
                       WHERE order_no = (SELECT MAX(order_no) FROM pay_order WHERE status = 'success')";
        by_hand(&ctx, changed).await;
        let lost = "DELETE FROM movement WHERE kind = 'overpaid' AND order_no = \
                    (SELECT MIN(order_no) FROM movement WHERE kind = 'overpaid')";
        by_hand(&ctx, lost).await;
        let found = different(&ctx).await;
        assert_eq!(found.len(), 2, "{found:?}");
        for order in &found {
            let more = order.columns.overpaid - order.sums.overpaid;
            assert!(
                more == Fen(7) || order.sums.overpaid == Fen::ZERO,
                "{order:?}"
            );
            assert_eq!(order.columns.held, order.sums.held);
        }
        assert_eq!(check(&ctx).await.expect("a check"), 2);
    }
}
