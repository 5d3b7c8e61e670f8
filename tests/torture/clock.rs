//! A clock that is stepped, by hours and by days, forwards and backwards.

use std::time::Duration;

use crate::audit::{self, Rest};
use crate::desk::{Desk, SHOP, goes_on};
use crate::load::{BEHAVIOURS, Load};

const HOUR_S: i64 = 3_600;
/// Pause between two steps, in which requests meet the stepped clock.
const BETWEEN: Duration = Duration::from_millis(900);

#[tokio::test]
async fn a_stepped_clock_loses_nothing_and_the_desk_settles_by_itself() {
    let mut desk = Desk::embedded(&[]).await;
    if !desk.with_stepped_clock().await {
        println!("a stepped clock: skipped, libfaketime is not installed (tools/setup-tests.sh)");
        return;
    }
    let orders = desk.town.orders(SHOP, &BEHAVIOURS, 3).await;
    let load = Load::start(&desk.town, SHOP, &orders, 4);
    let steps = [
        3 * HOUR_S,
        -2 * HOUR_S,
        26 * HOUR_S,
        -5 * HOUR_S,
        301,
        -301,
        -HOUR_S,
    ];
    let mut round = 0;
    while goes_on(&desk, round, steps.len() as u32) {
        tokio::time::sleep(BETWEEN).await;
        desk.step_clock(steps[round as usize % steps.len()]);
        audit::check(&desk).await;
        round += 1;
    }
    load.stop().await;
    // Work that was postponed while the clock was ahead becomes due again.
    desk.step_clock(48 * HOUR_S);
    let faults = format!("{round} steps of the clock and two days forwards, no sync by merchants");
    audit::finish("a stepped clock", &mut desk, Rest::ByItself, &faults).await;
}
