//! Keeps an open page up to date while its refund is in progress.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::console::components::{Loader, PageNavigation};
use crate::console::preferences::use_lang;
use crate::console::rpc::refunds::refund_if_changed;
use crate::console::texts;
use crate::console::view::RefundView;
use crate::domain::refund::Refund;

/// Polls the server while the refund is in progress, and writes a changed state into `announcement`, which screen
/// readers read out.
pub fn follow_progress(
    app_id: Memo<String>,
    refund: Loader<RefundView>,
    announcement: RwSignal<String>,
) {
    let lang = use_lang();
    let PageNavigation(navigation) = expect_context();
    let rounds = RwSignal::new(0_u32);
    let latest = StoredValue::new(None::<Refund>);
    let ask = move |shown: Refund| {
        if document().hidden() {
            return;
        }
        spawn_local(async move {
            let changed = refund_if_changed(
                app_id.get_untracked(),
                shown.refund_no.clone(),
                shown.version,
            );
            if let Ok(Some(fresh)) = changed.await {
                // An action may have loaded a later version meanwhile, or the page may be gone.
                let later = |shown: &Refund| {
                    shown.refund_no == fresh.refund.refund_no
                        && shown.version < fresh.refund.version
                };
                if latest.try_get_value().flatten().as_ref().is_some_and(later) {
                    refund.set(fresh);
                }
            }
            rounds.try_update(|n| *n += 1);
        });
    };
    Effect::new(move |before: Option<Option<Refund>>| {
        let round = rounds.get();
        let now = refund.get().and_then(Result::ok).map(|view| view.refund);
        latest.set_value(now.clone());
        if let (Some(Some(before)), Some(now)) = (before, &now)
            && before.refund_no == now.refund_no
            && before.status != now.status
        {
            announcement.set(texts::state_is_now(now.status, lang));
            navigation.again();
        }
        if let Some(shown) = now.clone().filter(Refund::holds)
            && let Ok(timer) = set_timeout_with_handle(move || ask(shown), poll_interval(round))
        {
            on_cleanup(move || timer.clear());
        }
        now
    });
    Effect::new(move || {
        let back = window_event_listener_untyped("visibilitychange", move |_| {
            if !document().hidden() {
                rounds.set(0);
            }
        });
        on_cleanup(move || back.remove());
    });
}

/// Returns the wait before the next poll. Most refunds are settled within seconds, the others take hours.
fn poll_interval(round: u32) -> Duration {
    Duration::from_secs(match round {
        0..15 => 2,
        15..60 => 5,
        _ => 30,
    })
}
