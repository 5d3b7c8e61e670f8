//! Arming: a button that moves money, or does something final, accepts a press only after a person has had time to
//! read the sentence above it.

use std::time::Duration;

use leptos::prelude::*;

use crate::console::components::keyboard::is_pressing;

/// Time after disarming in which no press counts: too short to have read the sentence, long enough for a double
/// click to end.
const UNREAD: Duration = Duration::from_millis(400);

/// Interval of checks for a key or pointer that is still held down.
const LOOK_AGAIN: Duration = Duration::from_millis(30);

/// A switch that decides whether presses count. Without scripts they always do.
#[derive(Clone, Copy)]
pub struct Arm {
    armed: RwSignal<bool>,
    /// Number of [`Arm::disarm`] calls: a timer arms only if no later call has disarmed again.
    turn: StoredValue<u32>,
}

impl Arm {
    /// Makes a switch that is armed.
    #[allow(clippy::new_without_default)] // Only a place in a view can make one.
    pub fn new() -> Arm {
        Arm {
            armed: RwSignal::new(true),
            turn: StoredValue::new(0),
        }
    }

    /// Returns the switch of the surrounding dialog, or else makes one that is disarmed when the page appears.
    pub fn here() -> Arm {
        use_context().unwrap_or_else(|| {
            let arm = Arm::new();
            Effect::new(move || arm.disarm());
            arm
        })
    }

    /// Returns true where presses count.
    pub fn armed(self) -> bool {
        self.armed.get()
    }

    /// Ignores presses until `UNREAD` has passed and no key or pointer is held down any more.
    pub fn disarm(self) {
        let turn = self.turn.try_update_value(|turn| {
            *turn += 1;
            *turn
        });
        self.armed.try_set(false);
        if let Some(turn) = turn {
            set_timeout(move || self.arm(turn), UNREAD);
        }
    }

    fn arm(self, turn: u32) {
        // The switch may have been disarmed again, or its page may be gone.
        if self.turn.try_get_value() != Some(turn) {
            return;
        }
        if is_pressing() {
            set_timeout(move || self.arm(turn), LOOK_AGAIN);
        } else {
            self.armed.try_set(true);
        }
    }
}
