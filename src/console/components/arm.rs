//! Arming: what moves money, or is final, takes a press only once a person can have seen what it will do.

use std::time::Duration;

use leptos::prelude::*;

use crate::console::components::keyboard::is_pressing;

/// How long nobody can have read the sentence yet; a double press is over by then.
const UNREAD: Duration = Duration::from_millis(400);

/// How often is looked whether what is held down has been let go.
const LOOK_AGAIN: Duration = Duration::from_millis(30);

/// Whether presses are taken. Without scripts they always are.
#[derive(Clone, Copy)]
pub struct Arm {
    armed: RwSignal<bool>,
    /// Counts how often it was disarmed.
    turn: StoredValue<u32>,
}

impl Arm {
    /// Makes one that takes presses until it is disarmed.
    #[allow(clippy::new_without_default)] // Only a place in a view can make one.
    pub fn new() -> Arm {
        Arm {
            armed: RwSignal::new(true),
            turn: StoredValue::new(0),
        }
    }

    /// Finds that of the dialog around; on a page of its own makes one that is disarmed as the page comes.
    pub fn here() -> Arm {
        use_context().unwrap_or_else(|| {
            let arm = Arm::new();
            Effect::new(move || arm.disarm());
            arm
        })
    }

    /// Says whether presses are taken.
    pub fn armed(self) -> bool {
        self.armed.get()
    }

    /// Takes no press until a while has passed and, after that, nothing that presses is held down: neither
    /// what was down before, nor what went down meanwhile.
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
        // It may have been disarmed again, or be gone.
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
