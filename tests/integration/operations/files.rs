//! Checks that the figures in the dashboard and the alerts exist.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::figures::{figures, merchant};
use super::node::Node;

const ALERTS: &str = include_str!("../../../deploy/alerts.yml");
const DASHBOARD: &str = include_str!("../../../deploy/grafana.json");

/// Returns the names of figures that a text asks for.
fn asked_for(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let figures =
        words.filter(|word| word.starts_with("refundry_") || word.starts_with("process_"));
    figures.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_figure_that_is_asked_for_is_told() {
    let node = Node::start(&[]);
    let told = json!({"notifyUrl": merchant().await});
    assert_eq!(node.refund_with("OK", "R1", told).await["code"], 0);
    let names = figures(&node).await.into_keys();
    let names = names.map(|name| name.split('{').next().unwrap().to_owned());
    let names: BTreeSet<String> = names.collect();
    let (alerts, dashboard) = (asked_for(ALERTS), asked_for(DASHBOARD));
    assert!(
        alerts.len() > 12 && dashboard.len() > 15,
        "{alerts:?} {dashboard:?}"
    );
    let missing: Vec<_> = alerts
        .union(&dashboard)
        .filter(|name| !names.contains(*name))
        .collect();
    assert!(missing.is_empty(), "{missing:?} of {names:?}");
    // Each of our figures is used there, except those listed here.
    let watched = |name: &String| {
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        let wanted = family.map_or(name.clone(), |family| format!("{family}_bucket"));
        alerts.contains(&wanted) || dashboard.contains(&wanted)
    };
    let ours = names.iter().filter(|name| name.starts_with("refundry_"));
    let unwatched: Vec<_> = ours.filter(|name| !watched(name)).collect();
    assert!(unwatched.is_empty(), "{unwatched:?}");
}

#[test]
fn the_dashboard_is_one() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels
        .iter()
        .map(|panel| panel["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert!(
            !panel["targets"].as_array().unwrap().is_empty(),
            "{}",
            panel["title"]
        );
        assert!(panel["title"].is_string() && panel["fieldConfig"]["defaults"]["unit"].is_string());
    }
}
