//! The lock: who holds it, since when there was no progress, and how long still.

use migrate_core::report::LockStatus;

use crate::render::units;

/// One sentence, or a few.
pub(crate) fn sentence(lock: &LockStatus) -> String {
    if !lock.held {
        return "The lock is free.".to_owned();
    }
    let holder = lock.holder.as_deref().unwrap_or("an unknown process");
    let mut text = format!("The lock is held by {holder}");
    if let Some(activity) = &lock.activity {
        text.push_str(&format!(", which is at {activity}"));
    }
    text.push('.');
    if lock.dead {
        text.push_str(" That process is dead; the next run takes over.");
    }
    if let Some(ago) = lock.progress_ms_ago.and_then(|ms| u64::try_from(ms).ok()) {
        text.push_str(&format!(" Last progress {} ago.", units::about(ago)));
    }
    match lock.expires_in_ms.map(u64::try_from) {
        Some(Ok(left)) => text.push_str(&format!(" Its lease runs {} more.", units::about(left))),
        Some(Err(_)) => text.push_str(" Its lease has run out; the next run takes over."),
        None => {}
    }
    text
}
