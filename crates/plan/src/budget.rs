//! What a plan may grow by beyond its text: copies of variables, of inherited configs, of long directories.
//!
//! A thousand RUNs below a thousand ENVs have a million variables among them, and a stage has the history of all
//! that it stands on. Nobody's build comes near the limit; a text made for it gets an error in place of all memory.

use std::cell::Cell;
use std::rc::Rc;

use dockerfile::ExpandError;
use dockerfile::steps;

/// In bytes. Each is kept in up to four places: a variable, the image's environment, its history, a step.
const MOST: usize = 24 << 20;

/// What was taken so far; a clone takes from the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget(Rc<Cell<usize>>);

impl Budget {
    /// Takes `bytes`.
    ///
    /// # Errors
    /// If that is too much, from then on always.
    pub fn charge(&self, bytes: usize) -> Result<(), String> {
        steps::note(bytes);
        self.0.set(self.0.get().saturating_add(bytes));
        if !self.is_spent() {
            return Ok(());
        }
        Err(format!("what variables, stages and steps copy comes to more than {} MiB", MOST >> 20))
    }

    /// Whether there is no point in going on.
    pub fn is_spent(&self) -> bool {
        self.0.get() > MOST
    }

    /// What an expansion that failed says. It has cost as much as one that did not.
    pub fn failed(&self, error: &ExpandError) -> String {
        self.charge(error.work).err().unwrap_or_else(|| error.to_string())
    }
}
