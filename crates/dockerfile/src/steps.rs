//! How much work this thread has done: what tests count instead of seconds.
//!
//! Every loop that hostile input could make long says here how far it went: bytes of lines and words, cells of
//! an edit distance, values that were looked at. Tests double an input and look at what the sum did.

use std::cell::Cell;

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

/// Counts `steps` more.
pub fn note(steps: usize) {
    TAKEN.set(TAKEN.get().saturating_add(steps as u64));
}

/// The steps of this thread so far.
pub fn taken() -> u64 {
    TAKEN.get()
}
