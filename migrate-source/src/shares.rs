//! Shares work on many files out over threads: a macro is built without optimisation in a debug
//! build, and an app may have thousands of files.

use std::num::NonZero;
use std::thread;

/// Below this, starting a thread costs more than it saves.
const ITEMS_PER_THREAD: usize = 50;

/// What `work` makes of each item, in their order. A panic of `work` goes on in the caller.
///
/// ```
/// use migrate_source::shares::map_in_shares;
///
/// let words = vec!["up"; 1_000];
/// assert_eq!(map_in_shares(&words, |word| word.len()), vec![2; 1_000]);
/// ```
pub fn map_in_shares<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(threads).max(ITEMS_PER_THREAD);
    let work = &work;
    let (own, others) = items.split_at(share.min(items.len()));
    thread::scope(|scope| {
        let shares: Vec<_> = others
            .chunks(share)
            .map(|items| scope.spawn(move || items.iter().map(work).collect::<Vec<_>>()))
            .collect();
        let mut results: Vec<R> = own.iter().map(work).collect();
        for share in shares {
            let more = share.join();
            results.extend(more.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    })
}
