//! Compares the balances of all orders with the sums of their movements. Only a defect or a hand in the database can
//! make them differ.

use crate::server::ctx::Ctx;
use crate::server::error::Result;
use crate::server::store::movement;
use crate::server::store::movement::Compared;
use crate::server::{counters, store};

/// Orders that are compared by one statement.
const AT_ONCE: u16 = 500;

/// Differences that a run of the job names in the log. All are counted.
const LOGGED: u64 = 100;

/// Compares all balances while writes go on. Hands each order that differs to `differs`. Returns the number of orders
/// that were compared.
pub async fn compare(ctx: &Ctx, differs: &mut (dyn FnMut(&Compared) + Send)) -> Result<u64> {
    let mut orders = 0;
    let (mut app_id, mut order_no) = (String::new(), String::new());
    loop {
        let page = {
            let mut conn = ctx.db.read().await?;
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
    }
}

/// Compares all balances, logs those that differ and shows how many: a job. Returns how many.
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
    compare(ctx, &mut log).await?;
    counters::balances_different(different);
    Ok(different)
}
