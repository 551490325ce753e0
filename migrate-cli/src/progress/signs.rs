//! Signs of life: when a long step gives one where there are no bars, and what it says.

use super::Place;
use crate::render::units;

/// After this many milliseconds without a word, a line says that a step is still running.
const FIRST_SIGN_MS: u64 = 5_000;
/// The pause between such lines: short at first, longer for what takes long.
const SIGN_EVERY_MS: u64 = 10_000;
pub(super) const LATER_SIGN_EVERY_MS: u64 = 30_000;
const LATER_MS: u64 = 120_000;

pub(super) fn sign_is_due(elapsed: u64, told_at: Option<u64>) -> bool {
    let pause = if elapsed < LATER_MS {
        SIGN_EVERY_MS
    } else {
        LATER_SIGN_EVERY_MS
    };
    match told_at {
        None => elapsed >= FIRST_SIGN_MS,
        Some(told_at) => elapsed >= told_at + pause,
    }
}

/// `  Applying users.x... 12 s, 1,000 of 4,000 (25 %), about 36 s left`.
pub(super) fn still_running(verb: &str, name: &str, elapsed_ms: u64, place: Place) -> String {
    let mut line = format!("  {verb} {name}... {}", units::about(elapsed_ms));
    match place {
        Place { done: 0, .. } => {}
        Place {
            done,
            total: Some(total),
        } if total > 0 => {
            let percent = (u128::from(done) * 100 / u128::from(total)).min(100);
            line.push_str(&format!(
                ", {} of {} ({percent} %)",
                units::count(done),
                units::count(total)
            ));
            if done < total {
                let left = u128::from(elapsed_ms) * u128::from(total - done) / u128::from(done);
                let left = u64::try_from(left).unwrap_or(u64::MAX);
                line.push_str(&format!(", about {} left", units::about(left)));
            }
        }
        Place { done, .. } => line.push_str(&format!(", {} done", units::count(done))),
    }
    line
}
