//! How the stages ended that others stand on. Each is kept until the last of those has it.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The ends of stages, by the stage's number.
#[derive(Debug)]
pub struct Ends<T> {
    /// How many will still stand on each.
    awaited: BTreeMap<usize, usize>,
    kept: BTreeMap<usize, T>,
}

impl<T: Clone> Ends<T> {
    /// None yet. `parents` has, for every stage that stands on another, that one.
    pub fn of(parents: impl IntoIterator<Item = usize>) -> Ends<T> {
        let mut awaited = BTreeMap::new();
        parents.into_iter().for_each(|parent| *awaited.entry(parent).or_default() += 1);
        Ends { awaited, kept: BTreeMap::new() }
    }

    /// Keeps how a stage ended, if anybody will stand on it.
    pub fn keep(&mut self, stage: usize, end: T) {
        if self.awaited.contains_key(&stage) {
            self.kept.insert(stage, end);
        }
    }

    /// How a stage ended, for one that stands on it. The last gets it as it is, so a thousand stages in a row are copied
    /// nowhere.
    pub fn below(&mut self, stage: usize) -> Option<Cow<'_, T>> {
        let awaited = self.awaited.get_mut(&stage)?;
        *awaited -= 1;
        if *awaited > 0 {
            return self.kept.get(&stage).map(Cow::Borrowed);
        }
        self.awaited.remove(&stage);
        self.kept.remove(&stage).map(Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_gets_it_and_those_before_copies() {
        let mut ends = Ends::of([0, 0]);
        ends.keep(0, 7);
        ends.keep(1, 8);
        assert!(matches!(ends.below(0), Some(Cow::Borrowed(7))));
        assert!(matches!(ends.below(0), Some(Cow::Owned(7))));
        assert_eq!(ends.below(0), None);
        assert_eq!(ends.below(1), None);
    }
}
