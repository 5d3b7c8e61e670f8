//! Liveness and readiness.

use super::node::Node;

#[tokio::test]
async fn a_stop_is_told_before_the_door_closes() {
    let mut node = Node::start_as("serve", &["--drain=30s", "--sandbox"]);
    for base in [&node.base, &node.figures] {
        assert_eq!(node.get(base, "/healthz").await, (200, "ok".to_owned()));
        assert_eq!(node.get(base, "/readyz").await, (200, "ready".to_owned()));
    }
    node.terminate();
    let stopping = (503, "stopping".to_owned());
    while node.get(&node.base, "/readyz").await != stopping {}
    // The server still accepts requests and answers them.
    assert_eq!(node.get(&node.figures, "/readyz").await, stopping);
    assert_eq!(node.get(&node.base, "/healthz").await.0, 200);
    assert_eq!(node.get(&node.base, "/login").await.0, 200);
    let (_, figures) = node.get(&node.figures, "/metrics").await;
    assert!(figures.contains("\nrefundry_ready 0\n"), "{figures}");
    // A second signal stops it at once.
    node.terminate();
    assert!(node.ended().success());
}

#[tokio::test]
async fn figures_are_not_for_whoever_reaches_the_console() {
    let node = Node::start(&[]);
    assert_eq!(node.get(&node.base, "/metrics").await.0, 404);
    assert_eq!(node.get(&node.figures, "/login").await.0, 404);
    assert_eq!(node.get(&node.figures, "/metrics").await.0, 200);
}
