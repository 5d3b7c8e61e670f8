//! A channel that is slow, breaks, does not answer, calls back twice and late, or reverses its successes.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::audit::{self, Rest};
use crate::desk::{Desk, OTHER, SHOP, goes_on};
use crate::load::{BEHAVIOURS, Load};

/// Time limit that is longer than a slow answer takes.
const PATIENT: &str = "--channel-time-limit=5s";

/// Sends a request about the faults of an app's account, as the administrator, and returns the answer.
async fn ask(desk: &Desk, app_id: &str, method: Method, body: String) -> Value {
    let node = desk.town.some_node();
    let url = format!("{node}/sandbox/faults/{app_id}-sandbox");
    let request = desk.town.http.request(method, url);
    let request = request
        .header("Origin", &node)
        .header("Cookie", desk.log_in(&node).await);
    let answer = request.body(body).send().await.unwrap();
    answer.json().await.unwrap()
}

async fn set_faults(desk: &Desk, app_id: &str, faults: &str) {
    let wish = json!({"faults": faults}).to_string();
    let answer = ask(desk, app_id, Method::POST, wish).await;
    assert_eq!(answer["faults"], faults, "{answer}");
}

/// Returns the number of calls of the channel since these faults were set.
async fn calls(desk: &Desk, app_id: &str) -> i64 {
    let answer = ask(desk, app_id, Method::GET, String::new()).await;
    answer["calls"].as_i64().unwrap()
}

#[tokio::test]
async fn a_silent_channel_is_asked_gently_and_holds_up_nobody_else() {
    let mut desk = Desk::embedded(&[]).await;
    if !desk.with_stepped_clock().await {
        println!("a silent channel: skipped, libfaketime is not installed (tools/setup-tests.sh)");
        return;
    }
    let orders = desk.town.orders(SHOP, &["OK", "ASYNC-NOCB"], 2).await;
    let others = desk.town.orders(OTHER, &["OK"], 2).await;
    set_faults(&desk, SHOP, "silent").await;
    for n in 0..60 {
        let answer = desk.town.refund(SHOP, &orders[n % 4]).await.unwrap();
        assert!(
            answer["code"] != 0 || answer["data"]["status"] == "progress",
            "{answer}"
        );
    }
    // For two hours all of these refunds are due again and again: the breaker opens after the first questions, and
    // probes follow at intervals that double up to five minutes.
    let submitted = calls(&desk, SHOP).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..24 {
        desk.step_clock(300);
        let begun = Instant::now();
        let answer = desk.town.refund(OTHER, &others[1]).await.unwrap();
        slowest = slowest.max(begun.elapsed());
        assert_eq!(answer["data"]["status"], "success", "{answer}");
        tokio::time::sleep(
            Duration::from_millis(1_100) - begun.elapsed().min(Duration::from_secs(1)),
        )
        .await;
    }
    let breakers = audit::breakers(&desk).await;
    assert_eq!(
        breakers,
        [format!("{SHOP}-sandbox")],
        "whose breaker is open"
    );
    let asked = calls(&desk, SHOP).await - submitted;
    // The first questions are asked at once, as many as the settings allow; afterwards one a probe.
    assert!(
        (5..=16 + 24).contains(&asked),
        "asked {asked} times of 60 refunds"
    );
    assert!(
        slowest < Duration::from_secs(1),
        "another app waited {slowest:?}"
    );
    set_faults(&desk, SHOP, "fine").await;
    desk.step_clock(7_200);
    let faults = format!(
        "two silent hours, asked {asked} times for 60 refunds, another app's slowest refund {} ms",
        slowest.as_millis()
    );
    audit::finish("a silent channel", &mut desk, Rest::ByItself, &faults).await;
    assert!(
        audit::breakers(&desk).await.is_empty(),
        "the breaker has closed"
    );
}

#[tokio::test]
async fn a_channel_with_any_faults_is_settled_with_once_they_are_gone() {
    let mut desk = Desk::embedded(&[PATIENT]).await;
    desk.start().await;
    let orders = desk.town.orders(SHOP, &BEHAVIOURS, 3).await;
    let load = Load::start(&desk.town, SHOP, &orders, 8);
    let all = ["flaky", "doubled", "silent", "doubled", "slow", "flaky"];
    let mut round = 0;
    while goes_on(&desk, round, all.len() as u32) {
        set_faults(&desk, SHOP, all[round as usize % all.len()]).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        audit::check(&desk).await;
        round += 1;
    }
    load.stop().await;
    set_faults(&desk, SHOP, "fine").await;
    let faults = format!("{round} changes of the faults");
    audit::finish(
        "a channel with any faults",
        &mut desk,
        Rest::Synced,
        &faults,
    )
    .await;
}

#[tokio::test]
async fn a_refund_that_the_channel_takes_back_is_raised_and_no_money_is_moved_by_it() {
    let mut desk = Desk::embedded(&["--recheck-after=1s"]).await;
    desk.start().await;
    let orders = desk.town.orders(SHOP, &["REVERSED"], 2).await;
    for _ in 0..20 {
        let answer = desk.town.refund(SHOP, &orders[1]).await.unwrap();
        assert_eq!(answer["data"]["status"], "success", "{answer}");
    }
    // A second after its success, each refund is asked for once more.
    let begun = Instant::now();
    while audit::raised(&desk, "contradicted").await < 20 {
        assert!(begun.elapsed() < Duration::from_secs(30), "raised too few");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    audit::finish("a lying channel", &mut desk, Rest::ByItself, "20 reversals").await;
}
