//! What a `COPY` will put, by path.
//!
//! Nearly all of it comes in canonical order: then it is one list, which takes a third of a map's room and time.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::entry::{Path, PathOrder};
use crate::found::{Found, within};

/// Objects, one a path.
#[derive(Default)]
pub(super) struct Puts {
    /// In canonical order: each of them came behind all that were here.
    run: Vec<Found>,
    /// Those that didn't.
    rest: BTreeMap<Path, Found>,
}

impl Puts {
    /// Takes a list in canonical order as its own, unless it has something that doesn't come before all of it.
    pub fn adopt(&mut self, mut list: Vec<Found>) -> Result<(), Vec<Found>> {
        let fits = match (self.run.last(), list.first()) {
            (Some(last), Some(first)) => PathOrder(&last.path) < PathOrder(&first.path),
            _ => true,
        };
        if !fits || !self.rest.is_empty() {
            return Err(list);
        }
        list.splice(0..0, std::mem::take(&mut self.run));
        self.run = list;
        Ok(())
    }

    /// Makes room for so many that will come.
    pub fn reserve(&mut self, count: usize) {
        self.run.reserve(count);
    }

    pub fn get(&self, path: &[u8]) -> Option<&Found> {
        self.place(path).ok().map(|i| &self.run[i]).or_else(|| self.rest.get(path))
    }

    /// Takes the place of what is at that path.
    pub fn insert(&mut self, found: Found) {
        match self.place(&found.path) {
            Ok(i) => self.run[i] = found,
            Err(i) if i == self.run.len() && !self.rest.contains_key(&*found.path) => self.run.push(found),
            Err(_) => drop(self.rest.insert(found.path.clone(), found)),
        }
    }

    /// Drops what is below a path.
    pub fn clear(&mut self, path: &[u8]) {
        let start = self.place(path).map_or_else(|i| i, |i| i + 1);
        let count = self.run[start..].iter().take_while(|found| within(&found.path, path)).count();
        self.run.drain(start..start + count);
        let (from, to) = ([path, b"/"].concat(), [path, b"0"].concat());
        let range = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
        let gone: Vec<Path> = self.rest.range::<[u8], _>(range).map(|(path, _)| path.clone()).collect();
        gone.iter().for_each(|path| drop(self.rest.remove(path)));
    }

    /// All of them: in canonical order as far as they came in it.
    pub fn iter(&self) -> impl Iterator<Item = &Found> {
        self.run.iter().chain(self.rest.values())
    }

    /// As [`iter`](Self::iter), as a list.
    pub fn into_list(mut self) -> Vec<Found> {
        self.run.extend(self.rest.into_values());
        self.run
    }

    /// Where it is in the list, or would be.
    fn place(&self, path: &[u8]) -> Result<usize, usize> {
        match self.run.last() {
            Some(last) if PathOrder(&last.path) >= PathOrder(path) => {
                self.run.binary_search_by(|found| PathOrder(&found.path).cmp(&PathOrder(path)))
            }
            _ => Err(self.run.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Meta;
    use crate::found::Shape;

    fn puts(paths: &[&str]) -> Puts {
        let mut puts = Puts::default();
        for path in paths {
            puts.insert(Found { path: (*path).into(), meta: Meta::default(), shape: Shape::Dir });
        }
        puts
    }

    #[track_caller]
    fn check(puts: Puts, run: usize, expected: &[&str]) {
        assert_eq!(puts.run.len(), run);
        assert!(puts.iter().all(|found| puts.get(&found.path).is_some()));
        assert!(puts.get(b"other").is_none());
        let mut paths: Vec<_> = puts.into_list().into_iter().map(|found| found.path).collect();
        paths.sort();
        assert_eq!(paths, expected.iter().map(|path| Path::from(*path)).collect::<Vec<_>>());
    }

    #[test]
    fn a_path_is_there_once_in_whatever_order_it_comes() {
        check(puts(&["a", "a/x", "a-b", "c"]), 4, &["a", "a-b", "a/x", "c"]);
        check(puts(&["b", "a", "c", "a", "b", "c"]), 2, &["a", "b", "c"]);
        check(puts(&["a-b", "a/x", "b"]), 2, &["a-b", "a/x", "b"]);
    }

    #[test]
    fn a_list_is_adopted_if_it_comes_behind_all() {
        let list = |paths: &[&str]| puts(paths).into_list();
        let mut all = puts(&["a"]);
        assert!(all.adopt(list(&["a/x", "b"])).is_ok());
        check(all, 3, &["a", "a/x", "b"]);
        let mut all = puts(&["b"]);
        assert_eq!(all.adopt(list(&["a", "c"])).map_err(|list| list.len()), Err(2));
        check(all, 1, &["b"]);
        let mut all = puts(&["b", "a"]);
        assert!(all.adopt(list(&["c"])).is_err());
        assert!(puts(&["b"]).adopt(list(&["b"])).is_err());
        assert!(puts(&["b"]).adopt(Vec::new()).is_ok());
    }

    #[test]
    fn what_is_below_goes() {
        let mut all = puts(&["a", "a/x", "a/x/y", "a-b", "b", "a/w", "a/x/z"]);
        all.clear(b"a/x");
        check(all, 4, &["a", "a-b", "a/w", "a/x", "b"]);
        let mut all = puts(&["a", "a/x", "a-b", "a/w"]);
        all.clear(b"a");
        check(all, 2, &["a", "a-b"]);
    }
}
